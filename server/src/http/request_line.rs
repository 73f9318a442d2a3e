//! The request line: three words with single spaces between them (RFC 9112 §3).

use super::bytes::{is_tchar, target_len};
use super::error::BadRequest;
use super::target::{self, Form};
use super::version::Version;
use crate::rarely::rarely;

/// Where the words of a request line are, and what they say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine {
    /// Bytes of the whole line, without its end.
    pub(crate) len: u32,
    /// Bytes of the method, which the line begins with.
    pub(crate) method_len: u8,
    /// Where the path begins: behind all but the last of the slashes at the target's front.
    pub(crate) path_start: u32,
    /// Where the target ends.
    pub(crate) target_end: u32,
    pub(crate) version: Version,
    /// The target is an authority: it is CONNECT, and a tunnel is what follows.
    pub(crate) is_connect: bool,
}

impl RequestLine {
    /// What there is before the first one.
    pub(crate) const NONE: RequestLine = RequestLine {
        len: 0,
        method_len: 0,
        path_start: 0,
        target_end: 0,
        version: Version::HTTP_11,
        is_connect: false,
    };

    /// Reads the line that `bytes` begin with, and says where the next begins; `None` if it is not
    /// all there.
    #[inline(always)] // one step of a way that every request goes
    pub(crate) fn read(
        bytes: &[u8],
        max_target_bytes: usize,
    ) -> Result<Option<(RequestLine, usize)>, BadRequest> {
        let (method, rest) = bytes.split_at(method_len(bytes));
        let rest = match rest {
            [b' ', rest @ ..] if !method.is_empty() => rest,
            rest => return without_method(rest),
        };
        let (target, rest) = rest.split_at(target_len(rest));
        let rest = match rest {
            [b' ', rest @ ..] if !target.is_empty() => rest,
            rest => return without_target(rest),
        };
        let version = if rest.first_chunk() == Some(b"HTTP/1.1\r\n") {
            Version::HTTP_11
        } else if let Some(version) = other_version(rest)? {
            version
        } else {
            return Ok(None);
        };
        let len = method.len() + 1 + target.len() + 1 + "HTTP/1.1".len();
        let line = RequestLine::new(len, method, target, version, max_target_bytes)?;
        Ok(Some((line, len + 2)))
    }

    /// Reads a line of HTTP/0.9, without its end: `GET`, a target, and nothing else (RFC 1945 §4.1).
    pub(crate) fn read_old(
        line: &[u8],
        max_target_bytes: usize,
    ) -> Result<RequestLine, BadRequest> {
        let target = line.strip_prefix(b"GET ").ok_or(BadRequest::RequestLine)?;
        if target_len(target) < target.len() {
            return Err(BadRequest::Target);
        }
        RequestLine::new(line.len(), b"GET", target, Version::HTTP_09, max_target_bytes)
    }

    #[inline(always)]
    fn new(
        len: usize,
        method: &[u8],
        target: &[u8],
        version: Version,
        max_target_bytes: usize,
    ) -> Result<RequestLine, BadRequest> {
        if method.len() > MAX_METHOD {
            rarely();
            return Err(BadRequest::MethodTooLong);
        }
        if target.len() > max_target_bytes {
            rarely();
            return Err(BadRequest::TargetTooLong);
        }
        let Some(form) = target::classify(method, target) else {
            rarely();
            return Err(BadRequest::Target);
        };
        // As Python since 3.11: `//host/…` must never end up as a link to another host.
        let doubled = match form {
            Form::Origin => target.iter().take_while(|byte| **byte == b'/').count() - 1,
            _ => 0,
        };
        let start = method.len() + 1;
        Ok(RequestLine {
            // A line of more than 4 GiB is none that anybody has a limit for.
            len: u32::try_from(len).map_err(|_| BadRequest::TargetTooLong)?,
            method_len: method.len() as u8,
            path_start: (start + doubled) as u32,
            target_end: (start + target.len()) as u32,
            version,
            is_connect: form == Form::Authority,
        })
    }
}

/// How long the token at the front is: nearly always one of two words, and never long.
#[inline(always)]
fn method_len(bytes: &[u8]) -> usize {
    match bytes {
        [b'G', b'E', b'T', b' ', ..] => 3,
        [b'P', b'O', b'S', b'T', b' ', ..] => 4,
        _ => other_method_len(bytes),
    }
}

/// The same for any token.
#[inline(never)]
fn other_method_len(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_tchar(**byte)).count()
}

/// There is no method in front of `rest`, or it does not end there.
#[cold]
fn without_method<T>(rest: &[u8]) -> Result<Option<T>, BadRequest> {
    if rest.is_empty() { Ok(None) } else { Err(BadRequest::RequestLine) }
}

