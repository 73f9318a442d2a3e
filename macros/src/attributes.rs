//! The attributes above an item: the verb that `#[method]` gives, and conditions that travel.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, LitStr, Meta, Result, Token};

use crate::diagnostics::Problems;
use crate::names::{NOT_A_VERB, is_verb};

/// What `#[method]` says about a method.
pub(crate) enum Given {
    /// There is none: the name of the method decides.
    Nothing,
    Verb(String),
    /// There is one that we complained about.
    Mistake,
}

/// Takes `#[method]` off a method, since rustc knows no such attribute, and reads it.
pub(crate) fn take_verb(attributes: &mut Vec<Attribute>, problems: &mut Problems) -> Given {
    let helpers = take_helpers(attributes);
    let Some((first, surplus)) = helpers.split_first() else {
        return Given::Nothing;
    };
    for helper in surplus {
        problems.report(helper, "a method answers one verb: remove this `#[method]`");
    }
    match verb(first, problems) {
        Some(verb) if surplus.is_empty() => Given::Verb(verb),
        _ => Given::Mistake,
    }
}

/// Takes `#[method]` off something that is no method, and complains.
pub(crate) fn refuse_verb(attributes: &mut Vec<Attribute>, problems: &mut Problems) {
    for helper in take_helpers(attributes) {
        problems.report(helper, "`#[method(\"VERB\")]` belongs above a method");
    }
}

/// The conditions under which an item exists: its `#[cfg]`s, also those within `#[cfg_attr]`.
///
/// Whatever mentions the item has to stand under the same conditions.
pub(crate) fn conditions(attributes: &[Attribute]) -> Vec<Attribute> {
    let under = |attribute: &Attribute| {
        let meta = condition(&attribute.meta)?;
        Some(Attribute { meta, ..attribute.clone() })
    };
    attributes.iter().filter_map(under).collect()
}

fn condition(meta: &Meta) -> Option<Meta> {
    if meta.path().is_ident("cfg") {
        return Some(meta.clone());
    }
    let CfgAttr { predicate, attributes } = CfgAttr::of(meta)?;
    let kept: Punctuated<Meta, Token![,]> = attributes.iter().filter_map(condition).collect();
    if kept.is_empty() {
        return None;
    }
    let mut list = meta.require_list().ok()?.clone();
    list.tokens = predicate;
    list.tokens.extend(kept.into_token_stream());
    Some(Meta::List(list))
}

/// Removes every `#[method]` from `attributes`, also those within a `#[cfg_attr]`.
fn take_helpers(attributes: &mut Vec<Attribute>) -> Vec<Attribute> {
    attributes.extract_if(.., |attribute| mentions_method(&attribute.meta)).collect()
}

fn mentions_method(meta: &Meta) -> bool {
    meta.path().is_ident("method")
        || CfgAttr::of(meta).is_some_and(|it| it.attributes.iter().any(mentions_method))
}

/// The verb in `#[method("VERB")]`.
fn verb(helper: &Attribute, problems: &mut Problems) -> Option<String> {
    if helper.path().is_ident("cfg_attr") {
        problems.report(
            helper,
            "`#[method]` is not seen within `cfg_attr`: write two methods, each below its own \
             `#[cfg(…)]` and its own `#[method(\"…\")]`",
        );
        return None;
    }
    let Ok(text) = helper.parse_args::<LitStr>() else {
        problems.report(helper, "write the verb as text: `#[method(\"M-SEARCH\")]`");
        return None;
    };
    let verb = text.value();
    if !is_verb(&verb) {
        problems.report(text, NOT_A_VERB);
        return None;
    }
    Some(verb)
}

/// The inside of a `cfg_attr(…)`.
struct CfgAttr {
    /// With the comma behind it.
    predicate: TokenStream,
    attributes: Punctuated<Meta, Token![,]>,
}

impl CfgAttr {
    fn of(meta: &Meta) -> Option<Self> {
        match meta {
            Meta::List(list) if list.path.is_ident("cfg_attr") => list.parse_args().ok(),
            _ => None,
        }
    }
}

impl Parse for CfgAttr {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut predicate = TokenStream::new();
        while !input.peek(Token![,]) {
            predicate.extend([input.parse::<TokenTree>()?]);
        }
        predicate.extend(input.parse::<Token![,]>()?.into_token_stream());
        Ok(CfgAttr { predicate, attributes: Punctuated::parse_terminated(input)? })
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn attributes(tokens: TokenStream) -> Vec<Attribute> {
        syn::parse::Parser::parse2(Attribute::parse_outer, tokens).unwrap()
    }

    #[test]
    fn only_conditions_travel() {
        for (written, travels) in [
            (quote!(#[cfg(unix)]), quote!(#[cfg(unix)])),
            (quote!(#[doc = "x"] #[cfg(unix)] #[inline]), quote!(#[cfg(unix)])),
            (quote!(#[cfg_attr(unix, inline)]), quote!()),
            (quote!(#[cfg_attr(unix, inline, cfg(a))]), quote!(#[cfg_attr(unix, cfg(a))])),
            (
                quote!(#[cfg_attr(all(a, b), cfg_attr(true, doc = "x", cfg(c)))]),
                quote!(#[cfg_attr(all(a, b), cfg_attr(true, cfg(c)))]),
            ),
        ] {
            let conditions = conditions(&attributes(written.clone()));
            let kept: TokenStream =
                conditions.into_iter().map(ToTokens::into_token_stream).collect();
            assert_eq!(kept.to_string(), travels.to_string(), "{written}");
        }
    }

    #[test]
    fn helpers_are_taken() {
        for (written, helpers) in [
            (quote!(#[method("A")]), 1),
            (quote!(#[method] #[doc = "x"] #[method("B")]), 2),
            (quote!(#[cfg_attr(unix, method("A"))]), 1),
            (quote!(#[other::method] #[cfg_attr(unix, inline)] #[methods]), 0),
        ] {
            let mut attributes = attributes(written.clone());
            let before = attributes.len();
            assert_eq!(take_helpers(&mut attributes).len(), helpers, "{written}");
            assert_eq!(attributes.len(), before - helpers, "{written}");
        }
    }
}
