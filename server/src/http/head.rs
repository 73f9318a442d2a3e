//! A request head: a request line and header fields (RFC 9112 §2 to §5).
//!
//! A head is lines, and what a line says counts when its end is there: so however a head is
//! delivered, it is read the same, and is refused at the same byte. Between two line ends nothing is
//! read, so that it costs linear time. Nothing is forgiven here.
//!
//! What is kept of a head is where its parts are: nothing is copied.

use super::bytes::{is_tchar, letters_len, plain_text_len, text_len, token_len};
use super::error::BadRequest;
use super::framing::{BodyLength, Framing, FramingFields};
use super::headers::Headers;
use super::lenient::Leniency;
use super::request_line::{MAX_METHOD, RequestLine};
use super::version::Version;
use crate::rarely::rarely;

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

/// Reads a head, and keeps what is known of one that is not all there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadReader {
    /// Bytes in which every line end has been seen; 0 before the first look.
    looked: usize,
    progress: Progress,
    request_line: RequestLine,
    framing: FramingFields,
}

/// The lines that have been read.
#[derive(Clone, Copy, Debug)]
struct Progress {
    /// Where the line under way begins.
    line: usize,
    /// Field lines so far.
    fields: usize,
    /// Whether all of them are ASCII, and the line under way as far as it has come.
    is_ascii: bool,
}

impl Default for HeadReader {
    fn default() -> HeadReader {
        HeadReader {
            looked: 0,
            progress: Progress { line: 0, fields: 0, is_ascii: true },
            request_line: RequestLine::NONE,
            framing: FramingFields::default(),
        }
    }
}

impl HeadReader {
    /// Reads the head that `bytes` begin with; they may grow between calls.
    ///
    /// `None`: right so far, but the head is not complete.
    #[inline(always)] // one step of a way that every request goes
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<RequestHead>, BadRequest> {
        if self.looked == 0 {
            // What is no HTTP at all need not come to the end of a line.
            if bytes.first().is_some_and(|byte| !is_tchar(*byte)) {
                rarely();
                return Err(BadRequest::RequestLine);
            }
        } else if !self.has_new_line_end(bytes) {
            return self.wait(bytes, limits);
        }
        match self.read_lines(bytes, limits) {
            Ok(None) => self.wait(bytes, limits),
            Err(refused) => self.refuse(refused, bytes, limits),
            complete => complete,
        }
    }

    /// Whether reading on is worth it, so that a line that comes byte by byte is not read as often.
    #[cold]
    fn has_new_line_end(&self, bytes: &[u8]) -> bool {
        let new = bytes.get(self.looked..).unwrap_or_default();
        #[cfg(test)]
        tests::count(new.len());
        memchr::memchr(b'\n', new).is_some()
    }