/// There is no target in front of `rest`, or it does not end there.
#[cold]
fn without_target<T>(rest: &[u8]) -> Result<Option<T>, BadRequest> {
    match rest {
        [] => Ok(None),
        // A space or a control character belongs to no target; other bytes, only not raw.
        [b' ', ..] => Err(BadRequest::RequestLine),
        [byte, ..] if byte.is_ascii_control() => Err(BadRequest::RequestLine),
        _ => Err(BadRequest::Target),
    }
}

/// The version that a line ends with; `None` if the end is not there.
///
/// Any version of HTTP/1 is read as the one that is known (RFC 9110 §2.5).
#[inline(never)]
fn other_version(bytes: &[u8]) -> Result<Option<Version>, BadRequest> {
    let Some(end) = memchr::memchr(b'\n', bytes) else { return Ok(None) };
    let word = bytes[..end].strip_suffix(b"\r").ok_or(BadRequest::LineEnd)?;
    if word.contains(&b' ') {
        return Err(BadRequest::RequestLine);
    }
    let version = Version::parse(word).ok_or(BadRequest::Version)?;
    match version.major() {
        1 => Ok(Some(version)),
        0 => Err(BadRequest::Version),
        _ => Err(BadRequest::UnsupportedVersion),
    }
}

/// Longer than any method there is; Python reads up to 64 KiB of one.
pub(crate) const MAX_METHOD: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// The line that was read; with less of it there is none, or what is wrong is seen already.
    fn read(text: &str) -> Result<Option<String>, BadRequest> {
        let read = |bytes| RequestLine::read(bytes, 100);
        let all = read(text.as_bytes()).map(|line| line.map(|(line, behind)| (line.len, behind)));
        let end = text.find('\n').map_or(text.len(), |at| at + 1);
        for part in (0..end).map(|len| &text.as_bytes()[..len]) {
            match read(part) {
                Ok(line) => assert!(line.is_none(), "{}", part.escape_ascii()),
                Err(bad) => assert_eq!(Some(bad), all.err(), "{}", part.escape_ascii()),
            }
        }
        let Some((len, behind)) = all? else { return Ok(None) };
        assert_eq!(behind, end);
        Ok(Some(text[..len as usize].to_owned()))
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
            (" / HTTP/1.1", Some(RequestLine)),
            ("GET  / HTTP/1.1", Some(RequestLine)),
            ("GET  HTTP/1.1", Some(RequestLine)),
            ("GET /  HTTP/1.1", Some(RequestLine)),
            ("GET / HTTP/1.1 ", Some(RequestLine)),
            ("GET\t/ HTTP/1.1", Some(RequestLine)),
            ("GET / x HTTP/1.1", Some(RequestLine)),
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
            let found = read(&format!("{line}\r\nHost: x\r\n\r\n"));
            let parts = expected.map_or(Ok(Some(line.to_owned())), Err);
            assert_eq!(found, parts, "{line:?}");
        }
    }

    #[test]
    fn a_line_that_is_not_all_there_is_waited_for() {
        for text in ["", "GET", "GET ", "GET /", "GET / ", "GET / HTTP/1.1", "GET / HTTP/1.1\r"] {
            assert_eq!(read(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn its_words_are_found() {
        let words = |line: &str| {
            let (found, _) = RequestLine::read(format!("{line}\r\n").as_bytes(), 100)?.unwrap();
            let path = &line[found.path_start as usize..found.target_end as usize];
            let method = &line[..usize::from(found.method_len)];
            Ok((method.to_owned(), path.to_owned(), found.version.to_string(), found.is_connect))
        };
        let found = |method: &str, path: &str, version: &str, is_connect| {
            Ok((method.to_owned(), path.to_owned(), version.to_owned(), is_connect))
        };
        assert_eq!(words("GET / HTTP/1.1"), found("GET", "/", "HTTP/1.1", false));
        assert_eq!(words("GET ///a//b HTTP/1.0"), found("GET", "/a//b", "HTTP/1.0", false));
        assert_eq!(words("CONNECT a:80 HTTP/1.9"), found("CONNECT", "a:80", "HTTP/1.9", true));
        assert_eq!(
            words("GET http://a//b HTTP/1.1"),
            found("GET", "http://a//b", "HTTP/1.1", false)
        );
        let longest = format!("/{}", "a".repeat(99));
        assert!(words(&format!("GET {longest} HTTP/1.1")).is_ok());
        let longer: Result<(String, String, String, bool), _> =
            words(&format!("GET {longest}a HTTP/1.1"));
        assert_eq!(longer, Err(BadRequest::TargetTooLong));
    }
}
