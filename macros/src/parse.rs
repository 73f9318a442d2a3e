//! Tokens to model: what each item of a block is, and which of them may not stay.

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::format_ident;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Path, Result, Token};

use crate::attributes::{self, Given};
use crate::block::{Block, BlockItem};
use crate::diagnostics::Problems;
use crate::model::{Constant, Function, HandlerImpl, Hook, Item, Opaque, Override, VerbMethod};
use crate::names::{self, Meaning};
use crate::{placement, repair, signature};

/// Reads `item` as a handler; what is none has to be given back as it came.
pub(crate) fn handler_impl(
    arguments: TokenStream,
    item: TokenStream,
    problems: &mut Problems,
) -> Option<HandlerImpl> {
    let Arguments { krate } = syn::parse2(arguments).unwrap_or_else(|error| {
        problems.add(error);
        Arguments::default()
    });
    if let Some((keyword, message)) = placement::misplaced(&item) {
        problems.report(keyword, message);
        return None;
    }
    let Block { header, items } = syn::parse2(item).map_err(|error| problems.add(error)).ok()?;
    let mut items: Vec<Item> = items.into_iter().map(|it| self::item(it, problems)).collect();
    refuse_duplicates(&mut items, problems);
    if !items.iter().any(may_answer) {
        problems.report(&header.self_type, NO_METHOD);
    }
    Some(HandlerImpl { krate, header, items })
}

const NO_METHOD: &str = "no `do_` method here: write `fn do_GET(&self, http: &mut Exchange) -> \
     io::Result<()> { … }`";

/// What may be written in `#[http_handler(…)]`.
#[derive(Default)]
struct Arguments {
    krate: Option<Path>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            return Ok(Arguments::default());
        }
        let usage = |error: Error| Error::new(error.span(), ARGUMENTS);
        input.parse::<Token![crate]>().map_err(usage)?;
        input.parse::<Token![=]>().map_err(usage)?;
        let krate = input.call(Path::parse_mod_style).map_err(usage)?;
        input.parse::<Option<Token![,]>>()?;
        if input.is_empty() {
            Ok(Arguments { krate: Some(krate) })
        } else {
            Err(usage(input.error("")))
        }
    }
}

const ARGUMENTS: &str = "all that may be written here is `crate = path::to::basehttp`, for a \
     crate that knows `basehttp` by another path";

fn item(item: BlockItem, problems: &mut Problems) -> Item {
    match item {
        BlockItem::Function(function) => self::function(function, problems),
        BlockItem::Constant(constant) => self::constant(constant, problems),
        BlockItem::Other(opaque) => other(opaque, problems),
    }
}

/// Tells a handler from a hook from a mistake: `#[method]` decides, and without it the name.
fn function(mut function: Function, problems: &mut Problems) -> Item {
    let name = &function.signature.ident;
    match attributes::take_verb(&mut function.attributes, problems) {
        Given::Verb(verb) => return verb_method(verb, function, problems),
        Given::Mistake => return Item::Refused(function),
        Given::Nothing => {}
    }
    match names::of_function(&name.unraw().to_string()) {
        Meaning::Verb(verb) => verb_method(verb, function, problems),
        Meaning::Reserved(reserved) => {
            let mistakes = signature::of_hook(&function.signature, reserved);
            if mistakes.is_empty() {
                return Item::Hook(Hook { reserved, function });
            }
            problems.extend(mistakes);
            Item::Refused(function)
        }
        Meaning::Mistake(message) => {
            problems.report(name, message);
            Item::Refused(function)
        }
        Meaning::Ordinary => Item::Function(function),
    }
}

fn verb_method(verb: String, mut function: Function, problems: &mut Problems) -> Item {
    match signature::of_verb(&function.signature) {
        Ok(arguments) => Item::Verb(VerbMethod { verb, function, arguments }),
        Err(mistakes) => {
            problems.extend(mistakes);
            repair::borrow_exchange(&mut function.signature);
            Item::Refused(function)
        }
    }
}

