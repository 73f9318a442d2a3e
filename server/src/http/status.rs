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
        self.words().map(|words| words.0)
    }

    /// Python's sentence about a known code: `"Nothing matches the given URI"` for 404.
    pub fn explanation(self) -> Option<&'static str> {
        self.words().map(|words| words.1)
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

    /// The three digits, as the status line carries them.
    pub(crate) fn digits(self) -> [u8; 3] {
        let digit = |n: u16| b'0' + (n % 10) as u8;
        [digit(self.0 / 100), digit(self.0 / 10), digit(self.0)]
    }

    fn words(self) -> Option<(&'static str, &'static str)> {
        let found = KNOWN.binary_search_by_key(&self.0, |known| known.0);
        found.ok().and_then(|at| KNOWN.get(at)).map(|known| (known.1, known.2))
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

/// The codes of Python's `http.HTTPStatus`.
impl Status {
    /// 100 Continue.
    pub const CONTINUE: Status = Status(100);
    /// 101 Switching Protocols.
    pub const SWITCHING_PROTOCOLS: Status = Status(101);
    /// 102 Processing.
    pub const PROCESSING: Status = Status(102);
    /// 103 Early Hints.
    pub const EARLY_HINTS: Status = Status(103);
    /// 200 OK.
    pub const OK: Status = Status(200);
    /// 201 Created.
    pub const CREATED: Status = Status(201);
    /// 202 Accepted.
    pub const ACCEPTED: Status = Status(202);
    /// 203 Non-Authoritative Information.
    pub const NON_AUTHORITATIVE_INFORMATION: Status = Status(203);
    /// 204 No Content.
    pub const NO_CONTENT: Status = Status(204);
    /// 205 Reset Content.
    pub const RESET_CONTENT: Status = Status(205);
    /// 206 Partial Content.
    pub const PARTIAL_CONTENT: Status = Status(206);
    /// 207 Multi-Status.
    pub const MULTI_STATUS: Status = Status(207);
    /// 208 Already Reported.
    pub const ALREADY_REPORTED: Status = Status(208);
    /// 226 IM Used.
    pub const IM_USED: Status = Status(226);
    /// 300 Multiple Choices.
    pub const MULTIPLE_CHOICES: Status = Status(300);
    /// 301 Moved Permanently.
    pub const MOVED_PERMANENTLY: Status = Status(301);
    /// 302 Found.
    pub const FOUND: Status = Status(302);
    /// 303 See Other.
    pub const SEE_OTHER: Status = Status(303);
    /// 304 Not Modified.
    pub const NOT_MODIFIED: Status = Status(304);
    /// 305 Use Proxy.
    pub const USE_PROXY: Status = Status(305);
    /// 307 Temporary Redirect.
    pub const TEMPORARY_REDIRECT: Status = Status(307);
    /// 308 Permanent Redirect.
    pub const PERMANENT_REDIRECT: Status = Status(308);
    /// 400 Bad Request.
    pub const BAD_REQUEST: Status = Status(400);
    /// 401 Unauthorized.
    pub const UNAUTHORIZED: Status = Status(401);
    /// 402 Payment Required.
    pub const PAYMENT_REQUIRED: Status = Status(402);
    /// 403 Forbidden.
    pub const FORBIDDEN: Status = Status(403);
    /// 404 Not Found.
    pub const NOT_FOUND: Status = Status(404);
    /// 405 Method Not Allowed.
    pub const METHOD_NOT_ALLOWED: Status = Status(405);
    /// 406 Not Acceptable.
    pub const NOT_ACCEPTABLE: Status = Status(406);
    /// 407 Proxy Authentication Required.
    pub const PROXY_AUTHENTICATION_REQUIRED: Status = Status(407);
    /// 408 Request Timeout.
    pub const REQUEST_TIMEOUT: Status = Status(408);
    /// 409 Conflict.
    pub const CONFLICT: Status = Status(409);
    /// 410 Gone.
    pub const GONE: Status = Status(410);
    /// 411 Length Required.
    pub const LENGTH_REQUIRED: Status = Status(411);
    /// 412 Precondition Failed.
    pub const PRECONDITION_FAILED: Status = Status(412);
    /// 413 Content Too Large.
    pub const CONTENT_TOO_LARGE: Status = Status(413);
    /// 414 URI Too Long.
    pub const URI_TOO_LONG: Status = Status(414);
    /// 415 Unsupported Media Type.
    pub const UNSUPPORTED_MEDIA_TYPE: Status = Status(415);
    /// 416 Range Not Satisfiable.
    pub const RANGE_NOT_SATISFIABLE: Status = Status(416);
    /// 417 Expectation Failed.
    pub const EXPECTATION_FAILED: Status = Status(417);
    /// 418 I'm a Teapot.
    pub const IM_A_TEAPOT: Status = Status(418);
    /// 421 Misdirected Request.
    pub const MISDIRECTED_REQUEST: Status = Status(421);
    /// 422 Unprocessable Content.
    pub const UNPROCESSABLE_CONTENT: Status = Status(422);
    /// 423 Locked.
    pub const LOCKED: Status = Status(423);
    /// 424 Failed Dependency.
    pub const FAILED_DEPENDENCY: Status = Status(424);
    /// 425 Too Early.
    pub const TOO_EARLY: Status = Status(425);
    /// 426 Upgrade Required.
    pub const UPGRADE_REQUIRED: Status = Status(426);
    /// 428 Precondition Required.
    pub const PRECONDITION_REQUIRED: Status = Status(428);
    /// 429 Too Many Requests.
    pub const TOO_MANY_REQUESTS: Status = Status(429);
    /// 431 Request Header Fields Too Large.
    pub const REQUEST_HEADER_FIELDS_TOO_LARGE: Status = Status(431);
    /// 451 Unavailable For Legal Reasons.
    pub const UNAVAILABLE_FOR_LEGAL_REASONS: Status = Status(451);
    /// 500 Internal Server Error.
    pub const INTERNAL_SERVER_ERROR: Status = Status(500);
    /// 501 Not Implemented.
    pub const NOT_IMPLEMENTED: Status = Status(501);
    /// 502 Bad Gateway.
    pub const BAD_GATEWAY: Status = Status(502);
    /// 503 Service Unavailable.
    pub const SERVICE_UNAVAILABLE: Status = Status(503);
    /// 504 Gateway Timeout.
    pub const GATEWAY_TIMEOUT: Status = Status(504);
    /// 505 HTTP Version Not Supported.
    pub const HTTP_VERSION_NOT_SUPPORTED: Status = Status(505);
    /// 506 Variant Also Negotiates.
    pub const VARIANT_ALSO_NEGOTIATES: Status = Status(506);
    /// 507 Insufficient Storage.
    pub const INSUFFICIENT_STORAGE: Status = Status(507);
    /// 508 Loop Detected.
    pub const LOOP_DETECTED: Status = Status(508);
    /// 510 Not Extended.
    pub const NOT_EXTENDED: Status = Status(510);
    /// 511 Network Authentication Required.
    pub const NETWORK_AUTHENTICATION_REQUIRED: Status = Status(511);
}

/// Code, phrase (RFC 9110 and the IANA registry), explanation (Python's `responses`); by code.
const KNOWN: &[(u16, &str, &str)] = &[
    (100, "Continue", "Request received, please continue"),
    (101, "Switching Protocols", "Switching to new protocol; obey Upgrade header"),
    (102, "Processing", ""),
    (103, "Early Hints", ""),
    (200, "OK", "Request fulfilled, document follows"),
    (201, "Created", "Document created, URL follows"),
    (202, "Accepted", "Request accepted, processing continues off-line"),
    (203, "Non-Authoritative Information", "Request fulfilled from cache"),
    (204, "No Content", "Request fulfilled, nothing follows"),
    (205, "Reset Content", "Clear input form for further input"),
    (206, "Partial Content", "Partial content follows"),
    (207, "Multi-Status", ""),
    (208, "Already Reported", ""),
    (226, "IM Used", ""),
    (300, "Multiple Choices", "Object has several resources -- see URI list"),
    (301, "Moved Permanently", "Object moved permanently -- see URI list"),
    (302, "Found", "Object moved temporarily -- see URI list"),
    (303, "See Other", "Object moved -- see Method and URL list"),
    (304, "Not Modified", "Document has not changed since given time"),
    (305, "Use Proxy", "You must use proxy specified in Location to access this resource"),
    (307, "Temporary Redirect", "Object moved temporarily -- see URI list"),
    (308, "Permanent Redirect", "Object moved permanently -- see URI list"),
    (400, "Bad Request", "Bad request syntax or unsupported method"),
    (401, "Unauthorized", "No permission -- see authorization schemes"),
    (402, "Payment Required", "No payment -- see charging schemes"),
    (403, "Forbidden", "Request forbidden -- authorization will not help"),
    (404, "Not Found", "Nothing matches the given URI"),
    (405, "Method Not Allowed", "Specified method is invalid for this resource"),
    (406, "Not Acceptable", "URI not available in preferred format"),
    (
        407,
        "Proxy Authentication Required",
        "You must authenticate with this proxy before proceeding",
    ),
    (408, "Request Timeout", "Request timed out; try again later"),
    (409, "Conflict", "Request conflict"),
    (410, "Gone", "URI no longer exists and has been permanently removed"),
    (411, "Length Required", "Client must specify Content-Length"),
    (412, "Precondition Failed", "Precondition in headers is false"),
    (413, "Content Too Large", "Entity is too large"),
    (414, "URI Too Long", "URI is too long"),
    (415, "Unsupported Media Type", "Entity body in unsupported format"),
    (416, "Range Not Satisfiable", "Cannot satisfy request range"),
    (417, "Expectation Failed", "Expect condition could not be satisfied"),
    (418, "I'm a Teapot", "Server refuses to brew coffee because it is a teapot"),
    (421, "Misdirected Request", "Server is not able to produce a response"),
    (422, "Unprocessable Content", ""),
    (423, "Locked", ""),
    (424, "Failed Dependency", ""),
    (425, "Too Early", ""),
    (426, "Upgrade Required", ""),
    (428, "Precondition Required", "The origin server requires the request to be conditional"),
    (
        429,
        "Too Many Requests",
        "The user has sent too many requests in a given amount of time (\"rate limiting\")",
    ),
    (
        431,
        "Request Header Fields Too Large",
        "The server is unwilling to process the request because its header fields are too large",
    ),
    (
        451,
        "Unavailable For Legal Reasons",
        "The server is denying access to the resource as a consequence of a legal demand",
    ),
    (500, "Internal Server Error", "Server got itself in trouble"),
    (501, "Not Implemented", "Server does not support this operation"),
    (502, "Bad Gateway", "Invalid responses from another server/proxy"),
    (503, "Service Unavailable", "The server cannot process the request due to a high load"),
    (504, "Gateway Timeout", "The gateway server did not receive a timely response"),
    (505, "HTTP Version Not Supported", "Cannot fulfill request"),
    (506, "Variant Also Negotiates", ""),
    (507, "Insufficient Storage", ""),
    (508, "Loop Detected", ""),
    (510, "Not Extended", ""),
    (
        511,
        "Network Authentication Required",
        "The client needs to authenticate to gain network access",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes_are_sorted_so_that_the_search_finds_each() {
        assert!(KNOWN.is_sorted_by_key(|known| known.0));
        for known in KNOWN {
            assert_eq!(Status(known.0).phrase(), Some(known.1));
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
    fn only_these_answers_have_no_body() {
        let bodiless: Vec<u16> = (100..=999).filter(|&code| !Status(code).allows_body()).collect();
        let expected: Vec<u16> = (100..200).chain([204, 205, 304]).collect();
        assert_eq!(bodiless, expected);
    }
}
