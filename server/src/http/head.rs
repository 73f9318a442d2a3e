//! The request line and the header fields (RFC 9112 §2 to §5).
//!
//! A head that is all there, as nearly all are, is read at first sight: by `httparse`, in place,
//! once. One that is not is only looked through for its blank line, from where the last look ended,
//! so that a head delivered byte by byte costs linear time; then it is read like any other. What
//! `httparse` forgives is refused here: line ends without CR, targets with odd bytes.
//!
//! What is kept of a head is where its parts are: nothing is copied.

use std::mem::MaybeUninit;

use httparse::{Header, Status};

use super::bytes::{is_all_target, is_tchar};
use super::error::BadRequest;
use super::framing::{self, BodyLength, Framing};
use super::headers::Headers;
use super::lenient::Leniency;
use super::target::{self, Form};
use super::version::Version;

/// How much of a head is bearable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadLimits {
    pub(crate) head_bytes: usize,
    pub(crate) target_bytes: usize,
    pub(crate) fields: usize,
    /// Used where a head is not right; a sound one costs nothing.
    pub(crate) leniency: Leniency,
    /// A body that is announced as longer is not waited for.
    pub(crate) body_bytes: u64,
}

/// How far a head that is not all there has been looked through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeadScan {
    /// Bytes in which every line end has been seen; 0 before the first look.
    looked: usize,
    /// Where the line under way begins.
    line: usize,
}

impl HeadScan {
    /// Reads the head that `bytes` begin with into `head`; they may grow between calls.
    ///
    /// False: right so far, but the head is not complete.
    #[inline(always)] // one step of a way that every request goes
    pub(crate) fn read(
        &mut self,
        head: &mut RequestHead,
        bytes: &mut [u8],
        limits: &HeadLimits,
    ) -> Result<bool, BadRequest> {
        if self.looked == 0 {
            if bytes.first().is_some_and(|byte| !is_tchar(*byte)) {
                return Err(BadRequest::RequestLine);
            }
            if head.read(bytes, limits)? {
                return Ok(true);
            }
        }
        let is_line_new = self.looked > 0 && self.line == 0;
        if self.find_blank_line(bytes)? {
            return if head.read(bytes, limits)? { Ok(true) } else { Err(BadRequest::RequestLine) };
        }
        if is_line_new && self.line > 0 {
            // What is wrong with the request line need not wait for the end of the head.
            head.read(bytes, limits)?;
        }
        self.check_growth(bytes, limits)?;
        Ok(false)
    }

    fn find_blank_line(&mut self, bytes: &[u8]) -> Result<bool, BadRequest> {
        let start = self.looked;
        #[cfg(test)]
        tests::count(bytes.len() - start);
        for offset in memchr::memchr_iter(b'\n', &bytes[start..]) {
            let end = start + offset;
            let line = bytes[self.line..end].strip_suffix(b"\r").ok_or(BadRequest::LineEnd)?;
            self.line = end + 1;
            // The first line is not empty: it begins as a method does.
            if line.is_empty() {
                return Ok(true);
            }
        }
        self.looked = bytes.len();
        Ok(false)
    }

    /// What can be said of a head before it is complete: that it does not stop.
    fn check_growth(&self, bytes: &[u8], limits: &HeadLimits) -> Result<(), BadRequest> {
        if self.line == 0 && bytes.len() > limits.target_bytes.saturating_add(AROUND_TARGET) {
            // Without a blank so far it is the method that does not end.
            let is_target = bytes.iter().take(MAX_METHOD + 1).any(|byte| *byte == b' ');
            return Err(if is_target {
                BadRequest::TargetTooLong
            } else {
                BadRequest::MethodTooLong
            });
        }
        if bytes.len() >= limits.head_bytes { Err(BadRequest::HeadTooLarge) } else { Ok(()) }
    }
}

