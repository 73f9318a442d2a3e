//! Heads and chunks into bytes; the only writer of framing fields, `Connection` and chunk sizes.
//!
//! `Content-Length`, `Transfer-Encoding` and `Connection` are decided here and nowhere else, so no
//! handler can contradict the bytes that follow the head.

use super::framing::Persistence;
use super::status::Status;
use super::version::Version;

/// What the request allows its answer to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerRules {
    /// A HEAD request: the head of an answer, never its body.
    pub(crate) head_only: bool,
    /// The client understands the chunked coding and interim answers (HTTP/1.1).
    pub(crate) modern_client: bool,
    /// The connection may outlive the answer: neither the client nor the server wants it to end.
    pub(crate) may_persist: bool,
    /// The version this server speaks, on the status line.
    pub(crate) version: Version,
}

/// How the end of an answer's body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delimiter {
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The end of the connection.
    Close,
    /// There is no body, and a head that says nothing about one.
    None,
}

impl AnswerRules {
    /// The delimiter of a body whose length is known, because it is complete or was declared.
    pub(crate) fn known_length(self, status: Status, length: u64) -> Delimiter {
        match status.code() {
            // RFC 9110 §15.3.6: a 205 has no content, and says so.
            205 => Delimiter::Length(0),
            // §8.6: no length where there can be no body; a 304 may say the length of the 200.
            304 if length > 0 => Delimiter::Length(length),
            _ if !status.allows_body() => Delimiter::None,
            _ => Delimiter::Length(length),
        }
    }

    /// The delimiter of a body that goes out before its end is known.
    pub(crate) fn unknown_length(self, status: Status) -> Delimiter {
        if !status.allows_body() {
            self.known_length(status, 0)
        } else if self.modern_client && self.version >= Version::HTTP_11 {
            Delimiter::Chunked
        } else {
            Delimiter::Close
        }
    }

    /// Whether any byte of a body goes out.
    pub(crate) fn sends_body(self, status: Status) -> bool {
        !self.head_only && status.allows_body()
    }
}

