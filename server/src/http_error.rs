//! `HttpError`: the answer that a failure becomes.

use std::borrow::Cow;
use std::error::Error;
use std::{fmt, io};

use crate::http::bytes::is_text;
use crate::http::error::BadRequest;
use crate::http::status::{IntoStatus, Status};

/// A `Result` whose error is an [`HttpError`], unless it is told otherwise; good for `do_` methods.
pub type Result<T, E = HttpError> = std::result::Result<T, E>;

/// What a dispatched request comes to: answered, or an error that becomes the answer.
pub type Handled = Result<(), HttpError>;

/// A failure with the status it is answered with.
///
/// Return it from a method, directly or through `?`, and the client gets Python's error page for
/// it (unless the head of another answer has already left).
///
/// ```
/// use basehttp::{Exchange, HttpError, Result, http_handler};
///
/// struct Library;
///
/// #[http_handler]
/// impl Library {
///     fn do_GET(&self, http: &mut Exchange) -> Result<String> {
///         let year: u32 = http.query().get("year").unwrap_or_default().parse()
///             .map_err(|error| HttpError::new(400).message("year is no number").because(error))?;
///         Ok(format!("books of {year}"))
///     }
/// }
/// ```
///
/// It survives the way through an [`io::Error`] and back: `?` in a method that returns
/// `io::Result<()>` keeps the status.
pub struct HttpError {
    // One pointer, so that a `Result` of it costs a handler nothing.
    inner: Box<Inner>,
}

struct Inner {
    status: Status,
    message: Option<Cow<'static, str>>,
    explain: Option<Cow<'static, str>>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl HttpError {
    /// An error that is answered with `code`.
    ///
    /// A number that is no status code becomes a 500 that says so in the log.
    pub fn new(code: impl IntoStatus) -> HttpError {
        match code.into_status() {
            Ok(status) => HttpError {
                inner: Box::new(Inner { status, message: None, explain: None, source: None }),
            },
            Err(invalid) => HttpError::new(Status::INTERNAL_SERVER_ERROR).because(invalid),
        }
    }

    /// Sets the short message: the reason phrase and the headline of the page.
    pub fn message(mut self, message: impl Into<Cow<'static, str>>) -> HttpError {
        self.inner.message = Some(message.into());
        self
    }

    /// Sets the long explanation on the page.
    pub fn explain(mut self, explain: impl Into<Cow<'static, str>>) -> HttpError {
        self.inner.explain = Some(explain.into());
        self
    }

    /// Keeps the cause for the log; the client never sees it.
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> HttpError {
        self.inner.source = Some(cause.into());
        self
    }

    /// The status it is answered with.
    pub fn status(&self) -> Status {
        self.inner.status
    }

    /// The message set, else the phrase of the status, else Python's `???`.
    pub fn message_text(&self) -> &str {
        self.inner.message.as_deref().or(self.inner.status.phrase()).unwrap_or("???")
    }

    /// The explanation set, else Python's sentence about the status, else `???`.
    pub fn explain_text(&self) -> &str {
        self.inner.explain.as_deref().or(self.inner.status.explanation()).unwrap_or("???")
    }

    /// The phrase for the status line: the message, if it fits on one.
    pub(crate) fn phrase(&self) -> &str {
        let standard = self.inner.status.phrase().unwrap_or("");
        self.inner.message.as_deref().filter(|message| is_phrase(message)).unwrap_or(standard)
    }

    /// The cause given to [`because`](Self::because), for the log.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.inner.source.as_deref()
    }

    /// Takes the cause out, if it is an `E`; else the error stays as it is.
    pub(crate) fn take_cause<E: Error + 'static>(mut self) -> Result<E> {
        match self.inner.source.take().map(|cause| cause.downcast()) {
            Some(Ok(cause)) => Ok(*cause),
            Some(Err(other)) => {
                self.inner.source = Some(other);
                Err(self)
            }
            None => Err(self),
        }
    }
}

/// What a reason phrase is made of (RFC 9112 §4), short enough for a line.
pub(crate) fn is_phrase(text: &str) -> bool {
    text.len() <= 512 && text.bytes().all(is_text)
}

/// `404 Not Found`, and the cause where there is one.
impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.inner.status, self.message_text())?;
        match &self.inner.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpError")
            .field("status", &self.inner.status)
            .field("message", &self.inner.message)
            .field("explain", &self.inner.explain)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}

impl From<Status> for HttpError {
    fn from(status: Status) -> HttpError {
        HttpError::new(status)
    }
}

impl From<u16> for HttpError {
    fn from(code: u16) -> HttpError {
        HttpError::new(code)
    }
}