/// What a head says, as places in the bytes it was read from. Small, since it is handed on a lot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestHead {
    len: u32,
    request_line: u32,
    target_start: u32,
    target_end: u32,
    method: u8,
    pub(crate) version: Version,
    pub(crate) framing: Framing,
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
    /// Reads the head at the front of `bytes`; false, and nothing is changed, if it is not complete.
    ///
    /// Into its place, since moving something so small and so mixed takes longer than making it.
    fn read(&mut self, bytes: &mut [u8], limits: &HeadLimits) -> Result<bool, BadRequest> {
        #[cfg(test)]
        tests::count(bytes.len());
        match self.read_known_version(bytes, limits) {
            Ok(is_complete) => Ok(is_complete),
            Err(Unread::Refused(refused)) => Err(refused),
            Err(Unread::Version) => self.read_later_minor(bytes, limits),
        }
    }

    #[inline(always)] // one step of a way that every request goes
    fn read_known_version(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<bool, Unread> {
        let mut slots = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
        match self.read_with(&mut slots, bytes, limits) {
            Err(Unread::Refused(BadRequest::TooManyFields)) => self.read_many_fields(bytes, limits),
            result => result,
        }
    }

    #[cold]
    fn read_many_fields(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<bool, Unread> {
        // As much as has been received, not as much as was announced.
        let lines = memchr::memchr_iter(b'\n', bytes).count();
        let mut slots = vec![MaybeUninit::uninit(); lines.min(limits.fields)];
        self.read_with(&mut slots, bytes, limits)
    }

    fn read_with<'b>(
        &mut self,
        slots: &mut [MaybeUninit<Header<'b>>],
        bytes: &'b [u8],
        limits: &HeadLimits,
    ) -> Result<bool, Unread> {
        let mut request = httparse::Request::new(&mut []);
        let len = match request.parse_with_uninit_headers(bytes, slots) {
            Ok(Status::Complete(len)) => len,
            Ok(Status::Partial) => return Ok(false),
            Err(error) => return Err(why_unread(error)),
        };
        let (Some(method), Some(target), Some(minor)) =
            (request.method, request.path, request.version)
        else {
            return Err(BadRequest::RequestLine.into());
        };
        let version = if minor == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
        let request_line = method.len() + 1 + target.len() + 1 + "HTTP/1.1".len();
        check_line_ends(bytes, request_line, request.headers, len)?;
        check_size(method, target, len, request.headers.len(), limits)?;
        let form = target::classify(method.as_bytes(), target.as_bytes());
        let start = method.len() + 1;
        let path = match form.filter(|_| is_all_target(target.as_bytes())) {
            None => return Err(BadRequest::Target.into()),
            // As Python since 3.11: `//host/…` must never end up as a link to another host.
            Some(Form::Origin) => {
                let slashes = target.bytes().take_while(|byte| *byte == b'/').count();
                start + slashes - 1
            }
            Some(_) => start,
        };
        let host = limits.leniency.host_demand();
        let framing = framing::frame(version, request.headers, host)?;
        // What follows is the body to one reader, and the tunnel to the other (RFC 9110 §9.3.6).
        if form == Some(Form::Authority) && framing.body != BodyLength::Empty {
            return Err(BadRequest::AmbiguousBody.into());
        }
        // `check_size` has seen to it that these fit.
        *self = RequestHead {
            len: len as u32,
            request_line: request_line as u32,
            target_start: path as u32,
            target_end: (start + target.len()) as u32,
            method: method.len() as u8,
            version,
            framing,
        };
        Ok(true)
    }

    /// Reads a head of HTTP/1.2 to HTTP/1.9 as one of HTTP/1.1 (RFC 9110 §2.5), which `httparse`
    /// will not: for as long as it looks, the version is the one it knows.
    #[cold]
    fn read_later_minor(
        &mut self,
        bytes: &mut [u8],
        limits: &HeadLimits,
    ) -> Result<bool, BadRequest> {
        let Some(end) = memchr::memchr2(b'\r', b'\n', bytes) else { return Ok(false) };
        let version = end.checked_sub(8).and_then(|start| Version::parse(&bytes[start..end]));
        let version = version.ok_or(BadRequest::Version)?;
        match version.major() {
            1 => {}
            0 => return Err(BadRequest::Version),
            _ => return Err(BadRequest::UnsupportedVersion),
        }
        let minor = std::mem::replace(&mut bytes[end - 1], b'1');
        let is_complete = self.read_known_version(bytes, limits);
        bytes[end - 1] = minor;
        match is_complete {
            Ok(true) => {
                self.version = version;
                Ok(true)
            }
            Ok(false) => Ok(false),
            Err(Unread::Refused(refused)) => Err(refused),
            Err(Unread::Version) => Err(BadRequest::Version),
        }
    }

    /// Reads `line`, a request line of HTTP/0.9 with its line end: `GET`, a target, and nothing else.
    pub(crate) fn parse_old(line: &[u8], limits: &HeadLimits) -> Result<RequestHead, BadRequest> {
        let target = line.get(4..line.len().saturating_sub(2)).unwrap_or_default();
        if target.len() > limits.target_bytes {
            return Err(BadRequest::TargetTooLong);
        }
        let slashes = match target::classify(b"GET", target).filter(|_| is_all_target(target)) {
            None => return Err(BadRequest::Target),
            Some(Form::Origin) => target.iter().take_while(|byte| **byte == b'/').count() - 1,
            Some(_) => 0,
        };
        let len = u32::try_from(line.len()).map_err(|_| BadRequest::HeadTooLarge)?;
        Ok(RequestHead {
            len,
            request_line: len - 2,
            target_start: 4 + slashes as u32,
            target_end: len - 2,
            method: 3,
            version: Version::HTTP_09,
            framing: Framing::NONE,
        })
    }

    /// What there is before the first head.
    pub(crate) const NONE: RequestHead = RequestHead {
        len: 0,
        request_line: 0,
        target_start: 0,
        target_end: 0,
        method: 0,
        version: Version::HTTP_11,
        framing: Framing::NONE,
    };

    /// Bytes of the whole head, the blank line included.
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// The parts of a head: slices of its bytes.
    ///
    /// Where they are not UTF-8, a place is needed for the text of its fields.
    #[inline(always)] // a view is better made in its place than moved there
    pub(crate) fn view<'a>(
        &self,
        head: &'a [u8],
        other_text: &'a mut Option<Box<str>>,
    ) -> Option<HeadView<'a>> {
        let (line, rest) = head.split_at_checked(self.request_line as usize)?;
        // Without the line ends around them; HTTP/0.9 has only one.
        let fields = rest.get(2..rest.len().saturating_sub(2).max(2))?;
        // All at once is quicker than a request line alone, which is short and ends anywhere.
        let (requestline, other_text) = match str::from_utf8(head) {
            Ok(text) => (text.get(..line.len())?, None),
            Err(_) => (str::from_utf8(line).ok()?, Some(&**other_text.insert(text_of(fields)))),
        };
        let (before_version, _) = requestline.split_at_checked(self.target_end as usize)?;
        Some(HeadView {
            requestline,
            command: before_version.get(..usize::from(self.method))?,
            path: before_version.get(self.target_start as usize..)?,
            version: self.version,
            headers: Headers::new(fields, other_text),
        })
    }
}

