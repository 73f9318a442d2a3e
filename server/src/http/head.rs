//! The request line and the header fields (RFC 9112 §2 to §5).
//!
//! Two steps. [`HeadScan`] looks for the blank line and remembers how far it looked, so that a head
//! that arrives byte by byte costs linear time; it also insists on CR LF. [`RequestHead::parse`]
//! then reads a complete head once, with our own eyes for the request line and those of `httparse`
//! for the fields, and keeps only where things are: nothing is copied.

use std::ops::Range;

use httparse::{EMPTY_HEADER, Status};

use super::error::BadRequest;
use super::framing::{self, Framing};
use super::headers::Headers;
use super::target::{self, Form};
use super::version::Version;

/// How much of a head is bearable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadLimits {
    pub(crate) head_bytes: usize,
    pub(crate) target_bytes: usize,
    pub(crate) fields: usize,
}

/// How far a head has been looked at while it arrives.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeadScan {
    /// Bytes in which every line end has been seen.
    looked: usize,
    /// Where the line under way begins.
    line: usize,
    /// Lines seen, the request line among them.
    lines: usize,
    /// Length of the request line without its end, once it is complete.
    request_line: usize,
}

/// A head that is complete: its length in bytes with the blank line, and its shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadExtent {
    pub(crate) len: usize,
    request_line: usize,
    fields: usize,
}

impl HeadScan {
    /// Looks for the blank line in `bytes`, which begin where a head begins and grow between calls.
    ///
    /// `None`: right so far, but the head is not complete.
    pub(crate) fn find_end(
        &mut self,
        bytes: &[u8],
        limits: HeadLimits,
    ) -> Result<Option<HeadExtent>, BadRequest> {
        while let Some(offset) = memchr::memchr(b'\n', &bytes[self.looked..]) {
            let end = self.looked + offset;
            let line = bytes[self.line..end].strip_suffix(b"\r").ok_or(BadRequest::LineEnd)?;
            self.looked = end + 1;
            if self.lines == 0 {
                self.request_line = line.len();
            } else if line.is_empty() {
                return self.end(limits).map(Some);
            } else if self.lines > limits.fields {
                return Err(BadRequest::TooManyFields);
            }
            self.lines += 1;
            self.line = self.looked;
        }
        self.looked = bytes.len();
        self.refuse_early(bytes, limits)?;
        Ok(None)
    }

    fn end(&self, limits: HeadLimits) -> Result<HeadExtent, BadRequest> {
        if self.looked > limits.head_bytes {
            return Err(BadRequest::HeadTooLarge);
        }
        Ok(HeadExtent { len: self.looked, request_line: self.request_line, fields: self.lines - 1 })
    }

    /// What can be said before the head is complete: a peer that speaks no HTTP, or does not stop.
    fn refuse_early(&self, bytes: &[u8], limits: HeadLimits) -> Result<(), BadRequest> {
        if bytes.first().is_some_and(|byte| !is_tchar(*byte)) {
            return Err(BadRequest::RequestLine);
        }
        if self.lines == 0 && bytes.len() > limits.target_bytes + AROUND_TARGET {
            // Without a blank so far it is the method that does not end.
            let is_target = memchr::memchr(b' ', &bytes[..MAX_METHOD + 1]).is_some();
            return Err(if is_target { BadRequest::TargetTooLong } else { BadRequest::Method });
        }
        if bytes.len() >= limits.head_bytes {
            return Err(BadRequest::HeadTooLarge);
        }
        Ok(())
    }
}

/// What a head says, as places in the bytes it was read from.
#[derive(Debug)]
pub(crate) struct RequestHead {
    /// Bytes of the whole head, the blank line included.
    pub(crate) len: usize,
    request_line: usize,
    method: usize,
    target: Range<usize>,
    pub(crate) version: Version,
    pub(crate) framing: Framing,
    /// The head as text, where it is not UTF-8.
    latin_1: Option<Box<str>>,
}

/// A head as a handler sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadView<'a> {
    pub(crate) requestline: &'a str,
    pub(crate) command: &'a str,
    pub(crate) path: &'a str,
    pub(crate) version: Version,
    pub(crate) headers: Headers<'a>,
}

