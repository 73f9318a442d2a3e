//! What we refuse of a form, by which rule, and with which status.

use std::fmt;

use crate::http::status::Status;
use crate::http_error::HttpError;

/// A form this server refuses, and by which rule.
///
/// The client is at fault each time: it gets [`BadForm::status`] with the words of `Display`. It is
/// the [cause](HttpError::cause) of the [`HttpError`] that `http.form()` and
/// [`Multipart`](crate::Multipart) fail with.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BadForm {
    /// A body that is neither `application/x-www-form-urlencoded` nor `multipart/form-data`, or that
    /// does not say what it is.
    MediaType,
    /// No boundary, or one that RFC 2046 §5.1.1 does not allow: 1 to 70 characters of a few kinds.
    Boundary,
    /// More than `max_part_head_bytes` in front of the first boundary.
    Preamble,
    /// More fields than `max_fields`.
    TooManyFields,
    /// A line in the head of a part that is not `name: value` CR LF, or a `Content-Type` twice.
    PartHead,
    /// A head of a part longer than `max_part_head_bytes`.
    PartHeadTooLarge,
    /// More header fields in a part than `max_part_header_fields`.
    TooManyPartHeaderFields,
    /// Not exactly one `Content-Disposition: form-data` with parameters that can be read, each once
    /// (RFC 7578 §4.2).
    Disposition,
    /// A part without a name (RFC 7578 §4.2).
    Nameless,
    /// A name longer than `max_field_name_bytes`.
    NameTooLong,
    /// `filename*` or another parameter in the notation of RFC 8187, which RFC 7578 §4.2 forbids: two
    /// readers could take two names from one part.
    ExtendedParameter,
    /// A multipart within the form (RFC 7578 §4.3 has given them up).
    Nested,
    /// A `Content-Transfer-Encoding` that encodes (RFC 7578 §4.7 has given them up).
    TransferEncoding,
    /// A charset other than UTF-8 and Latin-1.
    Charset,
    /// Text that is not in its charset.
    Text,
    /// A `%` that no two hexadecimal digits follow; refused only where parsing is strict.
    PercentEncoding,
    /// A pair without a name or without `=`; refused only where parsing is strict.
    Pair,
    /// More memory than `max_form_memory_bytes`, for what cannot go to a file.
    Memory,
    /// The body ended before the last boundary.
    CutShort,
}

impl BadForm {
    /// The answer the client gets.
    pub fn status(self) -> Status {
        match self {
            BadForm::MediaType | BadForm::TransferEncoding | BadForm::Charset => {
                Status::UNSUPPORTED_MEDIA_TYPE
            }
            BadForm::TooManyFields | BadForm::Memory => Status::CONTENT_TOO_LARGE,
            BadForm::PartHeadTooLarge | BadForm::TooManyPartHeaderFields | BadForm::NameTooLong => {
                Status::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            _ => Status::BAD_REQUEST,
        }
    }
}

/// Names the thing that is wrong, and the limit where there is one.
impl fmt::Display for BadForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadForm::MediaType => {
                "a form is application/x-www-form-urlencoded or multipart/form-data"
            }
            BadForm::Boundary => "the content-type has no boundary of 1 to 70 allowed characters",
            BadForm::Preamble => {
                "there is more than max_part_head_bytes in front of the first boundary"
            }
            BadForm::TooManyFields => "the form has more fields than max_fields",
            BadForm::PartHead => "a line in the head of a part is not of the form name: value",
            BadForm::PartHeadTooLarge => "the head of a part is longer than max_part_head_bytes",
            BadForm::TooManyPartHeaderFields => {
                "a part has more header fields than max_part_header_fields"
            }
            BadForm::Disposition => "a part has not exactly one content-disposition: form-data",
            BadForm::Nameless => "a part has no name",
            BadForm::NameTooLong => "the name of a field is longer than max_field_name_bytes",
            BadForm::ExtendedParameter => {
                "parameters such as filename* have no place in a form (RFC 7578 section 4.2)"
            }
            BadForm::Nested => "a part of a form cannot be a multipart itself",
            BadForm::TransferEncoding => "a part has a content-transfer-encoding that encodes",
            BadForm::Charset => "the only charsets known here are UTF-8 and ISO-8859-1",
            BadForm::Text => "a text of the form is not in its charset",
            BadForm::PercentEncoding => "a % in the form is not followed by two hexadecimal digits",
            BadForm::Pair => "a field of the form is not of the form name=value",
            BadForm::Memory => "the form needs more memory than max_form_memory_bytes",
            BadForm::CutShort => "the form ended before its last boundary",
        })
    }
}

impl std::error::Error for BadForm {}

/// The refusal's status, with its rule as the explanation.
impl From<BadForm> for HttpError {
    fn from(refused: BadForm) -> HttpError {
        HttpError::new(refused.status()).explain(refused.to_string()).because(refused)
    }
}
