//! `Response`: an answer as a value, for those who would rather build than send.

use std::fmt;

use crate::header_value::ToHeaderValue;
use crate::http::status::{IntoStatus, InvalidStatus, Status};

/// An answer that has not been sent: a status, fields and a body.
///
/// A method can return one; a wrapper gets one from
/// [`Exchange::take_response`](crate::Exchange::take_response).
///
/// ```
/// use basehttp::{Response, http_handler};
///
/// struct Teapot;
///
/// #[http_handler]
/// impl Teapot {
///     fn do_GET(&self) -> Response {
///         Response::new(418).header("Content-Type", "text/plain").body("short and stout")
///     }
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use = "an answer that is not returned is not sent"]
pub struct Response {
    pub(crate) status: Result<Status, InvalidStatus>,
    pub(crate) phrase: Option<String>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// An empty answer of that status.
    ///
    /// A number outside 100 to 999 is reported when the answer is sent, as a 500.
    pub fn new(code: impl IntoStatus) -> Response {
        let status = code.into_status();
        Response { status, phrase: None, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a field; checked when the answer is sent.
    pub fn header(mut self, name: &str, value: impl ToHeaderValue) -> Response {
        let mut bytes = Vec::new();
        value.write_to(&mut bytes);
        self.headers.push((name.to_owned(), bytes));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Response {
        self.body = body.into();
        self
    }

    /// The status; 500 where the number given was none.
    pub fn status(&self) -> Status {
        self.status.unwrap_or(Status::INTERNAL_SERVER_ERROR)
    }

    /// The fields, in their order. `Server`, `Date` and what frames the body are not among them:
    /// the server adds those when the answer is sent.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The value of the first field of that name, which compares without regard to case.
    pub fn get_header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1)
    }

    /// The bytes of the body.
    pub fn body_bytes(&self) -> &[u8] {
        &self.body
    }

    /// Reads back what an exchange has gathered: our own bytes, well-formed by construction.
    pub(crate) fn from_wire(status: Status, head: &[u8], stamp: &[u8], body: Vec<u8>) -> Response {
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let status_line = lines.next().unwrap_or_default();
        let phrase = status_line.get("HTTP/1.1 200 ".len()..).unwrap_or_default();
        let is_stamped = |line: &[u8]| {
            stamp.split(|byte| *byte == b'\n').any(|stamped| stamped.trim_ascii_end() == line)
        };
        let headers = lines
            .filter(|line| !is_stamped(line))
            .filter_map(|line| {
                let (name, value) = line.split_at(memchr::memchr(b':', line)?);
                let value = value.get(1..).unwrap_or_default().trim_ascii();
                Some((String::from_utf8_lossy(name).into_owned(), value.to_vec()))
            })
            // Framing is decided again when the answer is sent again.
            .filter(|(name, _)| !["Connection", "Content-Length"].contains(&name.as_str()))
            .collect();
        Response {
            status: Ok(status),
            phrase: Some(String::from_utf8_lossy(phrase).into_owned())
                .filter(|phrase| status.phrase() != Some(phrase)),
            headers,
            body,
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("headers", &self.headers().map(|(n, v)| (n, text(v))).collect::<Vec<_>>())
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}