    /// Reads line after line; `None` where the bytes end first.
    #[inline(always)]
    fn read_lines(
        &mut self,
        bytes: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<RequestHead>, BadRequest> {
        #[cfg(test)]
        tests::count(bytes.len() - self.progress.line);
        if self.progress.line == 0 {
            let read = RequestLine::read(bytes, limits.target_bytes)?;
            let Some((request_line, behind)) = read else { return Ok(None) };
            (self.request_line, self.progress.line) = (request_line, behind);
        }
        // Apart from `self` meanwhile: else each line would wait for the memory of the one before.
        let mut progress = self.progress;
        let head = self.read_fields(bytes, &mut progress, limits);
        self.progress = progress;
        match head? {
            Some(len) => self.complete(len, limits).map(Some),
            None => Ok(None),
        }
    }

    /// Reads field lines up to the blank one, and says where the head ends.
    #[inline(always)]
    fn read_fields(
        &mut self,
        bytes: &[u8],
        progress: &mut Progress,
        limits: &HeadLimits,
    ) -> Result<Option<usize>, BadRequest> {
        let mut rest = bytes.get(progress.line..).unwrap_or_default();
        loop {
            // The end of the line first, then the name in it: where the next line begins does not
            // depend on what this one says, and the processor can go ahead.
            let (line, behind) = match split_line(rest, plain_text_len(rest)) {
                Some(split) => split,
                None => {
                    rarely();
                    match split_other_line(rest, progress) {
                        Some(split) => split,
                        None => return without_end(rest),
                    }
                }
            };
            if line.is_empty() {
                return Ok(Some(bytes.len() - behind.len()));
            }
            let Some((name, value)) = split_field(line, rest) else {
                rarely();
                return Err(BadRequest::FieldName);
            };
            progress.fields += 1;
            if progress.fields > limits.fields {
                rarely();
                return Err(BadRequest::TooManyFields);
            }
            self.framing.note(name, value)?;
            rest = behind;
            progress.line = bytes.len() - rest.len();
        }
    }

    /// The blank line has come; the head has so many bytes.
    #[inline(always)]
    fn complete(&self, len: usize, limits: &HeadLimits) -> Result<RequestHead, BadRequest> {
        if len > limits.head_bytes {
            rarely();
            return Err(BadRequest::HeadTooLarge);
        }
        let line = self.request_line;
        let framing = self.framing.frame(line.version, limits.leniency.host_demand())?;
        // What follows is the body to one reader, and the tunnel to the other (RFC 9110 §9.3.6).
        if line.is_connect && framing.body != BodyLength::Empty {
            rarely();
            return Err(BadRequest::AmbiguousBody);
        }
        let len = u32::try_from(len).map_err(|_| BadRequest::HeadTooLarge)?;
        Ok(RequestHead { len, line, is_ascii: self.progress.is_ascii, framing })
    }

    /// More has to come, unless too much has.
    #[cold]
    fn wait(
        &mut self,
        bytes: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<RequestHead>, BadRequest> {
        self.looked = bytes.len();
        self.check_growth(bytes, limits)?;
        Ok(None)
    }

    /// What is wrong with a line is said when its end is there, and not before what is wrong with
    /// the size of all: so the refusal is the same however the head came.
    #[cold]
    fn refuse(
        &mut self,
        refused: BadRequest,
        bytes: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<RequestHead>, BadRequest> {
        let line = bytes.get(self.progress.line..).unwrap_or_default();
        let Some(len) = memchr::memchr(b'\n', line) else { return self.wait(bytes, limits) };
        self.check_growth(&bytes[..self.progress.line + len], limits)?;
        Err(refused)
    }

    /// What can be said of a head that has come so far, and goes on: that it does not stop. Of two
    /// limits the one counts that is passed first.
    fn check_growth(&self, bytes: &[u8], limits: &HeadLimits) -> Result<(), BadRequest> {
        let longest_line = limits.target_bytes.saturating_add(AROUND_TARGET);
        let is_line = self.progress.line == 0 && longest_line < limits.head_bytes;
        if is_line && bytes.len() > longest_line {
            // Without a blank so far it is the method that does not end.
            let is_target = bytes.iter().take(MAX_METHOD + 1).any(|byte| *byte == b' ');
            return Err(match is_target {
                true => BadRequest::TargetTooLong,
                false => BadRequest::MethodTooLong,
            });
        }
        if bytes.len() >= limits.head_bytes { Err(BadRequest::HeadTooLarge) } else { Ok(()) }
    }
}

/// What a head says, as places in the bytes it was read from. Small, since it is handed on a lot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestHead {
    len: u32,
    line: RequestLine,
    /// Whether its fields are ASCII, so that they need no look as text.
    is_ascii: bool,
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
    /// What there is before the first head.
    pub(crate) const NONE: RequestHead =
        RequestHead { len: 0, line: RequestLine::NONE, is_ascii: true, framing: Framing::NONE };

    /// Reads `line`, a request line of HTTP/0.9 with its line end, which is a whole head.
    pub(crate) fn parse_old(line: &[u8], limits: &HeadLimits) -> Result<RequestHead, BadRequest> {
        let len = u32::try_from(line.len()).map_err(|_| BadRequest::HeadTooLarge)?;
        let line = line.strip_suffix(b"\r\n").ok_or(BadRequest::LineEnd)?;
        let line = RequestLine::read_old(line, limits.target_bytes)?;
        Ok(RequestHead { len, line, is_ascii: true, framing: Framing::NONE })
    }

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
        let requestline = line_text(head, self.line.len as usize)?;
        let rest = head.get(requestline.len()..)?;
        // Without the line ends around them; HTTP/0.9 has only one.
        let fields = rest.get(2..rest.len().saturating_sub(2).max(2))?;
        let other_text = match self.is_ascii {
            true => None,
            false => other_text_of(fields, other_text),
        };
        let (before_version, _) = requestline.split_at_checked(self.line.target_end as usize)?;
        Some(HeadView {
            requestline,
            command: before_version.get(..usize::from(self.line.method_len))?,
            path: before_version.get(self.line.path_start as usize..)?,
            version: self.line.version,
            headers: Headers::new(fields, other_text),
        })
    }
}

/// The first `len` bytes of a head as text.
///
/// It is looked at together with some of what follows: the standard library looks at sixteen bytes
/// at once, and then at one after the other.
#[inline(always)]
fn line_text(head: &[u8], len: usize) -> Option<&str> {
    let with_more = head.get(..len.next_multiple_of(16)).and_then(|line| str::from_utf8(line).ok());
    match with_more {
        Some(text) => text.get(..len),
        None => {
            rarely();
            str::from_utf8(head.get(..len)?).ok()
        }
    }
}

/// The line of `len` bytes that `bytes` begin with, and what follows its end; `None` if it does not
/// end there.
#[inline(always)]
fn split_line(bytes: &[u8], len: usize) -> Option<(&[u8], &[u8])> {
    let (line, behind) = bytes.split_at_checked(len)?;
    Some((line, behind.strip_prefix(b"\r\n")?))
}

/// The same for a line with other text than visible ASCII and spaces.
#[inline(never)]
fn split_other_line<'a>(bytes: &'a [u8], progress: &mut Progress) -> Option<(&'a [u8], &'a [u8])> {
    let (len, is_ascii) = text_len(bytes);
    progress.is_ascii &= is_ascii;
    split_line(bytes, len)
}

