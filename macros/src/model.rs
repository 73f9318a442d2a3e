//! What a block means, once every rule has been applied.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{Attribute, Generics, Path, Signature, Token, Type, Visibility, token};

use crate::reserved::{ReservedConstant, ReservedFunction};

/// An `impl` block that is a request handler.
pub(crate) struct HandlerImpl {
    /// Where generated code finds `basehttp`, if the user said so.
    pub(crate) krate: Option<Path>,
    pub(crate) header: Header,
    pub(crate) items: Vec<Item>,
}

/// All of the block but its items.
pub(crate) struct Header {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) unsafety: Option<Token![unsafe]>,
    pub(crate) impl_token: Token![impl],
    /// With the `where` clause.
    pub(crate) generics: Generics,
    pub(crate) self_type: Type,
    pub(crate) braces: token::Brace,
    pub(crate) inner_attributes: Vec<Attribute>,
}

/// What stands in the block, in the user's order.
pub(crate) enum Item {
    Verb(VerbMethod),
    Hook(Hook),
    Override(Override),
    /// Complained about: it is given back in a form that rustc finds nothing wrong with.
    Refused(Function),
    /// The user's own business, as the rest of the items.
    Function(Function),
    Constant(Constant),
    Other(Opaque),
}

/// A method that answers requests.
pub(crate) struct VerbMethod {
    pub(crate) verb: String,
    pub(crate) function: Function,
    /// What it takes besides `&self`.
    pub(crate) arguments: Vec<Argument>,
}

/// How the value of an argument is found.
pub(crate) enum Argument {
    /// The exchange itself; the type is `&mut Exchange`, however the user spells it.
    Exchange(Type),
    /// It is made of the request: the type implements `FromRequestWith`, as rustc will check.
    Extracted(Type),
}

/// A function that overrides a default.
pub(crate) struct Hook {
    pub(crate) reserved: &'static ReservedFunction,
    pub(crate) function: Function,
}

/// A constant that overrides a default.
pub(crate) struct Override {
    pub(crate) reserved: &'static ReservedConstant,
    pub(crate) constant: Constant,
}

/// A function, whose body nobody looked into.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// A block, or a lone semicolon.
    pub(crate) body: TokenTree,
}

/// A constant, whose value nobody looked into.
pub(crate) struct Constant {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) const_token: Token![const],
    pub(crate) name: Ident,
    pub(crate) colon: Token![:],
    pub(crate) ty: Type,
    /// From the equals sign to the semicolon.
    pub(crate) value: TokenStream,
}

/// An item of which only the attributes were read.
pub(crate) struct Opaque {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) tokens: TokenStream,
}
