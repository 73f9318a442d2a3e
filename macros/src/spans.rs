//! Names for generated code, and the places in the user's code that rustc shows for them.
//!
//! Where generated code does not fit what the user wrote, rustc complains. It points to the user's
//! own tokens if all of an expression has their spans, hygiene included; one token with a span of
//! the macro's moves the whole message to the attribute.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Path, ReturnType, Signature};

/// The module of `basehttp` with all that generated code uses.
pub(crate) struct Private<'p>(pub(crate) Option<&'p Path>);

impl Private<'_> {
    /// The absolute path of `name`.
    pub(crate) fn name(&self, name: &str) -> TokenStream {
        self.name_at(Span::call_site(), name)
    }

    /// The absolute path of `name`, for which rustc shows `span`.
    pub(crate) fn name_at(&self, span: Span, name: &str) -> TokenStream {
        let name = Ident::new(name, span);
        match self.0 {
            Some(path) => {
                let path = located(path, span);
                quote_spanned!(span=> #path::__private::#name)
            }
            None => quote_spanned!(span=> ::basehttp::__private::#name),
        }
    }
}

/// The same path, shown at `span`: it still means what it meant where it came from, since the
/// `$crate` of a `macro_rules!` macro is known by its span.
fn located(path: &Path, span: Span) -> TokenStream {
    let relocate = |mut token: proc_macro2::TokenTree| {
        token.set_span(span.resolved_at(token.span()));
        token
    };
    path.to_token_stream().into_iter().map(relocate).collect()
}

/// The first and the last token of something that rustc shall underline.
///
/// On stable Rust no span covers both, but an expression does that begins with the one and ends
/// with the other.
#[derive(Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) first: Span,
    pub(crate) last: Span,
}

impl Ends {
    pub(crate) fn of(tokens: &impl ToTokens) -> Self {
        let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
        let first = spans.next().unwrap_or_else(Span::call_site);
        Ends { first, last: spans.last().unwrap_or(first) }
    }

    /// The type that a function returns, or its name if that says nothing.
    pub(crate) fn of_returned(signature: &Signature) -> Self {
        match &signature.output {
            ReturnType::Type(_, ty) => Ends::of(ty),
            ReturnType::Default => Ends::of(&signature.ident),
        }
    }
}
