//! Python's `BaseHTTPServer`, reborn in Rust: blocking `do_GET` methods at the speed of an event
//! loop.
//!
//! In Python:
//!
//! ```python
//! from http.server import BaseHTTPRequestHandler, HTTPServer
//!
//! class Hello(BaseHTTPRequestHandler):
//!     def do_GET(self):
//!         self.send_response(200)
//!         self.send_header('Content-Type', 'text/plain; charset=utf-8')
//!         self.end_headers()
//!         self.wfile.write(f'you asked for {self.path}\n'.encode())
//!
//! HTTPServer(('localhost', 8080), Hello).serve_forever()
//! ```
//!
//! Here:
//!
//! ```no_run
//! use std::io::{self, Write};
//! use basehttp::{Exchange, HttpServer, http_handler};
//!
//! struct Hello;
//!
//! #[http_handler]
//! impl Hello {
//!     fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
//!         http.send_response(200)
//!             .send_header("Content-Type", "text/plain; charset=utf-8")
//!             .end_headers()?;
//!         writeln!(http.wfile, "you asked for {}", http.path)
//!     }
//! }
//!
//! fn main() -> io::Result<()> {
//!     HttpServer::bind("localhost:8080", Hello)?.serve_forever()
//! }
//! ```
//!
//! # What to know
//!
//! **Methods are plain functions.** They block as they like; there is no runtime and no `async`.
//! What Python keeps on `self` for one request (`path`, `headers`, `rfile`, `wfile` …) are the
//! fields of the one [`Exchange`] that a method gets; `self` is your own state, shared by all
//! connections. A method may do without the exchange, and may return its answer:
//! `fn do_GET(&self) -> &'static str` is a whole handler. See [`http_handler`] and
//! [`IntoResponse`].
//!
//! **Framing is the server's job.** A short answer gets a `Content-Length`, a long one is chunked,
//! HEAD and 204 have no body, whatever a method writes. A method that fails is answered with
//! Python's error page; so is one that panics.
//!
//! **A connection costs no thread.** An event loop keeps every connection that is not inside a
//! method: idle and slow clients wait there, with deadlines.
//!
//! **It is strict.** What two readers could read differently is refused with a 400, and every limit
//! is on from the first run; see [`Config`].
//!
//! # Features
//!
//! `serde`: `Form<T>` and `Query<T>`, a form or a query as a struct of your own.
//!
//! `signals`: `serve_until_signal`, which ends cleanly at Ctrl-C and SIGTERM.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc(test(attr(deny(unused_imports, unused_mut, unused_must_use))))]

#[doc(hidden)]
pub mod __private;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod __properties;

mod forking;
mod server;
mod threading;

mod serve;

mod extract;
mod handler;
mod respond;

mod exchange;

mod form;

mod response;
mod rfile;
mod wfile;

mod answer;

mod cookies;
mod error_page;
mod header_value;
mod http_error;
mod locals;
mod logging;
mod peer;
mod socket;

mod stats;

mod http;
mod net;

mod config;

mod rarely;

pub use basehttp_macros::http_handler;

pub use config::{Config, FormLimits};
pub use cookies::Cookies;
pub use error_page::{ErrorPage, escape_html};
pub use exchange::Exchange;
pub use extract::{FromRequest, FromRequestWith};
pub use forking::ForkingHttpServer;
pub use form::collect::FormOptions;
pub use form::error::BadForm;
pub use form::field_file::FieldFile;
pub use form::field_storage::{Field, FieldStorage};
pub use form::multipart::{Multipart, Part};
pub use form::text::TextErrors;
#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
pub use form::typed::{Form, FromFields, Query};
pub use handler::{Defaults, HandlerFn, MethodInfo, RequestHandler, handler_fn};
pub use header_value::ToHeaderValue;
pub use http::date::HttpDate;
pub use http::error::BadRequest;
pub use http::headers::{Headers, Iter as HeadersIter};
pub use http::status::{IntoStatus, InvalidStatus, Status};
pub use http::target::QueryString;
pub use http::version::Version;
pub use http_error::{Handled, HttpError, OrStatus, Result};
pub use locals::Locals;
pub use logging::log_to_stderr;
pub use mime::Mime;
pub use peer::{PeerAddress, ServerInfo};
pub use respond::IntoResponse;
pub use response::Response;
pub use rfile::RequestReader;
pub use serve::shutdown::{ShutdownHandle, ShutdownReport};
pub use server::HttpServer;
pub use stats::Stats;
pub use threading::ThreadingHttpServer;
pub use wfile::ResponseWriter;
