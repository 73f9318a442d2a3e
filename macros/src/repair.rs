//! A function we complained about, with the signature that we ask for.
//!
//! With its own, rustc would complain once more, and in worse words: about a `self` that nobody
//! declared, a hidden lifetime in an `async fn`, or an exchange that cannot be written to.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::quote;
use syn::spanned::Spanned;
use syn::{FnArg, ReturnType, Signature, Type, parse_quote_spanned};

use crate::model::Function;
use crate::signature::{mentions, names_exchange, plain};

/// Makes `&mut Exchange` of the `Exchange` or `&Exchange` that a `do_` method takes.
pub(crate) fn borrow_exchange(signature: &mut Signature) {
    for input in &mut signature.inputs {
        let FnArg::Typed(argument) = input else {
            continue;
        };
        let exchange = match plain(&argument.ty) {
            ty if !names_exchange(ty) => continue,
            Type::Reference(reference) => &reference.elem,
            ty => ty,
        };
        argument.ty = parse_quote_spanned!(exchange.span()=> &mut #exchange);
    }
}

/// The function as rustc finds nothing wrong with it.
pub(crate) fn repaired(function: &Function) -> TokenStream {
    let Function { attributes, visibility, signature, body } = function;
    let mut sound = signature.clone();
    sound.constness = None;
    sound.asyncness = None;
    sound.abi = None;
    sound.variadic = None;
    take_self(&mut sound);
    let body = match signature.asyncness {
        None => quote!(#body),
        Some(_) => asleep(&mut sound.output, body),
    };
    quote!(#(#attributes)* #visibility #sound #body)
}

/// Adds the `&self` that is missing.
fn take_self(signature: &mut Signature) {
    if signature.receiver().is_none() {
        // The body's `self` comes from the same place as `fn`, also within a `macro_rules!` macro.
        let receiver: FnArg = parse_quote_spanned!(signature.fn_token.span=> &self);
        signature.inputs.insert(0, receiver);
    }
}

/// The body of an `async fn`, which may `await`: it is checked, and never run.
fn asleep(output: &mut ReturnType, body: &TokenTree) -> TokenStream {
    let body = match body {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => quote!(#body),
        _ => quote!({ #body }),
    };
    if mentions(output, "impl") {
        // No closure can say that it returns an `impl Trait`.
        *output = ReturnType::Default;
        return quote!({ let _ = async move #body; });
    }
    quote!({ let _ = async move || #output #body; loop {} })
}
