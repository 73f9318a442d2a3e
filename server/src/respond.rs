//! `IntoResponse`: what a method may return.
//!
//! A returned value writes itself; it builds no `Response` on the way. It completes what the method
//! left open: a status and fields that were sent before stay.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::exchange::Exchange;
use crate::http::status::{IntoStatus, Status};
use crate::http_error::{Handled, HttpError};
use crate::response::Response;

/// A value that a `do_` method may return.
///
/// | value | answer |
/// |---|---|
/// | `()` | what the method itself has sent |
/// | `&str`, `String`, `Cow<str>` | 200, `text/plain; charset=utf-8` |
/// | `&[u8]`, `Vec<u8>` | 200, `application/octet-stream` |
/// | `Status` | that status, no body |
/// | [`Response`] | itself |
/// | `(status, value)` | the value, with that status |
/// | `Option<T>` | the value, or 404 |
/// | `Result<T, E>` | the value, or the page of the error |
///
/// What the method has sent before stays: a status, a `Content-Type`. An error, and `None`, take
/// the place of what was sent; so a method that returns values answers errors by returning them,
/// not by `send_error`. Implement it for your own types by sending something else:
///
/// ```
/// use basehttp::{Exchange, Handled, IntoResponse};
///
/// struct Page(String);
///
/// impl IntoResponse for Page {
///     fn respond(self, http: &mut Exchange<'_>) -> Handled {
///         http.send_header("Content-Type", "text/html; charset=utf-8");
///         self.0.respond(http)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an answer: return text, bytes, a `Status`, `(404, \"text\")` or a \
               `Response`, or implement `IntoResponse` for a type of your own",
    label = "cannot be sent"
)]
pub trait IntoResponse {
    /// Sends the value as the answer, or as the rest of it.
    ///
    /// # Errors
    /// What went wrong, with the status it is answered with.
    fn respond(self, http: &mut Exchange<'_>) -> Handled;
}

impl IntoResponse for () {
    fn respond(self, _: &mut Exchange<'_>) -> Handled {
        Ok(())
    }
}

impl IntoResponse for &str {
    fn respond(self, http: &mut Exchange<'_>) -> Handled {
        complete(http, "text/plain; charset=utf-8", self.as_bytes())
    }
}

impl IntoResponse for String {
    fn respond(self, http: &mut Exchange<'_>) -> Handled {
        self.as_str().respond(http)
    }
}

impl IntoResponse for Cow<'_, str> {
    fn respond(self, http: &mut Exchange<'_>) -> Handled {
        self.as_ref().respond(http)
    }
}

impl IntoResponse for &[u8] {
    fn respond(self, http: &mut Exchange<'_>) -> Handled {
        complete(http, "application/octet-stream", self)
    }
}

impl<const N: usize> IntoResponse for &[u8; N] {
    fn respond(self, http: &mut Exchange<'_>) -> Handled {
        self.as_slice().respond(http)
    }
}

impl IntoResponse for Vec<u8> {
    fn respond(self, http: &mut Exchange<'_>) -> Handled {
        self.as_slice().respond(http)
    }
}

impl IntoResponse for Status {
    fn respond(self, http: &mut Exchange<'_>) -> Handled {
        if http.status().is_none() {
            http.send_response(self);
        }
        Ok(http.end_headers()?)
    }
}

impl IntoResponse for Response {
    fn respond(self, http: &mut Exchange<'_>) -> Handled {
        let status = self.status.map_err(|invalid| HttpError::new(500).because(invalid))?;
        if http.status().is_none() {
            match &self.phrase {
                Some(phrase) => http.send_response_with(status, phrase),
                None => http.send_response(status),
            };
        }
        for (name, value) in &self.headers {
            http.send_header(name, value);
        }
        http.end_headers()?;
        http.wfile.write_all(&self.body)?;
        Ok(())
    }
}

/// The value with another status.
impl<S: IntoStatus, T: IntoResponse> IntoResponse for (S, T) {
    fn respond(self, http: &mut Exchange<'_>) -> Handled {
        if http.status().is_none() {
            http.send_response(self.0);
        }
        self.1.respond(http)
    }
}

/// `None` is 404.
impl<T: IntoResponse> IntoResponse for Option<T> {
    fn respond(self, http: &mut Exchange<'_>) -> Handled {
        match self {
            Some(value) => value.respond(http),
            None => Err(HttpError::new(Status::NOT_FOUND)),
        }
    }
}

impl<T: IntoResponse, E: IntoHttpError> IntoResponse for Result<T, E> {
    fn respond(self, http: &mut Exchange<'_>) -> Handled {
        match self {
            Ok(value) => value.respond(http),
            Err(error) => Err(error.into_http_error()),
        }
    }
}

/// `Into<HttpError>`, in words: it exists so that rustc's message says what to write.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which answer it becomes: use `.or_status(400)?`, or write \
               `impl From<{Self}> for basehttp::HttpError` for a type of your own",
    label = "has no status"
)]
pub trait IntoHttpError {
    /// The error with its status.
    fn into_http_error(self) -> HttpError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<HttpError>> IntoHttpError for E {
    fn into_http_error(self) -> HttpError {
        self.into()
    }
}

/// Sends `body` behind what the method has sent; begins a 200 where it has sent nothing.
fn complete(http: &mut Exchange<'_>, content_type: &str, body: &[u8]) -> Handled {
    if http.wfile.is_head_open() {
        if http.status().is_none() {
            http.send_response(Status::OK);
        }
        if !http.wfile.has_content_type() {
            http.send_header("Content-Type", content_type);
        }
        if !http.wfile.announces_trailers() {
            http.wfile.declare_length(body.len() as u64);
        }
        http.end_headers()?;
    }
    http.wfile.write_all(body).map_err(io::Error::into)
}