/// The text of fields that are not UTF-8: each line as UTF-8 where it is valid, else as Latin-1.
#[cold]
pub(crate) fn text_of(fields: &[u8]) -> Box<str> {
    let lines = fields.split_inclusive(|byte| *byte == b'\n');
    let text: String = lines
        .flat_map(|line| match str::from_utf8(line) {
            Ok(text) => text.chars().collect::<Vec<_>>(),
            Err(_) => line.iter().copied().map(char::from).collect(),
        })
        .collect();
    text.into_boxed_str()
}

/// Why a head was not read.
enum Unread {
    /// Its version is not HTTP/1.0 or HTTP/1.1.
    Version,
    Refused(BadRequest),
}

impl From<BadRequest> for Unread {
    fn from(refused: BadRequest) -> Unread {
        Unread::Refused(refused)
    }
}

/// Each line ends in CR LF: `httparse` would be content with LF.
fn check_line_ends(
    bytes: &[u8],
    request_line: usize,
    fields: &[Header<'_>],
    len: usize,
) -> Result<(), BadRequest> {
    let is_line_end = |at: usize| bytes.get(at..at + 2) == Some(b"\r\n");
    // In front of a field name stands the end of the line before.
    let before = |field: &Header<'_>| {
        let name = field.name.as_ptr() as usize - bytes.as_ptr() as usize;
        name.wrapping_sub(2)
    };
    let is_sound = is_line_end(request_line)
        && fields.iter().all(|field| is_line_end(before(field)))
        && is_line_end(len - 4)
        && is_line_end(len - 2);
    if is_sound { Ok(()) } else { Err(BadRequest::LineEnd) }
}

fn check_size(
    method: &str,
    target: &str,
    len: usize,
    fields: usize,
    limits: &HeadLimits,
) -> Result<(), BadRequest> {
    if method.len() > MAX_METHOD {
        Err(BadRequest::MethodTooLong)
    } else if target.len() > limits.target_bytes {
        Err(BadRequest::TargetTooLong)
    } else if len > limits.head_bytes || u32::try_from(len).is_err() {
        Err(BadRequest::HeadTooLarge)
    } else if fields > limits.fields {
        Err(BadRequest::TooManyFields)
    } else {
        Ok(())
    }
}

/// What `httparse` stumbled over, in our words.
#[cold]
fn why_unread(error: httparse::Error) -> Unread {
    match error {
        httparse::Error::Version => return Unread::Version,
        httparse::Error::HeaderName => BadRequest::FieldName,
        httparse::Error::HeaderValue => BadRequest::FieldValue,
        httparse::Error::TooManyHeaders => BadRequest::TooManyFields,
        httparse::Error::NewLine => BadRequest::LineEnd,
        httparse::Error::Token | httparse::Error::Status => BadRequest::RequestLine,
    }
    .into()
}