impl RequestHead {
    /// Reads the head that `extent` found at the front of `bytes`.
    pub(crate) fn parse(
        bytes: &[u8],
        extent: HeadExtent,
        limits: HeadLimits,
    ) -> Result<RequestHead, BadRequest> {
        let head = bytes.get(..extent.len).ok_or(BadRequest::RequestLine)?;
        let line = RequestLine::parse(&head[..extent.request_line], limits)?;
        let fields = &head[extent.request_line + 2..];
        let framing = if extent.fields <= FEW_FIELDS {
            frame(line.version, fields, &mut [EMPTY_HEADER; FEW_FIELDS])
        } else {
            // The lines have been counted: this is as much as was received, not announced.
            frame(line.version, fields, &mut vec![EMPTY_HEADER; extent.fields])
        }?;
        let latin_1 = match str::from_utf8(head) {
            Ok(_) => None,
            Err(_) => Some(text_of(head)),
        };
        Ok(RequestHead {
            len: extent.len,
            request_line: extent.request_line,
            method: line.method,
            target: line.target,
            version: line.version,
            framing,
            latin_1,
        })
    }

    /// The parts of the head, as slices of the `bytes` it was parsed from.
    pub(crate) fn view<'a>(&'a self, bytes: &'a [u8]) -> HeadView<'a> {
        let head = &bytes[..self.len];
        let text = match &self.latin_1 {
            Some(text) => text,
            // Checked when it was parsed; the bytes have not changed since.
            None => str::from_utf8(head).unwrap_or_default(),
        };
        let fields = self.request_line + 2;
        HeadView {
            requestline: &text[..self.request_line],
            command: &text[..self.method],
            path: &text[self.target.clone()],
            version: self.version,
            // Without the blank line.
            headers: Headers::new(&head[fields..self.len - 2], &text[fields..text.len() - 2]),
        }
    }
}

fn frame<'b>(
    version: Version,
    fields: &'b [u8],
    slots: &mut [httparse::Header<'b>],
) -> Result<Framing, BadRequest> {
    match httparse::parse_headers(fields, slots) {
        Ok(Status::Complete((len, fields_found))) if len == fields.len() => {
            framing::frame(version, fields_found)
        }
        Ok(_) => Err(BadRequest::FieldName),
        Err(httparse::Error::TooManyHeaders) => Err(BadRequest::TooManyFields),
        Err(httparse::Error::HeaderValue) => Err(BadRequest::FieldValue),
        Err(httparse::Error::NewLine) => Err(BadRequest::LineEnd),
        Err(_) => Err(BadRequest::FieldName),
    }
}

/// `method SP request-target SP HTTP-version`: single spaces, nothing around them.
struct RequestLine {
    method: usize,
    target: Range<usize>,
    version: Version,
}

impl RequestLine {
    fn parse(line: &[u8], limits: HeadLimits) -> Result<RequestLine, BadRequest> {
        let method = memchr::memchr(b' ', line).ok_or(BadRequest::RequestLine)?;
        if method == 0 {
            return Err(BadRequest::RequestLine);
        }
        if method > MAX_METHOD || !line[..method].iter().copied().all(is_tchar) {
            return Err(BadRequest::Method);
        }
        let rest = &line[method + 1..];
        let length = memchr::memchr(b' ', rest).ok_or(BadRequest::RequestLine)?;
        if length == 0 {
            return Err(BadRequest::RequestLine);
        }
        if length > limits.target_bytes {
            return Err(BadRequest::TargetTooLong);
        }
        let version = Version::parse(&rest[length + 1..]).ok_or(BadRequest::Version)?;
        match version.major() {
            0 => return Err(BadRequest::Version),
            1 => {}
            _ => return Err(BadRequest::UnsupportedVersion),
        }
        let form = target::classify(&line[..method], &rest[..length]).ok_or(BadRequest::Target)?;
        // As Python since 3.11: a path of `//host/…` must never end up as a link to another host.
        let doubled = match form {
            Form::Origin => rest.iter().take_while(|byte| **byte == b'/').count() - 1,
            _ => 0,
        };
        let start = method + 1;
        Ok(RequestLine { method, target: start + doubled..start + length, version })
    }
}

/// The head with each line as UTF-8 where it is, else as Latin-1.
fn text_of(head: &[u8]) -> Box<str> {
    let lines = head.split_inclusive(|byte| *byte == b'\n');
    lines
        .flat_map(|line| match str::from_utf8(line) {
            Ok(text) => text.chars().collect::<Vec<_>>(),
            Err(_) => line.iter().copied().map(char::from).collect(),
        })
        .collect::<String>()
        .into_boxed_str()
}

