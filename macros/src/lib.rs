//! The `#[http_handler]` attribute of the `basehttp` crate, which re-exports it.

mod attributes;
mod block;
mod diagnostics;
mod expand;
mod model;
mod names;
mod parse;
mod placement;
mod repair;
mod reserved;
mod signature;
mod spans;
mod suggest;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a request handler of a type, from an `impl` block with a method for each HTTP verb.
///
/// ```ignore
/// use std::io::{self, Write};
/// use basehttp::{Exchange, http_handler};
///
/// struct Hello;
///
/// #[http_handler]
/// impl Hello {
///     fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
///         http.send_response(200).end_headers()?;
///         writeln!(http.wfile, "you asked for {}", http.path)
///     }
///
///     fn do_HEAD(&self) -> &'static str {
///         "an answer that needs nothing of the request"
///     }
/// }
/// ```
///
/// The block stays as it is: an ordinary block of ordinary methods. Beside it, the attribute writes
/// `impl RequestHandler for Hello`, with a `dispatch` that looks at the verb of a request and calls
/// `do_GET` or `do_HEAD`, and a `methods` that lists both. Requests with any other verb are
/// answered with 501.
///
/// # Methods
///
/// A method named `do_` and a verb in capitals answers that verb, be it `do_GET`, `do_PROPFIND` or
/// `do_SPAM`. It takes `&self`, since all connections share the handler, and `http: &mut Exchange`
/// if it wants to know more of the request than its verb. It returns anything that implements
/// `IntoResponse`. If it takes `http` and returns an `impl Trait`, that needs `+ use<>`.
///
/// Any further argument is made of the request before the method is called: its type implements
/// `FromRequest`, as `FieldStorage` does, or `FromRequestWith` this handler. One that cannot be made
/// is answered with its error, and the method is not called.
///
/// ```ignore
/// #[http_handler]
/// impl Shop {
///     fn do_POST(&self, http: &mut Exchange, form: FieldStorage) -> io::Result<()> {
///         http.send_response(200).end_headers()?;
///         writeln!(http.wfile, "thank you, {}", form.getvalue("name").unwrap_or("stranger"))
///     }
/// }
/// ```
///
/// `#[method("…")]` gives the verb of a method whose name cannot: because it is no identifier, as
/// `M-SEARCH`, or not in capitals, or so close to a common verb that the attribute takes it for a
/// slip.
///
/// ```ignore
/// #[http_handler]
/// impl Device {
///     #[method("M-SEARCH")]
///     fn search(&self) -> &'static str {
///         "here I am"
///     }
/// }
/// ```
///
/// Methods may stand under `#[cfg]`; the table of verbs then follows the same condition. What a
/// macro within the block expands to is not seen.
///
/// # Reserved names
///
/// These constants and functions in the block replace the defaults of `RequestHandler`:
///
/// | Name | Type or parameters |
/// |---|---|
/// | `SERVER_VERSION`, `SYS_VERSION`, `ERROR_CONTENT_TYPE` | `&str` |
/// | `PROTOCOL_VERSION` | `Version` |
/// | `error_page` | `(&self, &Exchange<'_>, &HttpError)`, returns anything an `ErrorPage` can be made from |
/// | `handle_expect_100` | `(&self, &mut Exchange<'_>) -> Result<()>`, with any error an `HttpError` can be made from |
/// | `log_request` | `(&self, &Exchange<'_>, Status, u64)` |
/// | `log_error`, `log_message` | `(&self, &Exchange<'_>, std::fmt::Arguments<'_>)` |
/// | `verify_request` | `(&self, &PeerAddress) -> bool` |
/// | `version_string` | `(&self)`, returns any text |
///
/// Everything else in the block is left alone, but for names that look like a slip: `do_get`,
/// `do_GTE` and `log_mesage` are errors that say what to write. A helper with such a name goes into
/// another `impl` block.
///
/// # Another path to `basehttp`
///
/// Generated code refers to `::basehttp`. A crate that knows it by another path says so:
///
/// ```ignore
/// #[http_handler(crate = my_framework::basehttp)]
/// impl Hello {
///     fn do_GET(&self) -> &'static str {
///         "hello"
///     }
/// }
/// ```
///
/// # Lints
///
/// Methods for verbs get an `#[allow(non_snake_case)]`. A crate that `forbid`s this lint cannot
/// have such methods; `deny` is no obstacle.
#[proc_macro_attribute]
pub fn http_handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(arguments.into(), item.into()).into()
}

/// The same outside the compiler, where tests can call it.
fn expand(
    arguments: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let mut problems = diagnostics::Problems::default();
    // The item is given back in any case, so that a mistake in it is all that the user sees, and
    // an editor can complete what is half written.
    let mut code = match parse::handler_impl(arguments, item.clone(), &mut problems) {
        Some(model) => expand::handler_impl(&model),
        None => item,
    };
    code.extend(problems.into_compile_errors());
    code
}