/// The name of the field that `line` is, which is a token, and its value; `None` if there is no such
/// name. `all` is what the line is the front of: there are eight bytes to be looked at even where the
/// line has fewer.
#[inline(always)]
fn split_field<'a>(line: &'a [u8], all: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    match line.split_at_checked(letters_len(all)) {
        Some((name, [b':', value @ ..])) if !name.is_empty() => Some((name, value)),
        _ => {
            rarely();
            split_other_field(line)
        }
    }
}

/// The same for any name.
#[inline(never)]
fn split_other_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    match line.split_at_checked(token_len(line))? {
        ([], _) => None,
        (name, [b':', value @ ..]) => Some((name, value)),
        _ => None,
    }
}

/// No CR LF stands behind the text that `bytes` begin with: the line is not all there, or something
/// is wrong.
#[cold]
fn without_end<T>(bytes: &[u8]) -> Result<Option<T>, BadRequest> {
    let (line, rest) = bytes.split_at(text_len(bytes).0);
    match rest {
        [] | [b'\r'] => Ok(None),
        [b'\r' | b'\n', ..] if line.is_empty() => Err(BadRequest::LineEnd),
        _ if split_other_field(line).is_none() => Err(BadRequest::FieldName),
        [b'\n', ..] => Err(BadRequest::LineEnd),
        _ => Err(BadRequest::FieldValue),
    }
}

/// The text of `fields`, kept there, where they are not UTF-8.
#[cold]
fn other_text_of<'a>(fields: &[u8], place: &'a mut Option<Box<str>>) -> Option<&'a str> {
    match str::from_utf8(fields) {
        Ok(_) => None,
        Err(_) => Some(&**place.insert(text_of(fields))),
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

/// Method, two spaces, the version, and the CR behind it.
const AROUND_TARGET: usize = MAX_METHOD + 2 + 8 + 1;

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

    fn read(reader: &mut HeadReader, bytes: &[u8]) -> Read {
        let Some(head) = reader.read(bytes, &LIMITS)? else { return Ok(None) };
        let mut text = None;
        let view = head.view(&bytes[..head.len()], &mut text).expect("a head has its parts");
        Ok(Some((view.command.into(), view.path.into(), format!("{:?}", view.headers), head.len())))
    }

    fn complete(bytes: &[u8]) -> RequestHead {
        HeadReader::default().read(bytes, &LIMITS).unwrap().expect("it is all there")
    }

    /// Delivers `bytes` in every way a network may (at once, byte by byte, cut at each place) and
    /// insists that the same head, or the same refusal, comes out.
    fn delivered(bytes: &[u8]) -> Read {
        let at_once = read(&mut HeadReader::default(), bytes);
        let mut reader = HeadReader::default();
        let by_byte = (1..=bytes.len())
            .map(|len| read(&mut reader, &bytes[..len]))
            .find(|answer| !matches!(answer, Ok(None)))
            .unwrap_or(Ok(None));
        assert_eq!(by_byte, at_once, "byte by byte: {:?}", bytes.escape_ascii().to_string());
        for cut in 1..bytes.len() {
            let mut reader = HeadReader::default();
            let answer = match read(&mut reader, &bytes[..cut]) {
                Ok(None) => read(&mut reader, bytes),
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
    fn lines_that_are_not_all_there_are_not_wrong() {
        let bytes = b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
        for part in (0..bytes.len()).map(|len| &bytes[..len]) {
            let read = HeadReader::default().read_lines(part, &LIMITS);
            assert!(matches!(read, Ok(None)), "{}: {read:?}", part.escape_ascii());
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
            assert_eq!(delivered(line.trim_end_matches('\n').as_bytes()), Ok(None), "{line:?}");
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
    fn of_two_limits_the_one_that_is_passed_first_counts() {
        let line = format!("GET /{} HTTP/1.1\r\n", "a".repeat(300));
        for (head_bytes, refused) in
            [(143, BadRequest::HeadTooLarge), (144, BadRequest::TargetTooLong)]
        {
            let limits = HeadLimits { head_bytes, ..LIMITS };
            let at_once = HeadReader::default().read(line.as_bytes(), &limits);
            assert_eq!(at_once.err(), Some(refused), "at once");
            let mut reader = HeadReader::default();
            let by_byte = (1..=line.len())
                .find_map(|len| reader.read(&line.as_bytes()[..len], &limits).err());
            assert_eq!(by_byte, Some(refused), "byte by byte");
        }
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
        read(&mut HeadReader::default(), text.as_bytes()).err()
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
            let bytes = text.into_bytes();
            let mut reader = HeadReader::default();
            LOOKED_AT.set(0);
            // Each byte when it comes, and each line when it is complete.
            let most = 2 * bytes.len() + 100;
            for len in 1..=bytes.len() {
                let is_complete = len == bytes.len();
                let read = reader.read(&bytes[..len], &limits);
                assert_eq!(read.map(|head| head.is_some()), Ok(is_complete), "{len}");
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
