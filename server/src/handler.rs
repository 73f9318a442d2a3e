//! `RequestHandler`: what answers requests, its hooks and their defaults; what a panic becomes.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::Arc;

use crate::error_page::{ErrorPage, HTML};
use crate::exchange::{Exchange, Hooks};
use crate::http::status::Status;
use crate::http::version::Version;
use crate::http_error::{Handled, HttpError, Result};
use crate::locals::drop_quietly;
use crate::logging::{ACCESS, ERROR, LogLine, Quotable};
use crate::peer::{PeerAddress, ServerInfo};
use crate::rarely::rarely;
use crate::respond::IntoResponse;

/// Answers requests (Python: `BaseHTTPRequestHandler`).
///
/// Most implementations are written by [`http_handler`](crate::http_handler). Written by hand, it
/// needs `dispatch`; everything else has a default, mostly Python's. A wrapper overrides
/// `dispatch` and calls the one of the handler it holds; the hooks of the outermost handler count.
///
/// ```
/// use basehttp::{Exchange, Handled, RequestHandler, http_handler};
///
/// struct Hello;
///
/// #[http_handler]
/// impl Hello {
///     fn do_GET(&self) -> &'static str { "hello" }
/// }
///
/// /// Adds a field to every answer.
/// struct Tagged<H>(H);
///
/// impl<H: RequestHandler> RequestHandler for Tagged<H> {
///     fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
///         http.send_header("X-Served-By", "me");
///         self.0.dispatch(http)
///     }
/// }
///
/// let handler = Tagged(Hello);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request handler: write `#[http_handler]` above its `impl` block, \
               or wrap a closure in `handler_fn`",
    label = "does not answer requests"
)]
pub trait RequestHandler {
    /// Answers one request.
    ///
    /// An error becomes its page; an answer that was never begun becomes a 500.
    fn dispatch(&self, http: &mut Exchange<'_>) -> Handled;

    /// The methods it answers, for `Allow`, documentation and tests.
    ///
    /// A 405 that has no `Allow` gets one with these, and so does the 501 of a verb without a method.
    /// A wrapper that wants that calls the handler it holds.
    fn methods(&self) -> &'static [MethodInfo] {
        &[]
    }

    /// The first word of the `Server` field (Python: `server_version`); asked once, at the start.
    fn server_version(&self) -> &str {
        concat!("basehttp/", env!("CARGO_PKG_VERSION"))
    }

    /// The second word of the `Server` field (Python: `sys_version`); asked once, at the start.
    ///
    /// Empty unless overridden: who attacks a server need not be told what it is made of.
    fn sys_version(&self) -> &str {
        ""
    }

    /// What the `Server` field says (Python: `version_string`); asked once, at the start.
    ///
    /// [`server_version`](Self::server_version) and [`sys_version`](Self::sys_version) unless
    /// overridden. Control characters are left out of it.
    fn version_string(&self) -> String {
        format!("{} {}", self.server_version(), self.sys_version()).trim().to_owned()
    }

    /// The version answers are sent with (Python: `protocol_version`); asked once, at the start.
    ///
    /// HTTP/1.1 unless overridden. With HTTP/1.0, Python's default, each connection closes after
    /// its answer.
    fn protocol_version(&self) -> Version {
        Version::HTTP_11
    }

    /// `Content-Type` of the default error page (Python: `error_content_type`).
    fn error_content_type(&self) -> &str {
        HTML
    }

    /// Makes the page of an error answer (Python: `error_message_format`).
    ///
    /// The texts of the error are as they were given: a page that is HTML must
    /// [escape](crate::escape_html) them.
    fn error_page(&self, http: &Exchange<'_>, error: &HttpError) -> ErrorPage {
        let _ = http;
        let page = ErrorPage::python(error);
        match self.error_content_type() {
            HTML => page,
            own => ErrorPage { content_type: own.to_owned().into(), ..page },
        }
    }

    /// Decides whether the body of a request with `Expect: 100-continue` is welcome.
    ///
    /// `Ok`, the default, means that `100 Continue` is sent when the body is first needed. An
    /// error is the answer, and the body is never sent. The body cannot be read here, and of what
    /// is set on the exchange only `locals`, `connection_locals` and `close_connection` last.
    ///
    /// # Errors
    /// Whatever the client is to get instead, such as a 401 or a 413.
    fn handle_expect_100(&self, http: &mut Exchange<'_>) -> Result<()> {
        let _ = http;
        Ok(())
    }

    /// Logs an answered request (Python: `log_request`); `size` is the bytes of the body sent.
    fn log_request(&self, http: &Exchange<'_>, status: Status, size: u64) {
        let line = Quotable(http.requestline);
        self.log_message(http, format_args!("\"{line}\" {status} {size}"));
    }

