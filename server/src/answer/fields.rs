//! What the header fields of an answer mean to the server, and what may be wrong with them.
//!
//! `head.rs` keeps the bytes; here is what is known of them: which fields a handler has sent
//! itself, which of them frame the answer and are the server's to write, and what a handler can do
//! wrong with a head.

use std::io;

use crate::http::bytes::is_token;
use crate::http::framing::Persistence;
use crate::http::status::{InvalidStatus, Status};
use crate::http_error::HttpError;

/// Fields sent before the status: they go out with whatever answer follows.
#[derive(Default)]
pub(crate) struct EarlyFields {
    pub(crate) lines: Vec<u8>,
    pub(crate) sent: FieldsSent,
}

/// Which fields were sent: a set of names.
#[derive(Clone, Copy, Default)]
pub(crate) struct FieldsSent(u16);

impl FieldsSent {
    pub(crate) fn add(&mut self, name: FieldName) {
        self.0 |= name as u16;
    }

    pub(crate) fn has(self, name: FieldName) -> bool {
        self.0 & name as u16 != 0
    }

    /// Whether the head has to be ended in another way than usual.
    pub(crate) fn is_rare(self) -> bool {
        use FieldName::{Date, Server, Trailer, Upgrade};
        self.0 & (Date as u16 | Server as u16 | Trailer as u16 | Upgrade as u16) != 0
    }

    fn forget(&mut self, name: FieldName) {
        self.0 &= !(name as u16);
    }
}

impl EarlyFields {
    /// Drops the fields that describe a body: another body takes its place.
    pub(crate) fn forget_body(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            if !DESCRIBE_A_BODY.iter().any(|field| name.eq_ignore_ascii_case(field.as_bytes())) {
                self.lines.extend_from_slice(line);
            }
        }
        self.sent.forget(FieldName::ContentType);
    }
}

/// What a field that frames the answer means to the writer.
pub(crate) enum Noted {
    /// `Content-Length`, if it is a number.
    Length(Option<u64>),
    /// `Connection` with nothing but what the server says itself.
    Connection(Persistence),
    /// `Connection` with something else, and perhaps that too; the something may be `upgrade`.
    Options {
        persistence: Option<Persistence>,
        upgrade: bool,
    },
    /// `Connection` with options that exclude each other, or that are none.
    Contradiction,
    TransferEncoding,
}

/// A name of a field, as far as the server cares: one bit each.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum FieldName {
    Other = 0,
    ContentType = 1,
    Date = 2,
    Server = 4,
    Connection = 8,
    ContentLength = 16,
    TransferEncoding = 32,
    Trailer = 64,
    Allow = 128,
    Upgrade = 256,
    /// Not a name, but what `Upgrade` does not go without: `Connection: upgrade`.
    UpgradeOption = 512,
}

impl FieldName {
    /// `None` if it is no name.
    pub(crate) fn new(name: &str) -> Option<FieldName> {
        // As it is usually spelt: nothing more has to be checked.
        if name == "Content-Type" { Some(FieldName::ContentType) } else { FieldName::other(name) }
    }

    #[inline(never)] // a jump by the length, which no processor foresees, and several comparisons
    fn other(name: &str) -> Option<FieldName> {
        Some(match name {
            "Content-Length" => FieldName::ContentLength,
            "Connection" => FieldName::Connection,
            "Server" => FieldName::Server,
            "Date" => FieldName::Date,
            _ if is_token(name.as_bytes()) => FieldName::in_any_spelling(name),
            _ => return None,
        })
    }

    /// Whether it frames the answer: then the server writes it, whoever sends it.
    pub(crate) fn is_framing(self) -> bool {
        use FieldName::{Connection, ContentLength, TransferEncoding};
        matches!(self, Connection | ContentLength | TransferEncoding)
    }

    #[inline(never)] // a comparison takes room, and hardly any is made
    fn in_any_spelling(name: &str) -> FieldName {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is("Date") => FieldName::Date,
            5 if is("Allow") => FieldName::Allow,
            6 if is("Server") => FieldName::Server,
            7 if is("Trailer") => FieldName::Trailer,
            7 if is("Upgrade") => FieldName::Upgrade,
            10 if is("Connection") => FieldName::Connection,
            12 if is("Content-Type") => FieldName::ContentType,
            14 if is("Content-Length") => FieldName::ContentLength,
            17 if is("Transfer-Encoding") => FieldName::TransferEncoding,
            _ => FieldName::Other,
        }
    }
}

/// What the field means with that value.
pub(crate) fn note(name: FieldName, value: &[u8]) -> Noted {
    match name {
        FieldName::Connection => note_connection(value),
        FieldName::ContentLength => {
            let digits = str::from_utf8(value).ok().filter(|text| !text.starts_with('+'));
            Noted::Length(digits.and_then(|digits| digits.parse().ok()))
        }
        FieldName::TransferEncoding => Noted::TransferEncoding,
        _ => Noted::Options { persistence: None, upgrade: false },
    }
}

