//! `Exchange`: one request and its answer, with Python's attributes and `send_*` methods.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read, Write};
use std::mem::needs_drop;
use std::time::SystemTime;

use crate::cookies::Cookies;
use crate::error_page::{ErrorPage, HTML};
use crate::form::collect::FormOptions;
use crate::form::field_storage::FieldStorage;
use crate::form::multipart::Multipart;
use crate::header_value::ToHeaderValue;
use crate::http::connection::BodyLeft;
use crate::http::date::HttpDate;
use crate::http::framing::Persistence;
use crate::http::headers::Headers;
use crate::http::status::{IntoStatus, Status};
use crate::http::target::{self, QueryString};
use crate::http::version::Version;
use crate::http_error::{HttpError, Result, is_phrase};
use crate::locals::Locals;
use crate::logging::{LogTime, Quotable};
use crate::peer::{PeerAddress, ServerInfo};
use crate::rarely::rarely;
use crate::response::Response;
use crate::rfile::RequestReader;
use crate::wfile::{Finished, ResponseWriter};

/// One request and the answer to it: what Python keeps on `self`.
///
/// Every `do_` method gets one. Its texts are slices of the bytes received, valid while you
/// answer. `rfile` and `wfile` are fields of their own, so that
/// `write!(http.wfile, "{}", http.path)` borrows two different things and compiles.
///
/// ```
/// use std::io::{self, Write};
/// use basehttp::{Exchange, http_handler};
///
/// struct Hello;
///
/// #[http_handler]
/// impl Hello {
///     fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
///         http.send_response(200)
///             .send_header("Content-Type", "text/plain; charset=utf-8")
///             .end_headers()?;
///         writeln!(http.wfile, "you asked for {}", http.path)
///     }
/// }
/// ```
pub struct Exchange<'a> {
    /// The method of the request, case-sensitive: `GET` (Python: `command`).
    pub command: &'a str,
    /// The target of the request as it was sent, query included and not decoded (Python: `path`).
    ///
    /// As Python does, several slashes at its front are one: `//evil.example` must never become a
    /// link. [`url_path`](Self::url_path) is the decoded path, [`query`](Self::query) the query.
    pub path: &'a str,
    /// The request line as it was sent, without its line end (Python: `requestline`).
    pub requestline: &'a str,
    /// The version the client speaks (Python: `request_version`).
    pub request_version: Version,
    /// The header fields (Python: `headers`).
    pub headers: Headers<'a>,
    /// The other end of the connection (Python: `client_address`).
    pub client_address: PeerAddress,
    /// The server this came to (Python: `server`).
    pub server: &'a ServerInfo,
    /// Whether the connection ends with this answer (Python: `close_connection`).
    ///
    /// It starts as the request has it; set it before the headers end, and the client is told.
    pub close_connection: bool,
    /// Reads the body of the request (Python: `rfile`).
    pub rfile: RequestReader<'a>,
    /// Writes the body of the answer (Python: `wfile`).
    pub wfile: ResponseWriter<'a>,
    /// Values by type that live as long as this request.
    pub locals: Locals,
    /// Values by type that live as long as the connection.
    pub connection_locals: &'a mut Locals,
    pub(crate) hooks: &'a dyn Hooks,
}

/// The part of a handler that an exchange calls back.
///
/// `handler.rs` puts a `RequestHandler` behind it; so this file need not know that trait, which is
/// made of exchanges.
pub(crate) trait Hooks {
    fn error_page(&self, http: &Exchange<'_>, error: &HttpError) -> ErrorPage;
    fn methods(&self) -> String;
    fn log_error(&self, http: &Exchange<'_>, message: fmt::Arguments<'_>);
    fn log_message(&self, http: &Exchange<'_>, message: fmt::Arguments<'_>);
}

/// What an exchange leaves for its connection.
pub(crate) struct Outcome {
    pub(crate) left: BodyLeft,
    pub(crate) persistence: Persistence,
    /// The answer was cut, and only a reset can tell the client, or it takes nothing.
    pub(crate) must_reset: bool,
}

impl<'a> Exchange<'a> {
    /// Begins the answer: status line, `Server` and `Date` (Python: `send_response(code)`).
    ///
    /// Fields that were sent before it follow. A second call, and a code outside 100 to 999, are
    /// mistakes that [`end_headers`](Self::end_headers) reports. A status of 1xx (except 101) is an
    /// interim answer: `end_headers` sends it, and the real answer can then begin.
    ///
    /// A 101, and a 2xx to CONNECT, end HTTP on the connection: the head goes out when it ends,
    /// without `Content-Length` or `Transfer-Encoding`, what is written then is sent as it is, and
    /// the connection ends when the method returns. A 101 needs an `Upgrade` in the request, and one
    /// in the answer (RFC 9110 §7.8).
    pub fn send_response(&mut self, code: impl IntoStatus) -> &mut Self {
        self.begin(code, None, true)
    }