/// Begins a head: `HTTP/1.1 200 OK`. A `phrase` of the caller's own has been checked.
pub(crate) fn status_line(
    out: &mut Vec<u8>,
    version: Version,
    status: Status,
    phrase: Option<&str>,
) {
    if let (Version::HTTP_11, None, Some(line)) = (version, phrase, status.line()) {
        return out.extend_from_slice(line.as_bytes());
    }
    out.extend_from_slice(if version == Version::HTTP_10 { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    out.extend_from_slice(&status.digits());
    // The blank stays where there is no phrase (RFC 9112 §4).
    out.push(b' ');
    out.extend_from_slice(phrase.or(status.phrase()).unwrap_or("").as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The end of a head: framing, persistence, blank line.
pub(crate) fn end_of_head(
    delimiter: Delimiter,
    persistence: Persistence,
    rules: AnswerRules,
) -> Line {
    let mut end = Line::new();
    match delimiter {
        Delimiter::Length(bytes) => {
            end.push(b"Content-Length: ");
            end.push(itoa::Buffer::new().format(bytes).as_bytes());
            end.push(b"\r\n");
        }
        Delimiter::Chunked => end.push(b"Transfer-Encoding: chunked\r\n"),
        Delimiter::Close | Delimiter::None => {}
    }
    match persistence {
        Persistence::Close => end.push(CLOSE),
        // Without it a 1.0 client would not know that its wish was heard.
        Persistence::KeepAlive if !rules.modern_client => end.push(b"Connection: keep-alive\r\n"),
        Persistence::KeepAlive => {}
    }
    end.push(b"\r\n");
    end
}

/// The line in front of `bytes` of chunk data. Their own line end follows them.
pub(crate) fn chunk_size(bytes: usize) -> Line {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut line = Line::new();
    let nibbles = (usize::BITS - bytes.leading_zeros()).div_ceil(4).max(1);
    for nibble in (0..nibbles).rev() {
        line.push(&[DIGITS[bytes >> (4 * nibble) & 15]]);
    }
    line.push(b"\r\n");
    line
}

/// Tells the client that this answer is the last.
pub(crate) const CLOSE: &[u8] = b"Connection: close\r\n";

/// The end of a chunked body, without trailer fields.
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Puts `line` in front of what `out` already has from `at` on.
pub(crate) fn insert(out: &mut Vec<u8>, at: usize, line: &[u8]) {
    let end = out.len();
    // Behind first, for the room; in its place then, if there was anything to move.
    out.extend_from_slice(line);
    if at < end {
        out.copy_within(at..end, at + line.len());
        out[at..at + line.len()].copy_from_slice(line);
    }
}

/// Lines of framing on their way into a head or between chunks: short, and of known length at most.
pub(crate) struct Line {
    bytes: [u8; Line::LONGEST],
    len: usize,
}

impl Line {
    /// `Content-Length` with twenty digits, `Connection: keep-alive` and a blank line, and room.
    const LONGEST: usize = 96;

    fn new() -> Line {
        Line { bytes: [0; Line::LONGEST], len: 0 }
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        debug_assert!(end <= Line::LONGEST, "a line of framing longer than any");
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            room.copy_from_slice(bytes);
            self.len = end;
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
impl AnswerRules {
    /// A GET of an HTTP/1.1 client that keeps its connection.
    pub(crate) const USUAL: AnswerRules = AnswerRules {
        head_only: false,
        modern_client: true,
        may_persist: true,
        version: Version::HTTP_11,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: AnswerRules = AnswerRules::USUAL;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_status_line_keeps_the_blank_of_an_absent_phrase() {
        let line =
            |status, phrase| written(|out| status_line(out, Version::HTTP_11, status, phrase));
        assert_eq!(line(Status::OK, None), "HTTP/1.1 200 OK\r\n");
        assert_eq!(line(Status::OK, Some("Fine")), "HTTP/1.1 200 Fine\r\n");
        assert_eq!(line(Status::new(299).unwrap(), None), "HTTP/1.1 299 \r\n");
        let old = written(|out| status_line(out, Version::HTTP_10, Status::OK, None));
        assert_eq!(old, "HTTP/1.0 200 OK\r\n");
    }

    #[test]
    fn a_head_ends_with_its_framing_and_its_persistence() {
        let old = AnswerRules { modern_client: false, ..RULES };
        for (delimiter, persistence, rules, expected) in [
            (Delimiter::Length(0), Persistence::KeepAlive, RULES, "Content-Length: 0\r\n\r\n"),
            (
                Delimiter::Chunked,
                Persistence::KeepAlive,
                RULES,
                "Transfer-Encoding: chunked\r\n\r\n",
            ),
            (Delimiter::Close, Persistence::Close, RULES, "Connection: close\r\n\r\n"),
            (Delimiter::None, Persistence::KeepAlive, RULES, "\r\n"),
            (
                Delimiter::Length(u64::MAX),
                Persistence::KeepAlive,
                old,
                "Content-Length: 18446744073709551615\r\nConnection: keep-alive\r\n\r\n",
            ),
        ] {
            let end = end_of_head(delimiter, persistence, rules);
            assert_eq!(str::from_utf8(end.as_bytes()), Ok(expected));
        }
    }

    #[test]
    fn the_status_and_the_client_decide_how_a_body_ends() {
        let old = AnswerRules { modern_client: false, ..RULES };
        let speaks_10 = AnswerRules { version: Version::HTTP_10, ..RULES };
        assert_eq!(RULES.unknown_length(Status::OK), Delimiter::Chunked);
        assert_eq!(old.unknown_length(Status::OK), Delimiter::Close);
        assert_eq!(speaks_10.unknown_length(Status::OK), Delimiter::Close);
        for (code, known) in [
            (200, Delimiter::Length(7)),
            (404, Delimiter::Length(7)),
            (205, Delimiter::Length(0)),
            (204, Delimiter::None),
            (304, Delimiter::Length(7)),
            (101, Delimiter::None),
        ] {
            assert_eq!(RULES.known_length(Status::new(code).unwrap(), 7), known, "{code}");
        }
        assert_eq!(RULES.known_length(Status::NOT_MODIFIED, 0), Delimiter::None);
    }

    #[test]
    fn chunk_sizes_are_plain_hexadecimal() {
        for (bytes, line) in [(1, "1\r\n"), (15, "f\r\n"), (16, "10\r\n"), (0xabcde, "abcde\r\n")] {
            assert_eq!(str::from_utf8(chunk_size(bytes).as_bytes()), Ok(line));
        }
    }

    #[test]
    fn bytes_can_be_put_in_front() {
        for added in ["", "12345", &"x".repeat(100)] {
            for body in ["", "body"] {
                let mut out = format!("head|{body}").into_bytes();
                insert(&mut out, 5, added.as_bytes());
                assert_eq!(out, format!("head|{added}{body}").into_bytes());
            }
        }
    }
}