/// As in Python, `close` and `keep-alive` are meant for the server, which writes the field itself.
fn note_connection(value: &[u8]) -> Noted {
    let (mut close, mut keep_alive, mut upgrade, mut has_others) = (false, false, false, false);
    for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        if option.eq_ignore_ascii_case(b"close") {
            close = true;
        } else if option.eq_ignore_ascii_case(b"keep-alive") {
            keep_alive = true;
        } else if option.is_empty() {
            // RFC 9110 §5.6.1.2: an empty element of a list means nothing.
        } else if is_token(option) && may_be_an_option(option) {
            has_others = true;
            upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        } else {
            return Noted::Contradiction;
        }
    }
    let persistence = match (close, keep_alive) {
        (true, true) => return Noted::Contradiction,
        (true, false) => Some(Persistence::Close),
        (false, true) => Some(Persistence::KeepAlive),
        (false, false) => None,
    };
    match persistence {
        Some(persistence) if !has_others => Noted::Connection(persistence),
        persistence => Noted::Options { persistence, upgrade },
    }
}

/// Whether a field of that name may be left behind at the next hop: what frames, routes or describes
/// an answer may not (RFC 9110 §7.6.1), and a `Content-Length` that one reader drops and the next
/// does not is how answers get mixed up.
fn may_be_an_option(name: &[u8]) -> bool {
    let is = |field: &&str| name.eq_ignore_ascii_case(field.as_bytes());
    !FOR_ALL_HOPS.iter().any(is)
}

/// What a handler may do wrong with a head; reported by `end_headers`.
#[derive(Debug)]
pub(crate) enum Mistake {
    Status(InvalidStatus),
    SecondStatus(Status),
    NoStatus,
    Phrase(Status),
    FieldName(String),
    FieldValue(String),
    TransferEncoding,
    ContentLength,
    Connection,
    UnaskedUpgrade,
    UnnamedUpgrade,
    LengthAndTrailer,
    TrailerField(String),
    UnannouncedTrailer(String),
    LateField(String),
}

impl Mistake {
    pub(crate) fn to_error(&self) -> io::Error {
        let words = match self {
            Mistake::Status(invalid) => invalid.to_string(),
            Mistake::SecondStatus(status) => {
                format!("send_response({status}) after the answer had begun")
            }
            Mistake::NoStatus => "end_headers() before send_response()".to_owned(),
            Mistake::Phrase(status) => format!("the message of {status} has a control character"),
            Mistake::FieldName(name) => format!("{name:?} is not a header field name"),
            Mistake::FieldValue(name) => {
                format!("the value of header field {name} has a control character")
            }
            Mistake::TransferEncoding => {
                "Transfer-Encoding is the server's: write the body, it is chunked where needed"
                    .to_owned()
            }
            Mistake::ContentLength => {
                "Content-Length must be one decimal number, sent once".to_owned()
            }
            Mistake::Connection => "Connection must be a list of options that do not contradict \
                each other, and none of them a field that is for every recipient"
                .to_owned(),
            Mistake::UnaskedUpgrade => {
                "101 to a client that has not asked for it: there is no Upgrade in the request"
                    .to_owned()
            }
            Mistake::UnnamedUpgrade => {
                "101 without Upgrade: send_header(\"Upgrade\", …) names the protocol".to_owned()
            }
            Mistake::LengthAndTrailer => {
                "Trailer announces fields that only a chunked body can have: send no Content-Length"
                    .to_owned()
            }
            Mistake::TrailerField(name) => {
                format!("header field {name} cannot stand behind a body (RFC 9110 §6.5.1)")
            }
            Mistake::UnannouncedTrailer(name) => {
                format!("send_trailer({name:?}) without send_header(\"Trailer\", {name:?}) before")
            }
            Mistake::LateField(name) => {
                format!("header field {name} was sent after end_headers()")
            }
        };
        HttpError::new(Status::INTERNAL_SERVER_ERROR).because(words).into()
    }
}

/// Fields about the body they come with (RFC 9110 §8), which an error page cannot inherit.
const DESCRIBE_A_BODY: [&str; 8] = [
    "Content-Type",
    "Content-Encoding",
    "Content-Language",
    "Content-Location",
    "Content-Range",
    "Content-Disposition",
    "ETag",
    "Last-Modified",
];

/// Fields that no hop may drop.
const FOR_ALL_HOPS: [&str; 12] = [
    "Allow",
    "Cache-Control",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Date",
    "Location",
    "Server",
    "Set-Cookie",
    "Trailer",
    "Transfer-Encoding",
    "Vary",
];
