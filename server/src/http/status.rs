//! Status codes, their phrases, and the sentence that Python's error page adds.

use std::fmt;

/// A status code: three digits, 100 to 999.
///
/// Any code in that range may be sent (RFC 9110 §15 leaves the registry open); the constants are
/// the codes of Python's `http.HTTPStatus`, with the phrases of RFC 9110.
///
/// ```
/// use basehttp::Status;
///
/// assert_eq!(Status::NOT_FOUND.code(), 404);
/// assert_eq!(Status::NOT_FOUND.phrase(), Some("Not Found"));
/// assert_eq!(Status::new(299).unwrap().phrase(), None);
/// assert!(Status::new(42).is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u16);

impl Status {
    /// A status from its number.
    ///
    /// # Errors
    /// [`InvalidStatus`] unless `100 <= code <= 999`: a status line has room for three digits.
    pub const fn new(code: u16) -> Result<Status, InvalidStatus> {
        if code >= 100 && code <= 999 { Ok(Status(code)) } else { Err(InvalidStatus(code)) }
    }

    /// The number.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// The reason phrase of a known code: `"Not Found"` for 404.
    pub fn phrase(self) -> Option<&'static str> {
        words(self.0).map(|words| words.phrase)
    }

    /// Python's sentence about a known code: `"Nothing matches the given URI"` for 404.
    pub fn explanation(self) -> Option<&'static str> {
        words(self.0).map(|words| words.explanation)
    }

    /// 1xx: more is to come, this is not the answer yet.
    pub const fn is_informational(self) -> bool {
        self.0 < 200
    }

    /// 2xx.
    pub const fn is_success(self) -> bool {
        200 <= self.0 && self.0 < 300
    }

    /// 4xx and 5xx.
    pub const fn is_error(self) -> bool {
        400 <= self.0 && self.0 < 600
    }

    /// Whether an answer of this status may carry a body (RFC 9110 §6.4.1).
    ///
    /// 1xx, 204 and 304 end with their head; 205 must be empty (§15.3.6).
    pub(crate) const fn allows_body(self) -> bool {
        !(self.is_informational() || matches!(self.0, 204 | 205 | 304))
    }

    /// The status line of an HTTP/1.1 answer with the phrase of a known code.
    pub(crate) fn line(self) -> Option<&'static str> {
        words(self.0).map(|words| words.line)
    }

    /// The three digits, as the status line carries them.
    pub(crate) fn digits(self) -> [u8; 3] {
        let digit = |n: u16| b'0' + (n % 10) as u8;
        [digit(self.0 / 100), digit(self.0 / 10), digit(self.0)]
    }
}

/// Prints the number.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Prints the number and its phrase.
impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.phrase().unwrap_or("???"))
    }
}

impl PartialEq<u16> for Status {
    fn eq(&self, code: &u16) -> bool {
        self.0 == *code
    }
}

impl TryFrom<u16> for Status {
    type Error = InvalidStatus;

    fn try_from(code: u16) -> Result<Status, InvalidStatus> {
        Status::new(code)
    }
}

impl From<Status> for u16 {
    fn from(status: Status) -> u16 {
        status.0
    }
}

/// A number that is no status code: below 100 or above 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidStatus(u16);

impl fmt::Display for InvalidStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a status code: it must lie between 100 and 999", self.0)
    }
}

impl std::error::Error for InvalidStatus {}

/// What may stand for a status in a call: a [`Status`], or a number as Python has it.
///
/// A number outside 100 to 999 is reported where the answer is made: `end_headers()` returns it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no status: write a number such as `200` (a `u16`), or `Status::OK`",
    label = "is no status"
)]
pub trait IntoStatus {
    /// The status, or what is wrong with the number.
    ///
    /// # Errors
    /// [`InvalidStatus`] unless the number lies between 100 and 999.
    fn into_status(self) -> Result<Status, InvalidStatus>;
}

impl IntoStatus for Status {
    fn into_status(self) -> Result<Status, InvalidStatus> {
        Ok(self)
    }
}

// The only integer type, so that `send_response(200)` infers it.
impl IntoStatus for u16 {
    fn into_status(self) -> Result<Status, InvalidStatus> {
        Status::new(self)
    }
}

