//! Fields behind a chunked body: which of them may stand there (RFC 9110 §6.5.1).
//!
//! Whoever merges them into the head must not be told a new length, a new host or a new user there.
//! So a field that frames, routes, authenticates or describes a message is dropped from a request's
//! trailer section, and refused in an answer's.

use super::head::text_of;
use super::headers::Headers;

/// The trailer section of a request, as it came, and then as it may be shown.
#[derive(Debug, Default)]
pub(crate) struct Trailers {
    /// Field lines, each with its line end.
    raw: Vec<u8>,
    /// Their text, if they are not UTF-8.
    text: Option<Box<str>>,
    is_complete: bool,
}

impl Trailers {
    /// Adds what has come of the section; the chunked coding has checked and counted it.
    pub(crate) fn push(&mut self, byte: u8) {
        self.raw.push(byte);
    }

    /// The section is complete: what must not stand there is dropped.
    pub(crate) fn complete(&mut self) {
        let received = std::mem::take(&mut self.raw);
        for line in received.split_inclusive(|byte| *byte == b'\n') {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            if may_trail(name) {
                self.raw.extend_from_slice(line);
            }
        }
        self.text = str::from_utf8(&self.raw).is_err().then(|| text_of(&self.raw));
        self.is_complete = true;
    }

    /// The fields, once the section is complete.
    pub(crate) fn fields(&self) -> Headers<'_> {
        match self.is_complete {
            true => Headers::new(&self.raw, self.text.as_deref()),
            false => Headers::empty(),
        }
    }
}

/// Whether a field of that name may stand in a trailer section.
pub(crate) fn may_trail(name: &[u8]) -> bool {
    let is = |forbidden: &&str| name.eq_ignore_ascii_case(forbidden.as_bytes());
    !FORBIDDEN.iter().any(is)
}

/// By the kinds of RFC 9110 §6.5.1.
const FORBIDDEN: [&str; 46] = [
    // Framing, and the connection.
    "Connection",
    "Content-Length",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    // Routing, and who is at the other end.
    "Forwarded",
    "Host",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    // What modifies a request.
    "Cache-Control",
    "Expect",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Max-Forwards",
    "Pragma",
    "Range",
    // Who asks, and who may.
    "Authentication-Info",
    "Authorization",
    "Cookie",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Authorization",
    "Set-Cookie",
    "WWW-Authenticate",
    // What controls an answer.
    "Age",
    "Date",
    "Expires",
    "Location",
    "Retry-After",
    "Vary",
    "Warning",
    // How the content is to be read.
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "Origin",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_shown_when_it_is_complete_and_without_what_must_not_stand_there() {
        let mut trailers = Trailers::default();
        let section =
            b"X-Sum: 1\r\nContent-Length: 5\r\nhost: b\r\nX-Name: caf\xe9\r\nCOOKIE: a\r\n";
        section.iter().for_each(|byte| trailers.push(*byte));
        assert!(trailers.fields().is_empty());
        trailers.complete();
        let shown: Vec<_> = trailers.fields().iter().collect();
        assert_eq!(shown, [("X-Sum", "1"), ("X-Name", "caf\u{e9}")]);
        assert_eq!(trailers.fields().get_bytes("x-name"), Some(&b"caf\xe9"[..]));
    }

    #[test]
    fn a_section_of_nothing_but_what_must_not_stand_there_is_empty() {
        let mut trailers = Trailers::default();
        b"Transfer-Encoding: chunked\r\n".iter().for_each(|byte| trailers.push(*byte));
        trailers.complete();
        assert_eq!(trailers.fields().len(), 0);
    }

    #[test]
    fn names_are_caseless() {
        for (name, may) in
            [("Digest", true), ("content-length", false), ("TRAILER", false), ("", true)]
        {
            assert_eq!(may_trail(name.as_bytes()), may, "{name}");
        }
    }
}