/// What a method and a field name are made of (RFC 9110 §5.6.2).
pub(crate) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Longer than any method there is; Python reads up to 64 KiB of one.
const MAX_METHOD: usize = 32;

/// Method, two spaces and the version.
const AROUND_TARGET: usize = MAX_METHOD + 2 + 8;

/// Fields for which there is room without asking for memory; browsers send about fifteen.
const FEW_FIELDS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::framing::{BodyLength, Persistence};

    const LIMITS: HeadLimits = HeadLimits { head_bytes: 2048, target_bytes: 100, fields: 50 };

    type Read = Result<Option<(String, String, String, usize)>, BadRequest>;

    fn read(scan: &mut HeadScan, bytes: &[u8]) -> Read {
        let Some(extent) = scan.find_end(bytes, LIMITS)? else { return Ok(None) };
        let head = RequestHead::parse(bytes, extent, LIMITS)?;
        let view = head.view(bytes);
        Ok(Some((view.command.into(), view.path.into(), format!("{:?}", view.headers), head.len)))
    }

    /// Delivers `bytes` in every way a network may (at once, byte by byte, cut at each place) and
    /// insists that the same head, or the same refusal, comes out.
    fn delivered(bytes: &[u8]) -> Read {
        let at_once = read(&mut HeadScan::default(), bytes);
        let mut scan = HeadScan::default();
        let by_byte = (1..=bytes.len())
            .map(|len| read(&mut scan, &bytes[..len]))
            .find(|answer| !matches!(answer, Ok(None)))
            .unwrap_or(Ok(None));
        assert_eq!(by_byte, at_once, "byte by byte: {:?}", bytes.escape_ascii().to_string());
        for cut in 1..bytes.len() {
            let mut scan = HeadScan::default();
            let answer = match read(&mut scan, &bytes[..cut]) {
                Ok(None) => read(&mut scan, bytes),
                early => early,
            };
            assert_eq!(answer, at_once, "cut at {cut}");
        }
        at_once
    }

    fn refusal(text: &str) -> Option<BadRequest> {
        delivered(text.as_bytes()).err()
    }

    #[test]
    fn a_head_is_read_in_place() {
        let bytes = b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-A:  1 \r\n\r\nrest";
        let (command, path, headers, len) = delivered(bytes).unwrap().unwrap();
        assert_eq!((command.as_str(), path.as_str(), len), ("GET", "/a?b=c", bytes.len() - 4));
        assert_eq!(headers, r#"{"Host": "x", "X-A": "1"}"#);
    }

    #[test]
    fn an_incomplete_head_is_neither_read_nor_refused() {
        for text in
            ["G", "GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost: x", "GET / HTTP/1.1\r\nHost: x\r\n\r"]
        {
            assert_eq!(delivered(text.as_bytes()), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn a_request_line_is_three_words_and_two_spaces() {
        use BadRequest::*;
        for (line, expected) in [
            ("GET / HTTP/1.1", None),
            ("GET / HTTP/1.7", None),
            ("PROPFIND /x HTTP/1.0", None),
            ("M-SEARCH * HTTP/1.1", Some(Target)),
            ("OPTIONS * HTTP/1.1", None),
            ("get / HTTP/1.1", None),
            ("GET /", Some(RequestLine)),
            ("GET", Some(RequestLine)),
            ("", Some(RequestLine)),
            (" GET / HTTP/1.1", Some(RequestLine)),
            ("GET  / HTTP/1.1", Some(RequestLine)),
            ("GET /  HTTP/1.1", Some(Version)),
            ("GET / HTTP/1.1 ", Some(Version)),
            ("GET\t/ HTTP/1.1", Some(Method)),
            ("GET / x HTTP/1.1", Some(Version)),
            ("GET / http/1.1", Some(Version)),
            ("GET / HTTP/11", Some(Version)),
            ("GET / HTTP/2.0", Some(UnsupportedVersion)),
            ("GET / HTTP/0.9", Some(Version)),
            ("G(T / HTTP/1.1", Some(Method)),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", Some(Method)),
            ("GET /\u{7f} HTTP/1.1", Some(Target)),
            ("GET /\r HTTP/1.1", Some(Target)),
            ("GET /\0 HTTP/1.1", Some(Target)),
        ] {
            let text = format!("{line}\r\nHost: x\r\n\r\n");
            let found = delivered(text.as_bytes()).err();
            // A line that ends early may be refused for its first word or for its shape.
            let same = found == expected || (line.contains('\t') && found == Some(RequestLine));
            assert!(same, "{line:?}: {found:?}, not {expected:?}");
        }
    }

    #[test]
    fn fields_are_name_colon_value_and_nothing_else() {
        use BadRequest::*;
        for (field, expected) in [
            ("A: b", None),
            ("A:b", None),
            ("A: caf\u{e9}", None),
            ("A:", None),
            ("A : b", Some(FieldName)),
            ("A", Some(FieldName)),
            (": b", Some(FieldName)),
            (" A: b", Some(FieldName)),
            ("A: b\r\n folded", Some(FieldName)),
            ("A: b\r\n\tfolded", Some(FieldName)),
            ("A(: b", Some(FieldName)),
            ("A: \0", Some(FieldValue)),
            ("A: \u{1}", Some(FieldValue)),
            ("A: b\rc", Some(FieldValue)),
            ("A: b\nB: c", Some(LineEnd)),
            ("A: \u{7f}", Some(FieldValue)),
        ] {
            let text = format!("GET / HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n");
            assert_eq!(refusal(&text), expected, "{field:?}");
        }
    }

    #[test]
    fn a_line_ends_in_cr_lf() {
        assert_eq!(refusal("GET / HTTP/1.1\nHost: x\r\n\r\n"), Some(BadRequest::LineEnd));
        assert_eq!(refusal("GET / HTTP/1.1\r\nHost: x\r\n\n"), Some(BadRequest::LineEnd));
        assert_eq!(refusal("GET / HTTP/1.1\r\nHost: x\n\n"), Some(BadRequest::LineEnd));
    }

    #[test]
    fn what_is_not_http_is_refused_before_its_first_line_ends() {
        assert_eq!(refusal("\u{16}\u{3}\u{1}"), Some(BadRequest::RequestLine));
        assert_eq!(refusal(" "), Some(BadRequest::RequestLine));
    }

    #[test]
    fn limits_are_kept_while_the_head_arrives() {
        let endless_method = "A".repeat(300);
        assert_eq!(read_once(&endless_method), Some(BadRequest::Method));
        let endless_target = format!("GET /{}", "a".repeat(300));
        assert_eq!(read_once(&endless_target), Some(BadRequest::TargetTooLong));
        let long_target = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100));
        assert_eq!(read_once(&long_target), Some(BadRequest::TargetTooLong));
        let endless_field = format!("GET / HTTP/1.1\r\nA: {}", "b".repeat(2048));
        assert_eq!(read_once(&endless_field), Some(BadRequest::HeadTooLarge));
        let large = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "b".repeat(2048));
        assert_eq!(read_once(&large), Some(BadRequest::HeadTooLarge));
        let many = |n| format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(n));
        assert_eq!(read_once(&many(49)), None);
        assert_eq!(read_once(&many(50)), Some(BadRequest::TooManyFields));
    }

    fn read_once(text: &str) -> Option<BadRequest> {
        read(&mut HeadScan::default(), text.as_bytes()).err()
    }

    #[test]
    fn a_head_that_is_not_utf_8_is_latin_1_line_by_line() {
        let bytes = b"GET / HTTP/1.1\r\nHost: x\r\nA: caf\xe9\r\nB: caf\xc3\xa9\r\n\r\n";
        let mut scan = HeadScan::default();
        let extent = scan.find_end(bytes, LIMITS).unwrap().unwrap();
        let head = RequestHead::parse(bytes, extent, LIMITS).unwrap();
        let headers = head.view(bytes).headers;
        assert_eq!(headers.get("a"), Some("caf\u{e9}"));
        assert_eq!(headers.get("b"), Some("caf\u{e9}"));
        assert_eq!(headers.get_bytes("a"), Some(&b"caf\xe9"[..]));
    }

    #[test]
    fn doubled_slashes_at_the_front_of_a_path_are_one() {
        let bytes = b"GET ///evil.example/%2f.. HTTP/1.1\r\nHost: x\r\n\r\n";
        let (_, path, _, _) = delivered(bytes).unwrap().unwrap();
        assert_eq!(path, "/evil.example/%2f..");
    }

    #[test]
    fn framing_is_decided_with_the_head() {
        let bytes = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n";
        let extent = HeadScan::default().find_end(bytes, LIMITS).unwrap().unwrap();
        let framing = RequestHead::parse(bytes, extent, LIMITS).unwrap().framing;
        assert_eq!(framing.body, BodyLength::Known(5));
        assert_eq!(framing.persistence, Persistence::Close);
    }
}
