//! What the signature of a method may look like.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Error, FnArg, GenericParam, PatType, Receiver, ReceiverKind, ReturnType, Safety, Signature,
    Type,
};

use crate::diagnostics::mistake;
use crate::model::Argument;
use crate::reserved::ReservedFunction;

/// What a `do_` method takes besides `&self`, or all that is wrong with its signature.
pub(crate) fn of_verb(signature: &Signature) -> Result<Vec<Argument>, Vec<Error>> {
    let mut mistakes = modifiers(signature);
    match signature.receiver() {
        Some(receiver) => mistakes.extend(shared(receiver)),
        None => mistakes.push(mistake(
            &signature.ident,
            "a handler is called on its value: write `&self` as the first parameter",
        )),
    }
    mistakes.extend(types(signature));
    let arguments = arguments(signature, &mut mistakes);
    if arguments.iter().any(is_exchange) {
        mistakes.extend(borrowing(&signature.output));
    }
    if mistakes.is_empty() { Ok(arguments) } else { Err(mistakes) }
}

/// All that is wrong with the signature of a reserved function, but for its types.
///
/// rustc compares those with the trait's, and shows both.
pub(crate) fn of_hook(signature: &Signature, reserved: &ReservedFunction) -> Vec<Error> {
    let mut mistakes = modifiers(signature);
    mistakes.extend(types(signature));
    let receiver = signature.receiver();
    mistakes.extend(receiver.and_then(shared));
    if receiver.is_none() || signature.inputs.len() != reserved.arguments + 1 {
        let name = &signature.ident;
        mistakes
            .push(mistake(name, format!("this name is reserved: write `{}`", reserved.usage())));
    }
    mistakes
}

/// The words before `fn`, of which a handler has none.
fn modifiers(signature: &Signature) -> Vec<Error> {
    let mut mistakes = Vec::new();
    if let Some(token) = &signature.constness {
        mistakes.push(mistake(token, "handlers run when a request comes: remove `const`"));
    }
    if let Some(token) = &signature.asyncness {
        mistakes.push(mistake(token, "handlers are blocking functions: remove `async`"));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        let message = "any request may call a handler: remove `unsafe`, and write an `unsafe` \
                       block where it is needed";
        mistakes.push(mistake(token, message));
    }
    if let Some(abi) = &signature.abi {
        mistakes.push(mistake(abi, "handlers are Rust functions: remove `extern`"));
    }
    if let Some(variadic) = &signature.variadic {
        mistakes.push(mistake(variadic, "handlers are Rust functions: remove `...`"));
    }
    mistakes
}

/// A receiver other than `&self`: all connections share the handler.
fn shared(receiver: &Receiver) -> Option<Error> {
    let exclusive = match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => return None,
        ReceiverKind::Reference(_, _, Some(_)) => true,
        ReceiverKind::Typed(_, ty) => match plain(ty) {
            Type::Reference(reference) if is_self(&reference.elem) => {
                reference.mutability.as_ref()?;
                true
            }
            _ => false,
        },
        _ => receiver.mutability.is_some(),
    };
    let advice =
        if exclusive { ", and keep what changes in a `Mutex`, an atomic or a `Cell`" } else { "" };
    let message = format!("`self` is shared by all connections: take `&self`{advice}");
    Some(mistake(receiver, message))
}

/// Parameters that only a caller who knows the types could fill in.
fn types(signature: &Signature) -> Vec<Error> {
    let parameters = signature.generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
    });
    let generics = parameters.map(|name| {
        mistake(name, format!("the server calls this method and cannot choose `{name}`: remove it"))
    });
    let anonymous = typed(signature).filter(|argument| mentions(&argument.ty, "impl")).map(|it| {
        mistake(&it.ty, "the server calls this method and cannot choose a type: name one here")
    });
    generics.chain(anonymous).collect()
}

/// What a `do_` method takes besides `&self`.
fn arguments(signature: &Signature, mistakes: &mut Vec<Error>) -> Vec<Argument> {
    let mut arguments = Vec::new();
    for PatType { ty, .. } in typed(signature) {
        match plain(ty) {
            _ if mentions(ty, "impl") => {} // `types` has complained.
            exchange if is_exclusive_path(exchange) && !arguments.iter().any(is_exchange) => {
                arguments.push(Argument::Exchange(Type::clone(ty)));
            }
            exchange if is_exclusive_path(exchange) => mistakes.push(mistake(ty, ONLY_ONE)),
            exchange if names_exchange(exchange) => mistakes.push(mistake(ty, EXCLUSIVE)),
            _ => arguments.push(Argument::Extracted(Type::clone(ty))),
        }
    }
    arguments
}

const ONLY_ONE: &str = "a request has one `Exchange`: remove this parameter";
const EXCLUSIVE: &str = "a handler answers through the exchange: take it as `&mut Exchange`";

fn is_exchange(argument: &Argument) -> bool {
    matches!(argument, Argument::Exchange(_))
}

/// An `impl Trait` that keeps `http` borrowed while the answer is written to it.
fn borrowing(output: &ReturnType) -> Option<Error> {
    let ReturnType::Type(_, ty) = output else {
        return None;
    };
    (mentions(ty, "impl") && !mentions(ty, "use")).then(|| mistake(ty, BORROWS))
}

const BORROWS: &str = "an `impl Trait` borrows `http`, which is needed to send it: write `impl \
     IntoResponse + use<>`";

fn typed(signature: &Signature) -> impl Iterator<Item = &PatType> {
    signature.inputs.iter().filter_map(|input| match input {
        FnArg::Receiver(_) => None,
        FnArg::Typed(argument) => Some(argument),
    })
}

/// Whether this is `&mut` and a path: what the path stands for is not ours to know.
fn is_exclusive_path(ty: &Type) -> bool {
    let Type::Reference(reference) = ty else {
        return false;
    };
    reference.mutability.is_some() && matches!(plain(&reference.elem), Type::Path(_))
}

/// Whether this is `Exchange` or `&Exchange`.
pub(crate) fn names_exchange(ty: &Type) -> bool {
    match plain(ty) {
        Type::Reference(reference) => names_exchange(&reference.elem),
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|segment| segment.ident == "Exchange")
        }
        _ => false,
    }
}

fn is_self(ty: &Type) -> bool {
    matches!(plain(ty), Type::Path(path) if path.path.is_ident("Self"))
}

/// The type without parentheses, and without the group that a `$t:ty` arrives in.
pub(crate) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => plain(&group.elem),
        Type::Paren(paren) => plain(&paren.elem),
        _ => ty,
    }
}

/// Whether `keyword` stands anywhere in the type.
pub(crate) fn mentions(ty: &impl ToTokens, keyword: &str) -> bool {
    contains(ty.to_token_stream(), keyword)
}

fn contains(tokens: TokenStream, keyword: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == keyword,
        TokenTree::Group(group) => contains(group.stream(), keyword),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
