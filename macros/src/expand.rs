//! Model to tokens: the block that the user wrote, and the handler that it describes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{FnArg, Signature, Type};

use crate::attributes::conditions;
use crate::model::{
    Argument, Constant, Function, HandlerImpl, Header, Hook, Item, Opaque, Override, VerbMethod,
};
use crate::repair::repaired;
use crate::reserved::Returns;
use crate::spans::{Ends, Private};

// From:  impl Hello { fn do_GET(&self, http: &mut Exchange) -> io::Result<()> { … } … }
//
// To:    the same block, in which `do_GET` may have capitals, and
//
//        impl ::basehttp::__private::RequestHandler for Hello {
//            fn methods(&self) -> &'static [MethodInfo] {
//                const { &[MethodInfo::new("GET")] }
//            }
//            fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
//                match http.command {
//                    "GET" => {
//                        let exchange = &mut *http;
//                        let value = Self::do_GET(self, &mut *exchange);
//                        answer(identity(value), http)
//                    }
//                    "POST" => { // of `fn do_POST(&self, http: &mut Exchange, form: FieldStorage)`
//                        let handler = self;
//                        let argument_2 =
//                            FromRequestWith::from_request_with(http, &*handler)?;
//                        let exchange = &mut *http;
//                        let value = Self::do_POST(self, &mut *exchange, argument_2);
//                        answer(identity(value), http)
//                    }
//                    _ => unsupported_method(http),
//                }
//            }
//        }
//
// Each name of ours is an absolute path there, as that of the trait, and each variable begins with
// `__`, so that the user's own names do not matter. The second borrow and `identity` are as long
// as the type that rustc shows for them: see `spans.rs`. For each reserved name in the block there
// is one method more, that calls the user's function or returns the user's constant.
pub(crate) fn handler_impl(model: &HandlerImpl) -> TokenStream {
    let mut tokens = block(model);
    tokens.extend(implementation(model));
    tokens
}

