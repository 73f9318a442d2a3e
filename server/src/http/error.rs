//! What we refuse, by which rule, and with which status.

use std::fmt;

use super::status::Status;

/// A request this server refuses, and by which rule.
///
/// The peer is at fault each time: it gets [`BadRequest::status`] with the words of `Display`, and
/// the connection closes, since what follows can no longer be told apart.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BadRequest {
    /// A line that ends in LF alone, or that begins with a CR and no LF behind it (RFC 9112 §2.2).
    LineEnd,
    /// A first line that is not `method SP target SP version` (RFC 9112 §3).
    RequestLine,
    /// A method of more than 32 bytes: longer than any there is (RFC 9112 §3).
    MethodTooLong,
    /// A target of none of the four forms, or with bytes no URI has (RFC 9112 §3.2).
    Target,
    /// A target longer than `Config::max_target_bytes`.
    TargetTooLong,
    /// Something other than `HTTP/` digit `.` digit where the version should be.
    Version,
    /// A well-formed version whose major number is not 1.
    UnsupportedVersion,
    /// A field line without a colon, with a name that is no token, with a blank before the colon, or
    /// folded (RFC 9112 §5).
    FieldName,
    /// A control character in a field value (RFC 9110 §5.5).
    FieldValue,
    /// More fields than `Config::max_header_fields`.
    TooManyFields,
    /// More bytes than `Config::max_head_bytes` before the blank line.
    HeadTooLarge,
    /// The connection ended in the middle of the head.
    HeadCutShort,
    /// HTTP/1.1 without `Host`, or with two, or with one that is no host (RFC 9112 §3.2).
    Host,
    /// A `Content-Length` that is not one plain decimal number (RFC 9112 §6.3).
    ContentLength,
    /// Both `Content-Length` and `Transfer-Encoding`, or a body behind CONNECT: two readers could
    /// disagree.
    AmbiguousBody,
    /// A transfer coding this server does not know (RFC 9112 §6.1).
    TransferCoding,
    /// `Transfer-Encoding` where it cannot be: twice, on HTTP/1.0, or `chunked` not last.
    MisplacedCoding,
    /// Chunked framing that is not exactly RFC 9112 §7.1.
    Chunk,
    /// Chunk extensions or trailer fields beyond any use.
    ChunkOverhead,
    /// An `Expect` other than `100-continue` (RFC 9110 §10.1.1).
    Expectation,
    /// A body longer than `Config::max_body_bytes`.
    BodyTooLarge,
    /// The connection ended in the middle of the body.
    BodyCutShort,
    /// The head was not complete within `Config::head_timeout`.
    HeadTimeout,
    /// The body was not complete within `Config::body_timeout`, nor came at `Config::min_body_rate`.
    BodyTimeout,
}

impl BadRequest {
    /// The answer the client gets before the connection closes.
    pub fn status(self) -> Status {
        match self {
            BadRequest::TargetTooLong => Status::URI_TOO_LONG,
            BadRequest::TooManyFields | BadRequest::HeadTooLarge => {
                Status::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            BadRequest::UnsupportedVersion => Status::HTTP_VERSION_NOT_SUPPORTED,
            BadRequest::TransferCoding | BadRequest::MethodTooLong => Status::NOT_IMPLEMENTED,
            BadRequest::Expectation => Status::EXPECTATION_FAILED,
            BadRequest::BodyTooLarge => Status::CONTENT_TOO_LARGE,
            BadRequest::HeadTimeout | BadRequest::BodyTimeout => Status::REQUEST_TIMEOUT,
            _ => Status::BAD_REQUEST,
        }
    }
}

/// Names the thing that is wrong, and the setting where there is one.
impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadRequest::LineEnd => "a line does not end in CR LF",
            BadRequest::RequestLine => "the request line is not method, target and version",
            BadRequest::MethodTooLong => "the method is longer than any known one",
            BadRequest::Target => "the request target is not a valid URI reference",
            BadRequest::TargetTooLong => "the request target is longer than max_target_bytes",
            BadRequest::Version => "the HTTP version is not of the form HTTP/1.1",
            BadRequest::UnsupportedVersion => "only HTTP/1.0 and HTTP/1.1 are spoken here",
            BadRequest::FieldName => "a header field is not of the form name: value",
            BadRequest::FieldValue => "a header field value has a control character",
            BadRequest::TooManyFields => "there are more header fields than max_header_fields",
            BadRequest::HeadTooLarge => "the request head is longer than max_head_bytes",
            BadRequest::HeadCutShort => "the connection ended in the middle of the request head",
            BadRequest::Host => "there must be exactly one Host field, and it must name a host",
            BadRequest::ContentLength => "content-length is not one decimal number",
            BadRequest::AmbiguousBody => {
                "content-length, transfer-encoding and CONNECT exclude each other"
            }
            BadRequest::TransferCoding => "the only transfer coding known here is chunked",
            BadRequest::MisplacedCoding => {
                "transfer-encoding must be chunked, once, and on HTTP/1.1"
            }
            BadRequest::Chunk => "the chunked body is malformed",
            BadRequest::ChunkOverhead => "chunk extensions or trailer fields are too long",
            BadRequest::Expectation => "the only expectation known here is 100-continue",
            BadRequest::BodyTooLarge => "the body is longer than max_body_bytes",
            BadRequest::BodyCutShort => "the connection ended in the middle of the body",
            BadRequest::HeadTimeout => "the request head took longer than head_timeout",
            BadRequest::BodyTimeout => "the request body took longer than body_timeout",
        })
    }
}

impl std::error::Error for BadRequest {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_refusal_has_a_status_and_words_of_its_own() {
        use BadRequest::*;
        let mut all = BTreeSet::new();
        for (refused, status) in [
            (LineEnd, 400),
            (RequestLine, 400),
            (MethodTooLong, 501),
            (Target, 400),
            (TargetTooLong, 414),
            (Version, 400),
            (UnsupportedVersion, 505),
            (FieldName, 400),
            (FieldValue, 400),
            (TooManyFields, 431),
            (HeadTooLarge, 431),
            (HeadCutShort, 400),
            (Host, 400),
            (ContentLength, 400),
            (AmbiguousBody, 400),
            (TransferCoding, 501),
            (MisplacedCoding, 400),
            (Chunk, 400),
            (ChunkOverhead, 400),
            (Expectation, 417),
            (BodyTooLarge, 413),
            (BodyCutShort, 400),
            (HeadTimeout, 408),
            (BodyTimeout, 408),
        ] {
            assert_eq!(refused.status().code(), status, "{refused:?}");
            let words = refused.to_string();
            assert!(words.len() > 10 && !words.ends_with('.'), "{words}");
            assert!(all.insert(words), "{refused:?}");
        }
    }
}