/// Makes the constants, and the words of each code: its phrase (RFC 9110 and the IANA registry), its
/// explanation (Python's `responses`), and its whole status line.
macro_rules! statuses {
    ($($code:literal $name:ident $phrase:literal $explanation:literal;)*) => {
        /// The codes of Python's `http.HTTPStatus`.
        impl Status {$(
            #[doc = concat!(stringify!($code), " ", $phrase, ".")]
            pub const $name: Status = Status($code);
        )*}

        fn words(code: u16) -> Option<&'static Words> {
            match code {
                $($code => Some(const {
                    &Words {
                        phrase: $phrase,
                        explanation: $explanation,
                        line: concat!("HTTP/1.1 ", $code, " ", $phrase, "\r\n"),
                    }
                }),)*
                _ => None,
            }
        }

        #[cfg(test)]
        const CODES: &[u16] = &[$($code),*];
    };
}

struct Words {
    phrase: &'static str,
    explanation: &'static str,
    line: &'static str,
}

statuses! {
    100 CONTINUE "Continue" "Request received, please continue";
    101 SWITCHING_PROTOCOLS "Switching Protocols" "Switching to new protocol; obey Upgrade header";
    102 PROCESSING "Processing" "";
    103 EARLY_HINTS "Early Hints" "";
    200 OK "OK" "Request fulfilled, document follows";
    201 CREATED "Created" "Document created, URL follows";
    202 ACCEPTED "Accepted" "Request accepted, processing continues off-line";
    203 NON_AUTHORITATIVE_INFORMATION "Non-Authoritative Information" "Request fulfilled from cache";
    204 NO_CONTENT "No Content" "Request fulfilled, nothing follows";
    205 RESET_CONTENT "Reset Content" "Clear input form for further input";
    206 PARTIAL_CONTENT "Partial Content" "Partial content follows";
    207 MULTI_STATUS "Multi-Status" "";
    208 ALREADY_REPORTED "Already Reported" "";
    226 IM_USED "IM Used" "";
    300 MULTIPLE_CHOICES "Multiple Choices" "Object has several resources -- see URI list";
    301 MOVED_PERMANENTLY "Moved Permanently" "Object moved permanently -- see URI list";
    302 FOUND "Found" "Object moved temporarily -- see URI list";
    303 SEE_OTHER "See Other" "Object moved -- see Method and URL list";
    304 NOT_MODIFIED "Not Modified" "Document has not changed since given time";
    305 USE_PROXY "Use Proxy" "You must use proxy specified in Location to access this resource";
    307 TEMPORARY_REDIRECT "Temporary Redirect" "Object moved temporarily -- see URI list";
    308 PERMANENT_REDIRECT "Permanent Redirect" "Object moved permanently -- see URI list";
    400 BAD_REQUEST "Bad Request" "Bad request syntax or unsupported method";
    401 UNAUTHORIZED "Unauthorized" "No permission -- see authorization schemes";
    402 PAYMENT_REQUIRED "Payment Required" "No payment -- see charging schemes";
    403 FORBIDDEN "Forbidden" "Request forbidden -- authorization will not help";
    404 NOT_FOUND "Not Found" "Nothing matches the given URI";
    405 METHOD_NOT_ALLOWED "Method Not Allowed" "Specified method is invalid for this resource";
    406 NOT_ACCEPTABLE "Not Acceptable" "URI not available in preferred format";
    407 PROXY_AUTHENTICATION_REQUIRED "Proxy Authentication Required" "You must authenticate with this proxy before proceeding";
    408 REQUEST_TIMEOUT "Request Timeout" "Request timed out; try again later";
    409 CONFLICT "Conflict" "Request conflict";
    410 GONE "Gone" "URI no longer exists and has been permanently removed";
    411 LENGTH_REQUIRED "Length Required" "Client must specify Content-Length";
    412 PRECONDITION_FAILED "Precondition Failed" "Precondition in headers is false";
    413 CONTENT_TOO_LARGE "Content Too Large" "Entity is too large";
    414 URI_TOO_LONG "URI Too Long" "URI is too long";
    415 UNSUPPORTED_MEDIA_TYPE "Unsupported Media Type" "Entity body in unsupported format";
    416 RANGE_NOT_SATISFIABLE "Range Not Satisfiable" "Cannot satisfy request range";
    417 EXPECTATION_FAILED "Expectation Failed" "Expect condition could not be satisfied";
    418 IM_A_TEAPOT "I'm a Teapot" "Server refuses to brew coffee because it is a teapot";
    421 MISDIRECTED_REQUEST "Misdirected Request" "Server is not able to produce a response";
    422 UNPROCESSABLE_CONTENT "Unprocessable Content" "";
    423 LOCKED "Locked" "";
    424 FAILED_DEPENDENCY "Failed Dependency" "";
    425 TOO_EARLY "Too Early" "";
    426 UPGRADE_REQUIRED "Upgrade Required" "";
    428 PRECONDITION_REQUIRED "Precondition Required" "The origin server requires the request to be conditional";
    429 TOO_MANY_REQUESTS "Too Many Requests" "The user has sent too many requests in a given amount of time (\"rate limiting\")";
    431 REQUEST_HEADER_FIELDS_TOO_LARGE "Request Header Fields Too Large" "The server is unwilling to process the request because its header fields are too large";
    451 UNAVAILABLE_FOR_LEGAL_REASONS "Unavailable For Legal Reasons" "The server is denying access to the resource as a consequence of a legal demand";
    500 INTERNAL_SERVER_ERROR "Internal Server Error" "Server got itself in trouble";
    501 NOT_IMPLEMENTED "Not Implemented" "Server does not support this operation";
    502 BAD_GATEWAY "Bad Gateway" "Invalid responses from another server/proxy";
    503 SERVICE_UNAVAILABLE "Service Unavailable" "The server cannot process the request due to a high load";
    504 GATEWAY_TIMEOUT "Gateway Timeout" "The gateway server did not receive a timely response";
    505 HTTP_VERSION_NOT_SUPPORTED "HTTP Version Not Supported" "Cannot fulfill request";
    506 VARIANT_ALSO_NEGOTIATES "Variant Also Negotiates" "";
    507 INSUFFICIENT_STORAGE "Insufficient Storage" "";
    508 LOOP_DETECTED "Loop Detected" "";
    510 NOT_EXTENDED "Not Extended" "";
    511 NETWORK_AUTHENTICATION_REQUIRED "Network Authentication Required" "The client needs to authenticate to gain network access";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_has_the_code_and_its_phrase() {
        assert_eq!(CODES.len(), 62);
        for &code in CODES {
            let phrase = Status(code).phrase().unwrap();
            assert_eq!(Status(code).line().unwrap(), format!("HTTP/1.1 {code} {phrase}\r\n"));
        }
    }

    #[test]
    fn a_status_has_three_digits() {
        for (code, sound) in [(99, false), (100, true), (999, true), (1000, false), (0, false)] {
            assert_eq!(Status::new(code).is_ok(), sound, "{code}");
        }
        assert_eq!(&Status(418).digits(), b"418");
    }

    #[test]
    fn a_status_is_a_number_and_words() {
        assert_eq!(Status::NOT_FOUND, 404);
        assert_ne!(Status::NOT_FOUND, 405);
        assert_eq!(Status::NOT_FOUND.to_string(), "404");
        assert_eq!(Status::NOT_FOUND.explanation(), Some("Nothing matches the given URI"));
        assert_eq!(Status(299).explanation(), None);
        assert!(Status::new(42).unwrap_err().to_string().starts_with("42 is not"));
    }

    #[test]
    fn the_first_digit_is_the_class() {
        for code in 100..=999 {
            let status = Status(code);
            assert_eq!(status.is_informational(), code / 100 == 1, "{code}");
            assert_eq!(status.is_success(), code / 100 == 2, "{code}");
            assert_eq!(status.is_error(), matches!(code / 100, 4 | 5), "{code}");
            assert_eq!(u16::from(status), code);
        }
        assert!(format!("{:?}", Status::NOT_FOUND).contains("404"));
    }

    #[test]
    fn only_these_answers_have_no_body() {
        let bodiless: Vec<u16> = (100..=999).filter(|&code| !Status(code).allows_body()).collect();
        let expected: Vec<u16> = (100..200).chain([204, 205, 304]).collect();
        assert_eq!(bodiless, expected);
    }
}
