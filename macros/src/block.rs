//! Reads an `impl` block without looking into the bodies of its methods.
//!
//! A body with a mistake in it, or half written in an editor, is rustc's to judge: it goes through
//! as it came, and everything else in the block still works.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Generics, Result, Signature, Token, Type, braced};

use crate::model::{Constant, Function, Header, Opaque};

/// An `impl` block as it was written.
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) items: Vec<BlockItem>,
}

/// An item of the block as it was written.
pub(crate) enum BlockItem {
    Function(Function),
    Constant(Constant),
    Other(Opaque),
}

impl Parse for Block {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let unsafety = input.parse()?;
        let impl_token = input.parse()?;
        let mut generics: Generics = input.parse()?;
        let self_type: Type = input.parse()?;
        if input.peek(Token![for]) {
            return Err(Error::new_spanned(self_type, NOT_FOR_TRAITS));
        }
        generics.where_clause = input.parse()?;
        let content;
        let braces = braced!(content in input);
        let inner_attributes = content.call(Attribute::parse_inner)?;
        let mut items = Vec::new();
        while !content.is_empty() {
            items.push(content.parse()?);
        }
        let header = Header {
            attributes,
            unsafety,
            impl_token,
            generics,
            self_type,
            braces,
            inner_attributes,
        };
        Ok(Block { header, items })
    }
}

const NOT_FOR_TRAITS: &str = "`#[http_handler]` belongs above an `impl` block of the type's own \
     methods, not above the implementation of a trait";

impl Parse for BlockItem {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        if let Some(mut function) = attempt(input, function) {
            function.attributes = attributes;
            return Ok(BlockItem::Function(function));
        }
        if let Some(mut constant) = attempt(input, constant) {
            constant.attributes = attributes;
            return Ok(BlockItem::Constant(constant));
        }
        Ok(BlockItem::Other(Opaque { attributes, tokens: up_to_its_end(input)? }))
    }
}

/// Takes what `parse` reads from the input, or nothing.
fn attempt<T>(input: ParseStream<'_>, parse: fn(ParseStream<'_>) -> Result<T>) -> Option<T> {
    let ahead = input.fork();
    let value = parse(&ahead).ok()?;
    input.advance_to(&ahead);
    Some(value)
}

/// Reads a function from its visibility on.
fn function(input: ParseStream<'_>) -> Result<Function> {
    Ok(Function {
        attributes: Vec::new(),
        visibility: input.parse()?,
        signature: input.parse::<Signature>()?,
        body: body(input)?,
    })
}

/// Takes a block or a semicolon; rustc has its own words for a function without a body.
fn body(input: ParseStream<'_>) -> Result<TokenTree> {
    let body = input.parse()?;
    match &body {
        // A block that a `macro_rules!` macro took as `$body:block` is in a group without braces.
        TokenTree::Group(group) if group.delimiter() != Delimiter::Parenthesis => Ok(body),
        TokenTree::Punct(punct) if punct.as_char() == ';' => Ok(body),
        other => Err(Error::new(other.span(), "expected a block")),
    }
}

/// Reads a constant from its visibility on.
fn constant(input: ParseStream<'_>) -> Result<Constant> {
    Ok(Constant {
        attributes: Vec::new(),
        visibility: input.parse()?,
        const_token: input.parse()?,
        name: input.parse()?,
        colon: input.parse()?,
        ty: input.parse()?,
        value: up_to(input, is_semicolon)?,
    })
}

/// Takes whatever stands here: items end with a semicolon or a block.
fn up_to_its_end(input: ParseStream<'_>) -> Result<TokenStream> {
    up_to(input, |token| is_semicolon(token) || is_block(token))
}

fn up_to(input: ParseStream<'_>, is_last: fn(&TokenTree) -> bool) -> Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() {
        let token: TokenTree = input.parse()?;
        let last = is_last(&token);
        tokens.extend([token]);
        if last {
            break;
        }
    }
    Ok(tokens)
}

fn is_semicolon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';')
}

fn is_block(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}