fn constant(mut constant: Constant, problems: &mut Problems) -> Item {
    attributes::refuse_verb(&mut constant.attributes, problems);
    match names::of_constant(&constant.name.unraw().to_string()) {
        Meaning::Reserved(reserved) => return Item::Override(Override { reserved, constant }),
        Meaning::Mistake(message) => problems.report(&constant.name, message),
        Meaning::Verb(_) | Meaning::Ordinary => {}
    }
    Item::Constant(constant)
}

fn other(mut opaque: Opaque, problems: &mut Problems) -> Item {
    attributes::refuse_verb(&mut opaque.attributes, problems);
    if let Some(name) = function_name(&opaque.tokens)
        && names::of_function(&name.unraw().to_string()) != Meaning::Ordinary
    {
        let message = format!(
            "this signature cannot be read: write it as `fn {name}(&self, http: &mut Exchange)`"
        );
        problems.report(name, message);
    }
    Item::Other(opaque)
}

/// The name of a function whose signature nobody understood.
fn function_name(tokens: &TokenStream) -> Option<Ident> {
    let mut tokens = tokens.clone().into_iter();
    tokens.find(|token| matches!(token, TokenTree::Ident(ident) if ident == "fn"))?;
    match tokens.next() {
        Some(TokenTree::Ident(name)) => Some(name),
        _ => None,
    }
}

/// Complains about the second of two items that mean the same, and takes it out of the way.
///
/// Items under a `#[cfg]` may exclude each other; if they do not, rustc says so.
fn refuse_duplicates(items: &mut [Item], problems: &mut Problems) {
    let mut seen = HashSet::new();
    for (index, item) in items.iter_mut().enumerate() {
        let Some((name, role)) = role(item) else {
            continue;
        };
        if seen.insert(role.clone()) {
            continue;
        }
        problems.report(name, format!("there is another {role} in this block: keep one of them"));
        rename(item, index);
    }
}

/// The name of an item that exists in any case, and what it is there for.
fn role(item: &Item) -> Option<(&Ident, String)> {
    let (attributes, name, role) = match item {
        Item::Verb(VerbMethod { verb, function, .. }) => {
            (&function.attributes, &function.signature.ident, format!("method for {verb}"))
        }
        Item::Hook(Hook { reserved, function }) => {
            (&function.attributes, &function.signature.ident, format!("`{}`", reserved.name))
        }
        Item::Override(Override { reserved, constant }) => {
            (&constant.attributes, &constant.name, format!("`{}`", reserved.name))
        }
        _ => return None,
    };
    attributes::conditions(attributes).is_empty().then_some((name, role))
}

/// Makes an ordinary item of a duplicate, under a name that rustc finds only once.
fn rename(item: &mut Item, index: usize) {
    let placeholder = Item::Other(Opaque { attributes: Vec::new(), tokens: TokenStream::new() });
    *item = match std::mem::replace(item, placeholder) {
        Item::Verb(VerbMethod { mut function, .. }) | Item::Hook(Hook { mut function, .. }) => {
            let name = &mut function.signature.ident;
            *name = format_ident!("__{}_{index}", name);
            Item::Refused(function)
        }
        Item::Override(Override { mut constant, .. }) => {
            constant.name = format_ident!("__{}_{index}", constant.name);
            Item::Constant(constant)
        }
        other => other,
    };
}

/// Whether a request may find its answer in this item, or would but for a mistake.
fn may_answer(item: &Item) -> bool {
    match item {
        Item::Verb(_) | Item::Refused(_) => true,
        // Nobody knows what methods a macro in the block makes.
        Item::Other(opaque) => is_macro(&opaque.tokens) || function_name(&opaque.tokens).is_some(),
        _ => false,
    }
}

fn is_macro(tokens: &TokenStream) -> bool {
    let bang = |token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '!');
    tokens.clone().into_iter().any(bang)
}