    /// Logs what went wrong, at level `Error` and target `basehttp::error` (Python: `log_error`).
    ///
    /// It has a target of its own, and so does not lead into `log_message`, as Python's does: who
    /// overrides one mostly wants both.
    fn log_error(&self, http: &Exchange<'_>, message: fmt::Arguments<'_>) {
        log::error!(target: ERROR, "{}", LogLine { peer: &http.client_address, message });
    }

    /// Logs a line, at level `Info` and target `basehttp::access` (Python: `log_message`).
    fn log_message(&self, http: &Exchange<'_>, message: fmt::Arguments<'_>) {
        log::info!(target: ACCESS, "{}", LogLine { peer: &http.client_address, message });
    }

    /// Whether a client may connect at all (Python: `verify_request`); `false` closes without a
    /// word.
    fn verify_request(&self, peer: &PeerAddress) -> bool {
        let _ = peer;
        true
    }
}

/// A method that a handler answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodInfo {
    name: &'static str,
}

impl MethodInfo {
    /// A method by its name.
    pub const fn new(name: &'static str) -> MethodInfo {
        MethodInfo { name }
    }

    /// The method as it stands in a request line: `GET`.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// The default hooks, for an override that wants to add to them.
///
/// `Defaults.log_message(http, message)` is what Python writes as `super().log_message(message)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults;

/// Answers every request with 501.
impl RequestHandler for Defaults {
    fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
        unsupported_method(http)
    }
}

/// A handler made of a closure, which gets the requests of every method.
///
/// ```
/// use basehttp::{HttpServer, handler_fn};
///
/// # fn main() -> std::io::Result<()> {
/// let server = HttpServer::bind("localhost:0", handler_fn(|http| format!("{}\n", http.path)))?;
/// # Ok(())
/// # }
/// ```
pub fn handler_fn<F, R>(function: F) -> HandlerFn<F>
where
    F: Fn(&mut Exchange<'_>) -> R,
    R: IntoResponse,
{
    HandlerFn(function)
}

/// A closure as a handler; made by [`handler_fn`].
#[derive(Clone, Copy)]
pub struct HandlerFn<F>(F);

impl<F> fmt::Debug for HandlerFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandlerFn")
    }
}

impl<F, R> RequestHandler for HandlerFn<F>
where
    F: Fn(&mut Exchange<'_>) -> R,
    R: IntoResponse,
{
    fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
        (self.0)(http).respond(http)
    }
}

/// A pointer to a handler is the handler.
macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<H: RequestHandler + ?Sized> RequestHandler for $pointer {
            fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
                (**self).dispatch(http)
            }
            fn methods(&self) -> &'static [MethodInfo] {
                (**self).methods()
            }
            fn server_version(&self) -> &str {
                (**self).server_version()
            }
            fn sys_version(&self) -> &str {
                (**self).sys_version()
            }
            fn version_string(&self) -> String {
                (**self).version_string()
            }
            fn protocol_version(&self) -> Version {
                (**self).protocol_version()
            }
            fn error_content_type(&self) -> &str {
                (**self).error_content_type()
            }
            fn error_page(&self, http: &Exchange<'_>, error: &HttpError) -> ErrorPage {
                (**self).error_page(http, error)
            }
            fn handle_expect_100(&self, http: &mut Exchange<'_>) -> Result<()> {
                (**self).handle_expect_100(http)
            }
            fn log_request(&self, http: &Exchange<'_>, status: Status, size: u64) {
                (**self).log_request(http, status, size);
            }
            fn log_error(&self, http: &Exchange<'_>, message: fmt::Arguments<'_>) {
                (**self).log_error(http, message);
            }
            fn log_message(&self, http: &Exchange<'_>, message: fmt::Arguments<'_>) {
                (**self).log_message(http, message);
            }
            fn verify_request(&self, peer: &PeerAddress) -> bool {
                (**self).verify_request(peer)
            }
        }
    )*};
}

forward!(&H, Box<H>, Rc<H>, Arc<H>);

/// The 501 of a method that is not in the table, with Python's words.
pub(crate) fn unsupported_method(http: &mut Exchange<'_>) -> Handled {
    let quote = if http.command.contains('\'') { '"' } else { '\'' };
    let message = format!("Unsupported method ({quote}{}{quote})", http.command);
    http.send_allow();
    Err(HttpError::new(Status::NOT_IMPLEMENTED).message(message))
}

/// Has `handler` answer the request, whatever becomes of it: the client gets an answer, or an end.
pub(crate) fn answer(handler: &dyn RequestHandler, http: &mut Exchange<'_>) {
    conclude(handler, http, |http| {
        if http.rfile.expects_continue() {
            rarely();
            handler.handle_expect_100(http)?;
            if http.status().is_some() {
                return Ok(());
            }
        }
        handler.dispatch(http)
    });
}