    /// [`send_response`](Self::send_response) with a reason phrase of your own (Python:
    /// `send_response(code, message)`).
    pub fn send_response_with(&mut self, code: impl IntoStatus, phrase: &str) -> &mut Self {
        self.begin(code, Some(phrase), true)
    }

    /// The status line without `Server` (Python: `send_response_only`).
    ///
    /// `Date` is still added where the headers end, since RFC 9110 §6.6.1 asks for it.
    pub fn send_response_only(&mut self, code: impl IntoStatus) -> &mut Self {
        self.begin(code, None, false)
    }

    /// Adds a header field to the answer (Python: `send_header`).
    ///
    /// `Connection: close` and `keep-alive` set [`close_connection`](Self::close_connection), as in
    /// Python. A `Content-Length` must be kept, and cannot be sent twice. A name or value that
    /// cannot be sent (a control character in it) is remembered, nothing of it is sent, and
    /// [`end_headers`](Self::end_headers) returns the error.
    pub fn send_header(&mut self, name: &str, value: impl ToHeaderValue) -> &mut Self {
        self.tell_persistence();
        self.wfile.field(name, &value);
        self.close_connection = self.wfile.persistence() == Persistence::Close;
        self
    }

    /// Ends the headers (Python: `end_headers`).
    ///
    /// # Errors
    /// The first mistake made with this head; the method then best returns it, which answers 500.
    pub fn end_headers(&mut self) -> io::Result<()> {
        self.tell_persistence();
        if self.wfile.status() == Some(Status::CONTINUE) {
            rarely();
            self.rfile.mark_continued();
        }
        self.wfile.end_head()
    }

    /// Adds a field behind the body of the answer (RFC 9112 §7.1.2): what is known only then, such
    /// as a checksum.
    ///
    /// `Trailer` has to announce it in the head; the answer is then chunked, whatever its length. To
    /// a client that cannot see it (an older one, or one that asked with HEAD) it is not sent, and
    /// whoever stands between may drop it.
    ///
    /// ```
    /// use std::io::{self, Write};
    /// use basehttp::{Exchange, http_handler};
    ///
    /// struct Report;
    ///
    /// #[http_handler]
    /// impl Report {
    ///     fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
    ///         http.send_response(200).send_header("Trailer", "X-Rows").end_headers()?;
    ///         let mut rows = 0;
    ///         for name in ["ada", "grace"] {
    ///             rows += 1;
    ///             writeln!(http.wfile, "{name}")?;
    ///         }
    ///         http.send_trailer("X-Rows", rows)
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// At once, when it was not announced, when its name or value cannot be sent, and when it is one
    /// that must not stand there: one that frames, routes, authenticates or describes the message
    /// (RFC 9110 §6.5.1).
    pub fn send_trailer(&mut self, name: &str, value: impl ToHeaderValue) -> io::Result<()> {
        self.wfile.trailer(name, &value)
    }

    /// Ends the headers and sends what there is of the answer (Python: `flush_headers`).
    ///
    /// The answer then no longer waits for its length: it will be chunked, or end with the
    /// connection.
    ///
    /// # Errors
    /// As [`end_headers`](Self::end_headers), and those of the connection.
    pub fn flush_headers(&mut self) -> io::Result<()> {
        self.end_headers()?;
        self.wfile.flush()
    }

