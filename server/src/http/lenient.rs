//! Heads that are not quite right, for those who have clients that cannot be changed.
//!
//! Nothing here reads a head. What a switch of `Config` forgives is written anew, as the strict head
//! that it stands for, and read like any other: so no two readers here can disagree, a head that
//! needs no forgiveness never comes here, and what no switch forgives is refused as ever. Framing is
//! never forgiven: two readers could disagree about it.

use super::error::BadRequest;
use super::framing::{HostDemand, trim_blanks};

/// What is forgiven; nothing, unless `Config` says so.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leniency {
    pub(crate) bare_lf: bool,
    pub(crate) blanks: bool,
    pub(crate) empty_lines: bool,
    pub(crate) folded_fields: bool,
    pub(crate) http_09: bool,
    pub(crate) missing_host: bool,
}

impl Leniency {
    /// How heads are read unless somebody asks for more.
    #[cfg(any(test, fuzzing))]
    pub(crate) const NONE: Leniency = Leniency {
        bare_lf: false,
        blanks: false,
        empty_lines: false,
        folded_fields: false,
        http_09: false,
        missing_host: false,
    };

    /// Whether a request of HTTP/1.1 has to name its host.
    pub(crate) fn host_demand(self) -> HostDemand {
        if self.missing_host { HostDemand::Optional } else { HostDemand::Required }
    }

    /// Whether a head refused for that could be one that is forgiven.
    pub(crate) fn may_forgive(self, refused: BadRequest) -> bool {
        let is_any =
            self.bare_lf || self.blanks || self.empty_lines || self.folded_fields || self.http_09;
        match refused {
            BadRequest::LineEnd
            | BadRequest::RequestLine
            | BadRequest::Version
            | BadRequest::FieldName
            | BadRequest::FieldValue => is_any,
            // The value may stand in the next line, which was not looked at.
            BadRequest::Host | BadRequest::ContentLength | BadRequest::MisplacedCoding => {
                self.folded_fields
            }
            _ => false,
        }
    }
}

/// A head that stands for the one that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forgiven {
    /// What should have come.
    pub(crate) strict: Vec<u8>,
    /// How many bytes came in its place.
    pub(crate) len: usize,
    /// It is a request line of HTTP/0.9, and nothing else.
    pub(crate) is_old: bool,
}

/// How far a head has been looked through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LenientScan {
    /// Where the request line begins.
    start: usize,
    /// Where the line under way begins.
    line: usize,
    /// Bytes in which every line end has been seen.
    looked: usize,
}

impl LenientScan {
    /// Looks for the end of the head that `bytes` begin with; they may grow between calls.
    ///
    /// `None`: it has not come.
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        leniency: Leniency,
    ) -> Result<Option<Forgiven>, BadRequest> {
        let behind = self.looked;
        for offset in memchr::memchr_iter(b'\n', bytes.get(behind..).unwrap_or_default()) {
            let end = behind + offset;
            let is_request_line = self.line == self.start;
            let line = line(&bytes[self.line..end], leniency)?;
            self.line = end + 1;
            match (is_request_line, line.is_empty()) {
                (true, true) if leniency.empty_lines => self.start = self.line,
                (true, true) => return Err(BadRequest::RequestLine),
                (true, false) if leniency.http_09 && is_old(line, leniency) => {
                    let strict = [&words(line, leniency).join(&b' ')[..], b"\r\n"].concat();
                    return Ok(Some(Forgiven { strict, len: self.line, is_old: true }));
                }
                (false, true) => {
                    let strict = strict(&bytes[self.start..self.line], leniency)?;
                    return Ok(Some(Forgiven { strict, len: self.line, is_old: false }));
                }
                (_, false) => {}
            }
        }
        self.looked = bytes.len();
        Ok(None)
    }
}

/// A line without its end.
fn line(bytes: &[u8], leniency: Leniency) -> Result<&[u8], BadRequest> {
    match bytes.strip_suffix(b"\r") {
        Some(line) => Ok(line),
        None if leniency.bare_lf => Ok(bytes),
        None => Err(BadRequest::LineEnd),
    }
}

/// `GET` and a target, and no version (RFC 1945 §4.1).
fn is_old(line: &[u8], leniency: Leniency) -> bool {
    matches!(words(line, leniency)[..], [b"GET", target] if !target.is_empty())
}

/// The words of a request line, between single spaces or any blanks (RFC 9112 §3).
fn words(line: &[u8], leniency: Leniency) -> Vec<&[u8]> {
    let words = line.split(|byte| *byte == b' ' || (leniency.blanks && *byte == b'\t'));
    words.filter(|word| !leniency.blanks || !word.is_empty()).collect()
}