/// Has `handler` say whether a body is welcome; true if it is, and nothing was answered.
pub(crate) fn welcomes_body(handler: &dyn RequestHandler, http: &mut Exchange<'_>) -> bool {
    match contain(http, |http| handler.handle_expect_100(http)) {
        Ok(()) if http.status().is_none() => true,
        handled => {
            // The body will not come, or may: what follows on this connection is unknown.
            http.close_connection = true;
            conclude(handler, http, |_| handled);
            false
        }
    }
}

/// Answers a request that was refused before there was one to dispatch.
pub(crate) fn refuse(handler: &dyn RequestHandler, http: &mut Exchange<'_>, error: HttpError) {
    conclude(handler, http, |_| Err(error));
}

/// Answers a request for which no thread has become free: it may be sent again (RFC 9110 §15.6.4).
pub(crate) fn turn_away(handler: &dyn RequestHandler, http: &mut Exchange<'_>) {
    http.server.stats.note_turned_away();
    http.send_header("Retry-After", 1u32);
    conclude(handler, http, |_| Err(HttpError::new(Status::SERVICE_UNAVAILABLE)));
}

/// Runs `step`, and completes the answer in every case.
#[inline(always)] // for one caller that matters
fn conclude(
    handler: &dyn RequestHandler,
    http: &mut Exchange<'_>,
    step: impl FnOnce(&mut Exchange<'_>) -> Handled,
) {
    let completed = contain(http, |http| {
        step(http)?;
        if !http.wfile.is_settled() {
            rarely();
            check_complete(http)?;
        }
        finish(handler, http);
        Ok(())
    });
    if let Err(error) = completed {
        rarely();
        fail(handler, http, &error);
        // Its cause is the handler's, and so is what happens when that is dropped.
        drop_quietly(error);
    }
}

/// Ends the answer and logs the request.
#[inline(always)] // one step of a way that every request goes
fn finish(handler: &dyn RequestHandler, http: &mut Exchange<'_>) {
    if let Some((status, size)) = http.finish() {
        handler.log_request(http, status, size);
    }
}

/// Answers with the error; where that is no longer possible, the answer is cut.
#[cold]
fn fail(handler: &dyn RequestHandler, http: &mut Exchange<'_>, error: &HttpError) {
    let failed = contain(http, |http| {
        if http.refuse(error).is_err() {
            http.cut_short();
        }
        finish(handler, http);
        Ok(())
    });
    if failed.is_err() {
        // A hook panicked on the way: there is nobody left to ask for words.
        http.cut_short();
    }
}

/// What a method may have left undone, as an error.
fn check_complete(http: &mut Exchange<'_>) -> Handled {
    if http.status().is_some() || http.wfile.has_mistake() {
        http.end_headers()?;
    }
    // An interim answer, once sent, has left the place to the real one.
    if http.status().is_none() {
        return Err(HttpError::new(500).because("the method returned without an answer"));
    }
    match http.wfile.missing_bytes() {
        0 => Ok(()),
        missing => Err(HttpError::new(500)
            .because(format!("the body is {missing} bytes shorter than the content-length sent"))),
    }
}

/// Runs `step`; a panic becomes an error, and its message a line in the log.
fn contain<T>(
    http: &mut Exchange<'_>,
    step: impl FnOnce(&mut Exchange<'_>) -> Result<T>,
) -> Result<T> {
    // The exchange may be in the middle of anything then, but each of its parts is sound.
    panic::catch_unwind(AssertUnwindSafe(|| step(http))).unwrap_or_else(|payload| {
        // `form["name"]` leaves by an error of its own where there is no such field.
        let payload = match payload.downcast::<HttpError>() {
            Ok(error) => return Err(*error),
            Err(payload) => payload,
        };
        let cause = format!("the handler panicked: {}", panic_message(&*payload));
        drop_quietly(payload);
        http.server.stats.note_panic();
        Err(HttpError::new(500).because(cause))
    })
}

fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or(payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// What a handler will know of its server, which listens there: the names are its own.
pub(crate) fn server_info(address: SocketAddr, handler: &dyn RequestHandler) -> ServerInfo {
    ServerInfo::new(address, &handler.version_string(), handler.protocol_version())
}

/// The hooks of a handler, as an exchange knows them.
pub(crate) struct HandlerHooks<'h>(pub(crate) &'h dyn RequestHandler);

impl Hooks for HandlerHooks<'_> {
    fn error_page(&self, http: &Exchange<'_>, error: &HttpError) -> ErrorPage {
        self.0.error_page(http, error)
    }

    fn methods(&self) -> String {
        let names: Vec<&str> = self.0.methods().iter().map(MethodInfo::name).collect();
        names.join(", ")
    }

    fn log_error(&self, http: &Exchange<'_>, message: fmt::Arguments<'_>) {
        self.0.log_error(http, message);
    }

    fn log_message(&self, http: &Exchange<'_>, message: fmt::Arguments<'_>) {
        self.0.log_message(http, message);
    }
}