    /// Answers with Python's error page for `code`, and closes the connection (Python:
    /// `send_error(code)`).
    ///
    /// It takes the place of an answer that was begun, unless some of that has left already. For
    /// words of your own see [`send_error_with`](Self::send_error_with).
    ///
    /// # Errors
    /// When the head of another answer has left.
    pub fn send_error(&mut self, code: impl IntoStatus) -> io::Result<()> {
        self.refuse(&HttpError::new(code))
    }

    /// [`send_error`](Self::send_error) with words of your own: `message` is the reason phrase and
    /// stands on the page, `explain` stands on the page; both are escaped there.
    ///
    /// To keep one of the standard texts, return an [`HttpError`] with the other instead.
    ///
    /// # Errors
    /// When the head of another answer has left.
    pub fn send_error_with(
        &mut self,
        code: impl IntoStatus,
        message: &str,
        explain: &str,
    ) -> io::Result<()> {
        let error = HttpError::new(code).message(message.to_owned()).explain(explain.to_owned());
        self.refuse(&error)
    }

    /// The path of the request, decoded: without the query, `%XX` as UTF-8.
    ///
    /// What a file name is made of must be checked after decoding, never before.
    pub fn url_path(&self) -> Cow<'a, str> {
        target::decode_path(target::split(self.path).0)
    }