/// The status that the error carries, if it came from an `HttpError`; else 500.
impl From<io::Error> for HttpError {
    fn from(error: io::Error) -> HttpError {
        match error.downcast::<HttpError>() {
            Ok(carried) => carried,
            Err(error) => HttpError::new(Status::INTERNAL_SERVER_ERROR).because(error),
        }
    }
}

/// A 500; an `HttpError` in the box is taken out with its status.
impl From<Box<dyn Error + Send + Sync>> for HttpError {
    fn from(error: Box<dyn Error + Send + Sync>) -> HttpError {
        match error.downcast::<HttpError>() {
            Ok(carried) => *carried,
            Err(error) => match error.downcast::<io::Error>() {
                Ok(error) => HttpError::from(*error),
                Err(error) => HttpError::new(Status::INTERNAL_SERVER_ERROR).because(error),
            },
        }
    }
}

/// A 500; an `HttpError` in the box is taken out with its status.
impl From<Box<dyn Error>> for HttpError {
    fn from(error: Box<dyn Error>) -> HttpError {
        match error.downcast::<HttpError>() {
            Ok(carried) => *carried,
            Err(error) => match error.downcast::<io::Error>() {
                Ok(error) => HttpError::from(*error),
                // It cannot be kept: it need not be `Send`. Its words can.
                Err(error) => {
                    HttpError::new(Status::INTERNAL_SERVER_ERROR).because(error.to_string())
                }
            },
        }
    }
}

/// The refusal's status, with its rule as the explanation.
impl From<BadRequest> for HttpError {
    fn from(refused: BadRequest) -> HttpError {
        HttpError::new(refused.status()).explain(refused.to_string()).because(refused)
    }
}

/// Carries the error, so that the way back keeps the status.
impl From<HttpError> for io::Error {
    fn from(error: HttpError) -> io::Error {
        let kind = match error.status().code() {
            408 => io::ErrorKind::TimedOut,
            400..=499 => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// Turns "nothing" and other people's errors into an answer.
///
/// ```
/// use basehttp::{OrStatus, Result};
///
/// fn find(names: &[&str], id: usize) -> Result<String> {
///     Ok(names.get(id).or_status(404)?.to_string())
/// }
///
/// assert_eq!(find(&["ada"], 7).unwrap_err().status().code(), 404);
/// ```
pub trait OrStatus<T> {
    /// The value, or an [`HttpError`] of that status.
    ///
    /// # Errors
    /// When there is no value; an error that was there becomes the cause, for the log.
    fn or_status(self, code: impl IntoStatus) -> Result<T>;
}

impl<T> OrStatus<T> for Option<T> {
    fn or_status(self, code: impl IntoStatus) -> Result<T> {
        self.ok_or_else(|| HttpError::new(code))
    }
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> OrStatus<T> for Result<T, E> {
    fn or_status(self, code: impl IntoStatus) -> Result<T> {
        self.map_err(|error| HttpError::new(code).because(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_survives_an_io_error() {
        let error: io::Error = HttpError::new(413).message("too much").into();
        assert_eq!(error.to_string(), "413 too much");
        let back = HttpError::from(error);
        assert_eq!((back.status(), back.message_text()), (Status::CONTENT_TOO_LARGE, "too much"));
    }

    #[test]
    fn boxes_are_opened() {
        let io_error = || io::Error::from(HttpError::new(403));
        let boxed: Box<dyn Error> = Box::new(io_error());
        assert_eq!(HttpError::from(boxed).status(), 403);
        let boxed: Box<dyn Error + Send + Sync> = Box::new(io_error());
        assert_eq!(HttpError::from(boxed).status(), 403);
        let boxed: Box<dyn Error> = "some words".into();
        assert_eq!(HttpError::from(boxed).to_string(), "500 Internal Server Error: some words");
    }

    #[test]
    fn a_plain_io_error_is_a_500_with_its_cause() {
        let error = HttpError::from(io::Error::other("disk full"));
        assert_eq!(error.status(), 500);
        assert_eq!(error.cause().unwrap().to_string(), "disk full");
    }

    #[test]
    fn an_invalid_code_is_a_500_that_says_so() {
        let error = HttpError::new(42);
        assert_eq!(error.status(), 500);
        assert!(error.to_string().contains("42 is not a status code"));
    }

    #[test]
    fn a_message_that_is_no_phrase_stays_off_the_status_line() {
        assert_eq!(HttpError::new(404).message("gone fishing").phrase(), "gone fishing");
        assert_eq!(HttpError::new(404).message("a\r\nSet-Cookie: b").phrase(), "Not Found");
    }
}