/// The whole `head` as it should have come.
fn strict(head: &[u8], leniency: Leniency) -> Result<Vec<u8>, BadRequest> {
    let mut strict = Vec::with_capacity(head.len() + 16);
    for (number, bytes) in head.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let line = line(bytes.strip_suffix(b"\n").unwrap_or(bytes), leniency)?;
        match number {
            0 => strict.extend_from_slice(&words(line, leniency).join(&b' ')),
            // RFC 9112 §5.2: a fold is a blank. In front of the first field it is something else.
            2.. if leniency.folded_fields && matches!(line, [b' ' | b'\t', ..]) => {
                strict.truncate(strict.len() - 2);
                strict.push(b' ');
                strict.extend_from_slice(trim_blanks(line));
            }
            _ => strict.extend_from_slice(line),
        }
        strict.extend_from_slice(b"\r\n");
    }
    Ok(strict)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Leniency = Leniency::NONE;
    const ALL: Leniency = Leniency {
        bare_lf: true,
        blanks: true,
        empty_lines: true,
        folded_fields: true,
        http_09: true,
        missing_host: true,
    };

    /// What becomes of `text`, delivered at once, byte by byte and cut at each place.
    fn forgiven(text: &str, leniency: Leniency) -> Result<Option<(String, usize)>, BadRequest> {
        let bytes = text.as_bytes();
        let read = |steps: &[usize]| {
            let mut scan = LenientScan::default();
            for step in steps {
                if let Some(forgiven) = scan.read(&bytes[..*step], leniency)? {
                    let strict = String::from_utf8(forgiven.strict).unwrap();
                    assert_eq!(forgiven.is_old, !strict.contains("HTTP/"));
                    return Ok(Some((strict, forgiven.len)));
                }
            }
            Ok(None)
        };
        let at_once = read(&[bytes.len()]);
        assert_eq!(read(&(1..=bytes.len()).collect::<Vec<_>>()), at_once, "byte by byte");
        for cut in 1..bytes.len() {
            assert_eq!(read(&[cut, bytes.len()]), at_once, "cut at {cut}");
        }
        at_once
    }

    #[test]
    fn each_switch_forgives_one_thing() {
        let bare_lf = Leniency { bare_lf: true, ..NONE };
        let blanks = Leniency { blanks: true, ..NONE };
        let empty_lines = Leniency { empty_lines: true, ..NONE };
        let folded_fields = Leniency { folded_fields: true, ..NONE };
        let http_09 = Leniency { http_09: true, ..NONE };
        for (switch, text, strict) in [
            (bare_lf, "GET / HTTP/1.1\nA: b\n\n", "GET / HTTP/1.1\r\nA: b\r\n\r\n"),
            (bare_lf, "GET / HTTP/1.1\r\nA: b\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n\r\n"),
            (blanks, " GET \t/  HTTP/1.1\t\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"),
            (empty_lines, "\r\n\r\nGET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"),
            (
                folded_fields,
                "GET / HTTP/1.1\r\nA: b\r\n\t c \r\n d\r\nE: f\r\n\r\n",
                "GET / HTTP/1.1\r\nA: b c d\r\nE: f\r\n\r\n",
            ),
            (http_09, "GET /a\r\n", "GET /a\r\n"),
        ] {
            let expected = Ok(Some((strict.to_owned(), text.len())));
            assert_eq!(forgiven(text, switch), expected, "{text:?}");
            // What follows is not looked at.
            let with_more = text.to_owned() + "more";
            assert_eq!(forgiven(&with_more, switch), expected, "{text:?}");
            assert_eq!(forgiven(text, ALL), expected, "{text:?}");
            assert!(forgiven(text, NONE) != expected || text == strict, "{text:?}");
            assert!(switch.may_forgive(BadRequest::RequestLine));
        }
    }

    #[test]
    fn what_is_not_forgiven_stays_as_it_is_or_is_refused() {
        for (leniency, text, expected) in [
            (NONE, "GET / HTTP/1.1\n\n", Err(BadRequest::LineEnd)),
            (NONE, "\r\nGET / HTTP/1.1\r\n\r\n", Err(BadRequest::RequestLine)),
            (NONE, " GET  / HTTP/1.1\r\n\r\n", Ok(" GET  / HTTP/1.1\r\n\r\n")),
            (
                NONE,
                "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
                Ok("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"),
            ),
            (ALL, "GET / HTTP/1.1\r\n A: b\r\n\r\n", Ok("GET / HTTP/1.1\r\n A: b\r\n\r\n")),
            (ALL, "GET / HTTP/1.1\r\nA : b\r\n\r\n", Ok("GET / HTTP/1.1\r\nA : b\r\n\r\n")),
            (ALL, "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", Ok("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n")),
            (
                ALL,
                "GET / HTTP/1.1\r\nA: b\r\n \rc\x0c\r\r\n\r\n",
                Ok("GET / HTTP/1.1\r\nA: b \rc\x0c\r\r\n\r\n"),
            ),
            (ALL, "POST /a\r\n\r\n", Ok("POST /a\r\n\r\n")),
        ] {
            let found = match LenientScan::default().read(text.as_bytes(), leniency) {
                Ok(Some(forgiven)) => Ok(String::from_utf8(forgiven.strict).unwrap()),
                Ok(None) => panic!("{text:?} is not seen to end"),
                Err(refused) => Err(refused),
            };
            assert_eq!(found, expected.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn limits_and_framing_are_never_forgiven() {
        for refused in [
            BadRequest::HeadTooLarge,
            BadRequest::TooManyFields,
            BadRequest::TargetTooLong,
            BadRequest::AmbiguousBody,
            BadRequest::TransferCoding,
        ] {
            assert!(!ALL.may_forgive(refused), "{refused:?}");
        }
        // Of a folded field only the first line has been read: all of it is read again.
        let no_folds = Leniency { folded_fields: false, ..ALL };
        for refused in [BadRequest::Host, BadRequest::ContentLength, BadRequest::MisplacedCoding] {
            assert!(!no_folds.may_forgive(refused) && ALL.may_forgive(refused), "{refused:?}");
        }
        assert!(!NONE.may_forgive(BadRequest::LineEnd));
        assert!(!Leniency { missing_host: true, ..NONE }.may_forgive(BadRequest::LineEnd));
    }
}
