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
    /// An HTTP/0.9 request: the body of an answer, never its head.
    pub(crate) is_bare: bool,
    /// A CONNECT request: an answer that says yes begins a tunnel.
    pub(crate) is_connect: bool,
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
    /// What follows the head is no HTTP any more, and ends with the connection.
    Tunnel,
}

impl AnswerRules {
    /// Whether the answer ends HTTP on its connection: 101, and a yes to CONNECT. Neither has fields
    /// that frame a body (RFC 9110 §8.6, §9.3.6; RFC 9112 §6.1).
    pub(crate) fn is_tunnel(self, status: Status) -> bool {
        status == Status::SWITCHING_PROTOCOLS || (self.is_connect && status.is_success())
    }

    /// Whether the head has to be ended in another way than usual.
    pub(crate) fn is_rare(self, status: Status) -> bool {
        self.is_bare | self.is_connect | (status == Status::SWITCHING_PROTOCOLS)
    }

    /// The delimiter of a body whose length is known, because it is complete or was declared.
    pub(crate) fn known_length(self, status: Status, length: u64) -> Delimiter {
        match status.code() {
            _ if status.allows_body() => Delimiter::Length(length),
            // RFC 9110 §15.3.6: a 205 has no content, and says so.
            205 => Delimiter::Length(0),
            // §8.6: no length where there can be no body; a 304 may say the length of the 200.
            304 if length > 0 => Delimiter::Length(length),
            _ => Delimiter::None,
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
        !self.head_only && (status.allows_body() || self.is_tunnel(status))
    }
}

/// Begins a head: `HTTP/1.1 200 OK`. A `phrase` of the caller's own has been checked.
#[inline(never)] // that of a 200 is kept ready
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

/// Ends a head: framing, persistence, blank line.
#[inline(always)] // where the usual answer ends its head, most of this is known
pub(crate) fn end_of_head(
    out: &mut Vec<u8>,
    delimiter: Delimiter,
    persistence: Persistence,
    rules: &AnswerRules,
) {
    match delimiter {
        // Many answers are short, and of the connection there is nothing to be said: one piece.
        Delimiter::Length(bytes @ 10..=99)
            if persistence == Persistence::KeepAlive && rules.modern_client =>
        {
            let mut end = *b"Content-Length: __\r\n\r\n";
            (end[16], end[17]) = (digit(bytes / 10), digit(bytes));
            return out.extend_from_slice(&end);
        }
        Delimiter::Length(bytes) => {
            out.extend_from_slice(b"Content-Length: ");
            decimal(out, bytes);
            out.extend_from_slice(b"\r\n");
        }
        Delimiter::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Delimiter::Close | Delimiter::None | Delimiter::Tunnel => {}
    }
    match persistence {
        // What becomes of the connection is the other protocol's to say.
        _ if delimiter == Delimiter::Tunnel => {}
        Persistence::Close => out.extend_from_slice(CLOSE),
        // Without it a 1.0 client would not know that its wish was heard.
        Persistence::KeepAlive if !rules.modern_client => {
            out.extend_from_slice(b"Connection: keep-alive\r\n");
        }
        Persistence::KeepAlive => {}
    }
    out.extend_from_slice(b"\r\n");
}

/// The last digit of a number.
fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

/// Appends a number; most are short.
fn decimal(out: &mut Vec<u8>, number: u64) {
    match number {
        0..=9 => out.push(digit(number)),
        10..=99 => out.extend_from_slice(&[digit(number / 10), digit(number)]),
        _ => long_decimal(out, number),
    }
}

#[inline(never)] // with its own room for the digits
fn long_decimal(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Begins a chunk of `bytes` of data. Their own line end follows them.
pub(crate) fn chunk_size(out: &mut Vec<u8>, bytes: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = (usize::BITS - bytes.leading_zeros()).div_ceil(4).max(1);
    out.extend((0..nibbles).rev().map(|nibble| DIGITS[bytes >> (4 * nibble) & 15]));
    out.extend_from_slice(b"\r\n");
}

/// Tells the client that this answer is the last.
pub(crate) const CLOSE: &[u8] = b"Connection: close\r\n";

/// The end of a chunked body; trailer fields and a blank line follow.
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n";

#[cfg(any(test, fuzzing))]
impl AnswerRules {
    /// A GET of an HTTP/1.1 client that keeps its connection.
    pub(crate) const USUAL: AnswerRules = AnswerRules {
        head_only: false,
        modern_client: true,
        is_bare: false,
        is_connect: false,
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
            (Delimiter::Tunnel, Persistence::Close, RULES, "\r\n"),
            (Delimiter::Tunnel, Persistence::KeepAlive, old, "\r\n"),
            (
                Delimiter::Length(u64::MAX),
                Persistence::KeepAlive,
                old,
                "Content-Length: 18446744073709551615\r\nConnection: keep-alive\r\n\r\n",
            ),
        ] {
            let end = written(|out| end_of_head(out, delimiter, persistence, &rules));
            assert_eq!(end, expected);
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
            (103, Delimiter::None),
        ] {
            assert_eq!(RULES.known_length(Status::new(code).unwrap(), 7), known, "{code}");
        }
        assert_eq!(RULES.known_length(Status::NOT_MODIFIED, 0), Delimiter::None);
    }

    #[test]
    fn a_tunnel_is_a_101_or_a_yes_to_connect() {
        let connect = AnswerRules { is_connect: true, ..RULES };
        for (code, by_get, by_connect) in [
            (100, false, false),
            (101, true, true),
            (199, false, false),
            (200, false, true),
            (204, false, true),
            (299, false, true),
            (304, false, false),
            (407, false, false),
        ] {
            let status = Status::new(code).unwrap();
            assert_eq!(RULES.is_tunnel(status), by_get, "{code}");
            assert_eq!(connect.is_tunnel(status), by_connect, "{code}");
            let sends_body = status.allows_body() || by_connect;
            assert_eq!(connect.sends_body(status), sends_body, "{code}");
            assert_eq!(RULES.is_rare(status), by_get, "{code}");
            assert!(connect.is_rare(status), "{code}");
            assert!(AnswerRules { is_bare: true, ..RULES }.is_rare(status), "{code}");
            assert!(AnswerRules { is_bare: true, ..connect }.is_rare(status), "{code}");
        }
    }

    #[test]
    fn a_length_of_any_size_ends_a_head() {
        let old = AnswerRules { modern_client: false, ..RULES };
        for bytes in (0..=120).chain([999, 1000, 9_999, 10_000, u64::MAX]) {
            for (persistence, rules, said) in [
                (Persistence::KeepAlive, RULES, ""),
                (Persistence::Close, RULES, "Connection: close\r\n"),
                (Persistence::KeepAlive, old, "Connection: keep-alive\r\n"),
                (Persistence::Close, old, "Connection: close\r\n"),
            ] {
                let length = Delimiter::Length(bytes);
                let end = written(|out| end_of_head(out, length, persistence, &rules));
                assert_eq!(end, format!("Content-Length: {bytes}\r\n{said}\r\n"));
            }
        }
    }

    #[test]
    fn lengths_are_plain_decimal() {
        for number in (0..=1000).chain([u64::MAX]) {
            assert_eq!(written(|out| decimal(out, number)), number.to_string());
        }
    }

    #[test]
    fn chunk_sizes_are_plain_hexadecimal() {
        for (bytes, line) in [(1, "1\r\n"), (15, "f\r\n"), (16, "10\r\n"), (0xabcde, "abcde\r\n")] {
            assert_eq!(written(|out| chunk_size(out, bytes)), line);
        }
    }
}