    /// The query of the request: prints as it was sent, `get` and `pairs` decode it.
    pub fn query(&self) -> QueryString<'a> {
        QueryString::new(target::split(self.path).1)
    }

    /// The host that the request is for, with its port where one was sent: `example.org:8080`.
    ///
    /// It is that of the target where the target names one (`GET http://example.org/ HTTP/1.1`,
    /// CONNECT), whatever `Host` says (RFC 9112 §3.2.2); else the value of `Host`. It has the form of
    /// a host, but nobody knows whether it is one of yours: it comes from the client. `None` only
    /// where HTTP/1.0 has not sent one, or where `Config` allows it to be missing.
    pub fn host(&self) -> Option<&'a str> {
        match self.command {
            "CONNECT" => Some(self.path),
            _ => target::authority(self.path).or_else(|| self.headers.get("host")),
        }
    }

    /// The cookies of the request (RFC 6265).
    pub fn cookies(&self) -> Cookies<'a> {
        Cookies::new(self.headers)
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// As [`rfile`](Self::rfile): 413 for a body over the limit, 400 or 408 for one that breaks.
    pub fn body(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::with_capacity(self.rfile.received_bytes());
        self.rfile.read_to_end(&mut body)?;
        Ok(body)
    }

    /// Reads the form (Python: `cgi.FieldStorage()`): the query of a GET or HEAD request, the body of
    /// any other.
    ///
    /// A body is `application/x-www-form-urlencoded` or `multipart/form-data`. Short fields stay in
    /// memory, long ones go to a temporary file; see [`FormLimits`](crate::FormLimits). A method may
    /// take the form as an argument instead: `fn do_POST(&self, form: FieldStorage)`.
    ///
    /// A body is read once: a second call finds it at its end.
    ///
    /// # Errors
    /// 415 for a body of another kind; 400, 413, 415 or 431 for a form that is
    /// [refused](crate::BadForm); and as [`rfile`](Self::rfile). Of a form that broke off,
    /// [`FieldStorage::recover`] gives what came.
    pub fn form(&mut self) -> Result<FieldStorage> {
        self.form_with(&FormOptions::default())
    }

    /// [`form`](Self::form) with other rules, such as Python's about blank values.
    ///
    /// # Errors
    /// As [`form`](Self::form).
    pub fn form_with(&mut self, options: &FormOptions) -> Result<FieldStorage> {
        if self.is_form_in_query() {
            let limits = options.limits.as_ref().unwrap_or(self.rfile.form_limits());
            return FieldStorage::of_query(self.query(), limits, options);
        }
        FieldStorage::of_body(&mut self.rfile, self.headers, options)
    }

    /// Reads a `multipart/form-data` body one part at a time, keeping nothing: for uploads of any
    /// size.
    ///
    /// To write an answer meanwhile, use [`Multipart::new`] with `rfile` and `headers`.
    ///
    /// # Errors
    /// As [`Multipart::new`].
    pub fn multipart(&mut self) -> Result<Multipart<'_, 'a>> {
        Multipart::new(&mut self.rfile, self.headers)
    }

    /// The query as fields, whatever the method.
    #[cfg(feature = "serde")]
    pub(crate) fn query_fields(&self) -> Result<FieldStorage> {
        let limits = self.rfile.form_limits();
        FieldStorage::of_query(self.query(), limits, &FormOptions::default())
    }

    /// Whether a form would be in the query: what GET and HEAD have for a body means nothing
    /// (RFC 9110 §9.3.1).
    pub(crate) fn is_form_in_query(&self) -> bool {
        matches!(self.command, "GET" | "HEAD")
    }

    /// Whether the client has hung up: a method that takes long may ask now and then, and spare
    /// itself an answer that nobody will read.
    ///
    /// True when the client has ended its side of the connection, or reset it. It is a look at the
    /// socket, one system call that waits for nothing, and sees no further than the first byte there:
    /// what the client has sent and nobody has read (more of its body, a request pipelined behind
    /// this one) hides the end behind it. A client that ends its side and still listens, which
    /// RFC 9112 §9.6 allows and hardly anybody does, looks gone; so give up work that can be done
    /// again, not an answer that is ready. An error that you return then is logged as any other is,
    /// as a 500, though nobody gets it; a short answer in its place is not.
    ///
    /// ```
    /// use std::io;
    /// use basehttp::{Exchange, http_handler};
    ///
    /// struct Report;
    ///
    /// #[http_handler]
    /// impl Report {
    ///     fn do_GET(&self, http: &mut Exchange) -> io::Result<String> {
    ///         let mut sum = 0u64;
    ///         for page in 0..1000 {
    ///             if http.is_client_gone() {
    ///                 return Err(io::ErrorKind::ConnectionAborted.into());
    ///             }
    ///             sum += page; // think of something that takes long
    ///         }
    ///         Ok(sum.to_string())
    ///     }
    /// }
    /// ```
    pub fn is_client_gone(&self) -> bool {
        self.rfile.is_client_gone()
    }

    /// The status of the answer, once it has been begun.
    pub fn status(&self) -> Option<Status> {
        self.wfile.status()
    }

    /// Takes the answer back as a value, so that a wrapper can change it and send it again.
    ///
    /// `None` if nothing was answered, or if the answer is on its way already: one that was flushed,
    /// or is longer than 64 KiB. The answer to a HEAD request comes without its `Content-Length`.
    pub fn take_response(&mut self) -> Option<Response> {
        let status = self.wfile.status()?;
        let (head, body) = self.wfile.take_back()?;
        Some(Response::from_wire(status, &head, self.wfile.stamp_lines(), body))
    }

    /// Writes a line to the access log (Python: `log_message`):
    /// `http.log_message(format_args!("hello {name}"))`.
    pub fn log_message(&self, message: fmt::Arguments<'_>) {
        self.hooks.log_message(self, message);
    }

    /// Writes a line to the error log (Python: `log_error`).
    pub fn log_error(&self, message: fmt::Arguments<'_>) {
        self.hooks.log_error(self, message);
    }

    /// The time now, as HTTP writes it (Python: `date_time_string`).
    pub fn date_time_string(&self) -> HttpDate {
        HttpDate::from(SystemTime::now())
    }

    /// The time now, as the log writes it: `22/Nov/2026 17:50:01` (Python:
    /// `log_date_time_string`), in UTC.
    pub fn log_date_time_string(&self) -> String {
        LogTime(SystemTime::now()).to_string()
    }

    /// What the `Server` field says (Python: `version_string`).
    pub fn version_string(&self) -> &'a str {
        &self.server.version_string
    }

    /// The address of the client without its port (Python: `address_string`). No name is looked up.
    pub fn address_string(&self) -> String {
        self.client_address.host().to_string()
    }

    /// Answers with the error's page; see [`send_error`](Self::send_error).
    pub(crate) fn refuse(&mut self, error: &HttpError) -> io::Result<()> {
        let status = error.status();
        self.log_error(format_args!("code {status}, message {}", error.message_text()));
        if let Some(cause) = error.cause() {
            self.log_error(format_args!("code {status} because {cause}"));
        }
        if !self.wfile.is_replaceable() {
            return Err(io::Error::other("the head of another answer has already left"));
        }
        self.wfile.discard();
        self.wfile.forget_early_body();
        self.close_connection = true;
        if let Status::METHOD_NOT_ALLOWED = status {
            self.send_allow();
        }
        self.begin(status, Some(error.phrase()), true);
        if !status.allows_body() {
            return self.end_headers();
        }
        let mut page = self.hooks.error_page(self, error);
        if !is_phrase(&page.content_type) {
            // A hook's mistake must not leave the client without an answer.
            page.content_type = HTML.into();
        }
        self.send_header("Content-Type", page.content_type)
            .send_header("Content-Length", page.body.len())
            .end_headers()?;
        self.wfile.write_all(page.body.as_bytes())
    }

    /// Sends `Allow` with the methods of the handler, unless one was sent (RFC 9110 §15.5.6).
    pub(crate) fn send_allow(&mut self) {
        let methods = self.hooks.methods();
        if !methods.is_empty() && !self.wfile.has_allow() {
            self.send_header("Allow", methods);
        }
    }

    fn begin(&mut self, code: impl IntoStatus, phrase: Option<&str>, stamped: bool) -> &mut Self {
        self.tell_persistence();
        let status = code.into_status();
        self.wfile.begin(status, phrase, stamped);
        if let Ok(Status::SWITCHING_PROTOCOLS) = status {
            let is_asked =
                self.request_version >= Version::HTTP_11 && self.headers.contains("upgrade");
            if !is_asked {
                self.wfile.refuse_upgrade();
            }
        }
        self
    }

    /// Ends the answer, and says with which status and how long a body, for the log; `None` if there
    /// was none.
    #[inline(always)] // one step of a way that every request goes
    pub(crate) fn finish(&mut self) -> Option<(Status, u64)> {
        // Said while it can still be said: what is left of the body ends the connection.
        self.close_connection |= !self.rfile.is_rest_bearable();
        // A stop that came meanwhile is said too; but where the head has left without a word of it,
        // the client may have sent on, and the next answer says it.
        self.close_connection |= self.server.is_stopping() && self.wfile.is_replaceable();
        self.tell_persistence();
        let Finished { persistence, body_bytes, is_complete } = self.wfile.finish();
        self.close_connection = persistence == Persistence::Close;
        if !is_complete {
            rarely();
            self.log_error(format_args!(
                "the answer to \"{}\" was cut short",
                Quotable(self.requestline)
            ));
        }
        Some((self.wfile.status()?, body_bytes))
    }

    /// Whether there is anything to drop: each field has its say here.
    #[inline(always)] // one step of a way that every request goes
    pub(crate) fn holds_memory(&self) -> bool {
        const {
            assert!(!needs_drop::<PeerAddress>() && !needs_drop::<Headers<'_>>());
        }
        let Exchange {
            rfile,
            wfile,
            locals,
            command: _,
            path: _,
            requestline: _,
            request_version: _,
            headers: _,
            client_address: _,
            server: _,
            close_connection: _,
            connection_locals: _,
            hooks: _,
        } = self;
        rfile.holds_memory() || wfile.holds_memory() || locals.holds_memory()
    }

    /// Gives the answer up: what has left is cut, and the connection ends.
    pub(crate) fn cut_short(&mut self) {
        self.wfile.give_up();
        self.close_connection = true;
    }

    /// What the connection goes on with.
    #[inline]
    pub(crate) fn outcome(&mut self) -> Outcome {
        let persistence = Persistence::until(self.close_connection);
        let must_reset = self.wfile.must_reset();
        Outcome { left: self.rfile.take_rest(), persistence, must_reset }
    }

    /// The head says what `close_connection` says at the time.
    fn tell_persistence(&mut self) {
        self.wfile.set_persistence(Persistence::until(self.close_connection));
    }
}

impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("requestline", &self.requestline)
            .field("client_address", &self.client_address)
            .field("headers", &self.headers)
            .field("status", &self.status())
            .field("close_connection", &self.close_connection)
            .finish_non_exhaustive()
    }
}

// A method may keep what it takes from an exchange for as long as the request lives: that needs
// `Exchange` to be covariant.
const _: () = {
    #[allow(dead_code)] // the assertion is that it compiles
    fn shorten<'long: 'short, 'short>(http: &'short Exchange<'long>) -> &'short Exchange<'short> {
        http
    }
};