/// Longer than any method there is; Python reads up to 64 KiB of one.
const MAX_METHOD: usize = 32;

/// Method, two spaces, the version, and the CR behind it.
const AROUND_TARGET: usize = MAX_METHOD + 2 + 8 + 1;

/// Fields there is always room for: on the stack, and not touched unless used.
const USUAL_FIELDS: usize = 100;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::http::framing::Persistence;

    const LIMITS: HeadLimits = HeadLimits {
        head_bytes: 2048,
        target_bytes: 100,
        fields: 50,
        body_bytes: 1 << 20,
        leniency: Leniency::NONE,
    };

    type Read = Result<Option<(String, String, String, usize)>, BadRequest>;

    fn read(scan: &mut HeadScan, bytes: &[u8]) -> Read {
        let mut head = RequestHead::NONE;
        if !scan.read(&mut head, &mut bytes.to_vec(), &LIMITS)? {
            return Ok(None);
        }
        let mut text = None;
        let view = head.view(&bytes[..head.len()], &mut text).expect("a head has its parts");
        Ok(Some((view.command.into(), view.path.into(), format!("{:?}", view.headers), head.len())))
    }

    fn complete(bytes: &[u8]) -> RequestHead {
        let mut head = RequestHead::NONE;
        assert_eq!(HeadScan::default().read(&mut head, &mut bytes.to_vec(), &LIMITS), Ok(true));
        head
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
            ("GET / HTTP/1.1 ", Some(LineEnd)),
            ("GET\t/ HTTP/1.1", Some(RequestLine)),
            ("GET / x HTTP/1.1", Some(Version)),
            ("GET / http/1.1", Some(Version)),
            ("GET / HTTP/11", Some(Version)),
            ("GET / HTTP/2.0", Some(UnsupportedVersion)),
            ("GET / HTTP/0.9", Some(Version)),
            ("G(T / HTTP/1.1", Some(RequestLine)),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", Some(MethodTooLong)),
            ("GET /\u{7f} HTTP/1.1", Some(RequestLine)),
            ("GET /\r HTTP/1.1", Some(RequestLine)),
            ("GET /\0 HTTP/1.1", Some(RequestLine)),
            ("GET /a#b HTTP/1.1", Some(Target)),
            ("GET /<a> HTTP/1.1", Some(Target)),
            ("GET /\" HTTP/1.1", Some(Target)),
            ("GET /caf\u{e9} HTTP/1.1", Some(Target)),
        ] {
            let text = format!("{line}\r\nHost: x\r\n\r\n");
            let found = delivered(text.as_bytes()).err();
            assert_eq!(found, expected, "{line:?}");
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
    fn a_bad_request_line_is_refused_when_it_ends() {
        for line in ["GET /\r\n", "GET  / HTTP/1.1\r\n", "GET / HTTP/3.0\r\n"] {
            assert!(refusal(line).is_some(), "{line:?}");
        }
    }

    #[test]
    fn limits_are_kept_while_the_head_arrives() {
        let endless_method = "A".repeat(300);
        assert_eq!(read_once(&endless_method), Some(BadRequest::MethodTooLong));
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

    #[test]
    fn more_fields_than_usual_are_read_where_they_are_allowed() {
        let limits = HeadLimits { fields: USUAL_FIELDS + 50, ..LIMITS };
        for (fields, expected) in [
            (USUAL_FIELDS, Ok(true)),
            (USUAL_FIELDS + 1, Ok(true)),
            (limits.fields, Ok(true)),
            (limits.fields + 1, Err(BadRequest::TooManyFields)),
        ] {
            let fields = "A: b\r\n".repeat(fields - 1);
            let mut bytes = format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n").into_bytes();
            let mut head = RequestHead::NONE;
            assert_eq!(HeadScan::default().read(&mut head, &mut bytes, &limits), expected);
            assert_eq!(head.len(), if expected.is_ok() { bytes.len() } else { 0 });
        }
    }

    #[test]
    fn what_is_just_bearable_is_borne_however_it_comes() {
        let longest_method = "A".repeat(MAX_METHOD);
        let longest_target = format!("/{}", "a".repeat(LIMITS.target_bytes - 1));
        let line = format!("{longest_method} {longest_target} HTTP/1.1\r\nHost: x\r\n");
        let room = LIMITS.head_bytes - line.len() - "A: \r\n\r\n".len();
        let largest = format!("{line}A: {}\r\n\r\n", "b".repeat(room));
        assert_eq!(largest.len(), LIMITS.head_bytes);
        assert_eq!(refusal(&largest), None);
        let larger = format!("{line}A: {}\r\n\r\n", "b".repeat(room + 1));
        assert_eq!(refusal(&larger), Some(BadRequest::HeadTooLarge));
        let endless = format!("{longest_method} /{}", "a".repeat(300));
        let longest_line = line.find('\n').unwrap();
        assert_eq!(read_once(&endless[..longest_line]), None);
        assert_eq!(read_once(&endless[..=longest_line]), Some(BadRequest::TargetTooLong));
        assert_eq!(read_once(&format!("A{endless}")), Some(BadRequest::MethodTooLong));
    }

    #[test]
    fn connect_has_no_body() {
        let connect = |field: &str| {
            refusal(&format!("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n{field}\r\n\r\n"))
        };
        assert_eq!(connect("A: b"), None);
        assert_eq!(connect("Content-Length: 0"), None);
        assert_eq!(connect("Content-Length: 5"), Some(BadRequest::AmbiguousBody));
        assert_eq!(connect("Transfer-Encoding: chunked"), Some(BadRequest::AmbiguousBody));
    }

    fn read_once(text: &str) -> Option<BadRequest> {
        read(&mut HeadScan::default(), text.as_bytes()).err()
    }

    #[test]
    fn a_head_that_is_not_utf_8_is_latin_1_line_by_line() {
        let bytes = b"GET / HTTP/1.1\r\nHost: x\r\nA: caf\xe9\r\nB: caf\xc3\xa9\r\n\r\n";
        let head = complete(bytes);
        let mut text = None;
        let headers = head.view(bytes, &mut text).unwrap().headers;
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

    thread_local! {
        static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts bytes that a reader looks at.
    pub(super) fn count(bytes: usize) {
        LOOKED_AT.set(LOOKED_AT.get() + bytes);
    }

    #[test]
    fn a_head_delivered_byte_by_byte_costs_linear_time() {
        let limits =
            HeadLimits { head_bytes: 1 << 20, target_bytes: 1 << 20, fields: 10_000, ..LIMITS };
        for lines in [1, 10, 100, 1000] {
            let field = format!("A: {}\r\n", "b".repeat(64_000 / lines));
            let target = "/".repeat(64_000 / lines);
            let fields = field.repeat(lines);
            let text = format!("GET {target} HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
            let mut bytes = text.into_bytes();
            let (mut scan, mut head) = (HeadScan::default(), RequestHead::NONE);
            LOOKED_AT.set(0);
            // Each byte when it comes, and all of them when the first line is complete and when the
            // head is.
            let most = 3 * bytes.len() + 100;
            for len in 1..=bytes.len() {
                let is_complete = len == bytes.len();
                let read = scan.read(&mut head, &mut bytes[..len], &limits);
                assert_eq!(read, Ok(is_complete), "{len}");
                assert!(LOOKED_AT.get() <= most, "{} of {most} by {len}", LOOKED_AT.get());
            }
        }
    }

    #[test]
    fn an_old_request_is_a_line() {
        let view = |line: &str| {
            let head = RequestHead::parse_old(line.as_bytes(), &LIMITS)?;
            assert_eq!((head.len(), head.framing), (line.len(), Framing::NONE));
            let mut text = None;
            let view = head.view(line.as_bytes(), &mut text).unwrap();
            assert_eq!((view.command, view.version), ("GET", Version::HTTP_09));
            assert_eq!(view.headers.len(), 0);
            Ok((view.requestline.to_owned(), view.path.to_owned()))
        };
        let seen = |line: &str, path: &str| Ok((line.to_owned(), path.to_owned()));
        assert_eq!(view("GET /a\r\n"), seen("GET /a", "/a"));
        assert_eq!(view("GET //a\r\n"), seen("GET //a", "/a"));
        assert_eq!(view("GET http://a/b\r\n"), seen("GET http://a/b", "http://a/b"));
        assert_eq!(view("GET a\r\n"), Err(BadRequest::Target));
        assert_eq!(view("GET /#\r\n"), Err(BadRequest::Target));
        let longest = "/".repeat(100);
        assert!(view(&format!("GET {longest}\r\n")).is_ok());
        assert_eq!(view(&format!("GET {longest}a\r\n")), Err(BadRequest::TargetTooLong));
    }

    #[test]
    fn framing_is_decided_with_the_head() {
        let bytes = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n";
        let head = complete(bytes);
        let framing = head.framing;
        assert_eq!(framing.body, BodyLength::Known(5));
        assert_eq!(framing.persistence, Persistence::Close);
    }
}