/// The user's block.
fn block(HandlerImpl { header, items, .. }: &HandlerImpl) -> TokenStream {
    let Header { attributes, unsafety, impl_token, generics, self_type, braces, inner_attributes } =
        header;
    let where_clause = &generics.where_clause;
    let mut tokens = quote! {
        #(#attributes)* #unsafety #impl_token #generics #self_type #where_clause
    };
    let items = items.iter().map(item);
    braces.surround(&mut tokens, |content| {
        content.extend(quote!(#(#inner_attributes)* #(#items)*));
    });
    tokens
}

fn item(item: &Item) -> TokenStream {
    match item {
        Item::Verb(VerbMethod { function, .. }) => {
            let function = self::function(function);
            quote!(#[allow(non_snake_case)] #function)
        }
        Item::Refused(function) => {
            let function = repaired(function);
            quote!(#[allow(non_snake_case)] #function)
        }
        Item::Hook(Hook { function, .. }) | Item::Function(function) => self::function(function),
        Item::Override(Override { constant, .. }) | Item::Constant(constant) => {
            self::constant(constant)
        }
        Item::Other(Opaque { attributes, tokens }) => quote!(#(#attributes)* #tokens),
    }
}

fn function(function: &Function) -> TokenStream {
    let Function { attributes, visibility, signature, body } = function;
    quote!(#(#attributes)* #visibility #signature #body)
}

fn constant(constant: &Constant) -> TokenStream {
    let Constant { attributes, visibility, const_token, name, colon, ty, value } = constant;
    quote!(#(#attributes)* #visibility #const_token #name #colon #ty #value)
}

/// What makes a handler of the type.
fn implementation(model: &HandlerImpl) -> TokenStream {
    let HandlerImpl { header, items, .. } = model;
    let private = &Private(model.krate.as_ref());
    let (generics, _, where_clause) = header.generics.split_for_impl();
    let conditions = conditions(&header.attributes);
    let self_type = &header.self_type;
    let request_handler = private.name("RequestHandler");
    let methods = methods(items, private);
    let dispatch = dispatch(items, private);
    let overrides = items.iter().filter_map(|item| match item {
        Item::Hook(hook) => Some(delegate(hook, private)),
        Item::Override(constant) => Some(getter(constant)),
        _ => None,
    });
    quote! {
        #(#conditions)*
        impl #generics #request_handler for #self_type #where_clause {
            #methods
            #dispatch
            #(#overrides)*
        }
    }
}

/// The table of the verbs that the block answers.
fn methods(items: &[Item], private: &Private<'_>) -> TokenStream {
    let info = private.name("MethodInfo");
    let entries = verbs(items).map(|VerbMethod { verb, function, .. }| {
        let conditions = conditions(&function.attributes);
        quote!(#(#conditions)* #info::new(#verb))
    });
    quote! {
        fn methods(&self) -> &'static [#info] {
            // A constant block, since calls in a plain expression make a temporary value.
            const { &[#(#entries),*] }
        }
    }
}

/// The branch to the method for a request's verb.
fn dispatch(items: &[Item], private: &Private<'_>) -> TokenStream {
    let http = Ident::new("__http", Span::mixed_site());
    let exchange = private.name("Exchange");
    let handled = private.name("Handled");
    let unsupported = private.name("unsupported_method");
    let arms = verbs(items).map(|method| arm(method, &http, private));
    quote! {
        fn dispatch(&self, #http: &mut #exchange<'_>) -> #handled {
            match #http.command {
                #(#arms)*
                _ => #unsupported(#http),
            }
        }
    }
}

fn verbs(items: &[Item]) -> impl Iterator<Item = &VerbMethod> {
    items.iter().filter_map(|item| match item {
        Item::Verb(method) => Some(method),
        _ => None,
    })
}

/// Calls a method and sends what it returns.
///
/// rustc shows an argument that does not fit at its type, and an answer that cannot be sent at the
/// type the method returns.
fn arm(method: &VerbMethod, http: &Ident, private: &Private<'_>) -> TokenStream {
    let VerbMethod { verb, function, arguments } = method;
    let conditions = conditions(&function.attributes);
    // The exchange is lent last: whatever the order, the others are made of it.
    let is_lent = |argument: &&Argument| matches!(argument, Argument::Exchange(_));
    let extracted = arguments.iter().enumerate().filter(|(_, argument)| !is_lent(argument));
    let lent = arguments.iter().enumerate().filter(|(_, argument)| is_lent(argument));
    let bindings = extracted.chain(lent).map(|(at, it)| binding(at, it, http, private));
    let arguments: Vec<_> = arguments.iter().enumerate().map(|(at, it)| passed(at, it)).collect();
    let call = call(&function.signature, &arguments);
    let returned = Ends::of_returned(&function.signature);
    let value = Ident::new("__value", returned.first);
    let argument = underlined(&value, returned, private);
    let answer = private.name_at(returned.first, "answer");
    let sent = quote_spanned!(returned.last=> (#argument, #http));
    quote! {
        #(#conditions)*
        #verb => {
            #(#bindings)*
            let #value = #call;
            #answer #sent
        }
    }
}

/// The statement that makes an argument.
///
/// The type of one that is extracted is not named: rustc finds it in the method, lifetimes of the
/// method's own included.
fn binding(at: usize, argument: &Argument, http: &Ident, private: &Private<'_>) -> TokenStream {
    match argument {
        Argument::Exchange(ty) => {
            let exchange = Ident::new("__exchange", Ends::of(ty).last);
            quote!(let #exchange = &mut *#http;)
        }
        Argument::Extracted(ty) => {
            let Ends { first, last } = Ends::of(ty);
            let (name, handler) = (numbered(at, last), Ident::new("__handler", last));
            let from_request_with = private.name_at(first, "FromRequestWith");
            let path = quote_spanned!(first=> #from_request_with::from_request_with);
            // Where the type does not fit, rustc shows the handler that is passed here.
            let reborrow = quote_spanned!(first=> &*);
            let made = quote_spanned!(last=> (#http, #reborrow #handler)?);
            quote!(let #handler = self; let #name = #path #made;)
        }
    }
}

/// The expression that passes an argument on.
fn passed(at: usize, argument: &Argument) -> TokenStream {
    match argument {
        Argument::Exchange(ty) => {
            let Ends { first, last } = Ends::of(ty);
            let exchange = Ident::new("__exchange", last);
            let reborrow = quote_spanned!(first=> &mut *);
            quote!(#reborrow #exchange)
        }
        Argument::Extracted(ty) => numbered(at, Ends::of(ty).last).to_token_stream(),
    }
}

fn numbered(at: usize, span: Span) -> Ident {
    format_ident!("__argument_{}", at + 1, span = span)
}

/// The call of a user's method. An inherent method comes before one of a trait.
fn call(signature: &Signature, arguments: &[impl ToTokens]) -> TokenStream {
    let name = &signature.ident;
    let handler = quote!(self);
    quote_spanned!(name.span()=> Self::#name(#handler, #(#arguments),*))
}

/// The value, in an expression that is as long as the type `ends` belong to.
fn underlined(value: &Ident, ends: Ends, private: &Private<'_>) -> TokenStream {
    let core = private.name_at(ends.first, "core");
    let identity = quote_spanned!(ends.first=> #core::convert::identity);
    let value = quote_spanned!(ends.last=> (#value));
    quote!(#identity #value)
}

/// The method of the trait that calls the user's hook.
///
/// The parameters have the user's own types: where those differ from the trait's, rustc says so
/// there.
fn delegate(Hook { reserved, function }: &Hook, private: &Private<'_>) -> TokenStream {
    let conditions = conditions(&function.attributes);
    let signature = &function.signature;
    let types: Vec<_> = signature.inputs.iter().filter_map(parameter_type).collect();
    let names: Vec<_> = (1..=types.len()).map(|it| format_ident!("__argument_{it}")).collect();
    let call = call(signature, &names);
    let returned = Ends::of_returned(signature);
    let value = Ident::new("__value", returned.first);
    let (output, converted) = match reserved.returns {
        Returns::AsIs => (signature.output.to_token_stream(), value.to_token_stream()),
        Returns::ErrorPage => {
            let page = private.name("ErrorPage");
            (quote!(-> #page), into(&value, returned, private))
        }
        Returns::Text => {
            let text = private.name("String");
            (quote!(-> #text), into(&value, returned, private))
        }
        Returns::Handled => {
            let handled = private.name("Handled");
            (quote!(-> #handled), into_handled(&value, returned, private))
        }
    };
    let (fn_token, name, generics) = (signature.fn_token, &signature.ident, &signature.generics);
    let where_clause = &generics.where_clause;
    let mut tokens = quote!(#(#conditions)* #fn_token #name #generics);
    signature.paren_token.surround(&mut tokens, |parameters| {
        parameters.extend(quote!(&self, #(#names: #types),*));
    });
    tokens.extend(quote!(#output #where_clause { let #value = #call; #converted }));
    tokens
}

fn parameter_type(input: &FnArg) -> Option<&Type> {
    match input {
        FnArg::Receiver(_) => None,
        FnArg::Typed(parameter) => Some(&parameter.ty),
    }
}

/// Makes what the trait wants of anything that becomes it.
fn into(value: &Ident, returned: Ends, private: &Private<'_>) -> TokenStream {
    let argument = underlined(value, returned, private);
    let core = private.name_at(returned.first, "core");
    let into = quote_spanned!(returned.first=> #core::convert::Into::into);
    let argument = quote_spanned!(returned.last=> (#argument));
    quote!(#into #argument)
}

/// Makes a `Handled` of a result with any error that `?` would convert.
fn into_handled(value: &Ident, returned: Ends, private: &Private<'_>) -> TokenStream {
    let core = private.name_at(returned.first, "core");
    let map_err = quote_spanned!(returned.first=> #core::result::Result::map_err);
    let from = quote_spanned!(returned.first=> #core::convert::From::from);
    let arguments = quote_spanned!(returned.last=> (#value, #from));
    quote!(#map_err #arguments)
}

/// The method of the trait that returns the user's constant, with the constant's own type.
fn getter(Override { reserved, constant }: &Override) -> TokenStream {
    let conditions = conditions(&constant.attributes);
    let Constant { name, ty, .. } = constant;
    let getter = Ident::new(reserved.getter, name.span());
    quote! {
        #(#conditions)*
        fn #getter(&self) -> #ty { Self::#name }
    }
}
