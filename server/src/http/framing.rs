//! Where the body of a request ends, and whether the connection outlives it (RFC 9112 §6.3, §9.3).
//!
//! Decided here, once, from the head alone. No other file looks at `Content-Length`,
//! `Transfer-Encoding`, `Connection`, `Expect` or `Host`, so no two can disagree.

use std::net::Ipv6Addr;

use super::bytes::{host_len, is_host_byte};
use super::error::BadRequest;
use super::version::Version;
use crate::rarely::rarely;

/// How the body that follows a head is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyLength {
    Empty,
    /// `Content-Length` bytes, at least one.
    Known(u64),
    Chunked,
}

/// What happens to the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    KeepAlive,
    Close,
}

impl Persistence {
    /// `Close` where the connection ends.
    pub(crate) fn until(ends: bool) -> Persistence {
        if ends { Persistence::Close } else { Persistence::KeepAlive }
    }
}

/// What a head decides beyond its request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    pub(crate) body: BodyLength,
    pub(crate) persistence: Persistence,
    /// The client waits for `100 Continue` before it sends the body.
    pub(crate) expects_continue: bool,
}

impl Framing {
    /// No body, and no connection that outlives it.
    pub(crate) const NONE: Framing = Framing {
        body: BodyLength::Empty,
        persistence: Persistence::Close,
        expects_continue: false,
    };
}

/// Whether HTTP/1.1 has to come with `Host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostDemand {
    Required,
    /// `Config::allow_missing_host`
    Optional,
}

/// The fields of a head that frame its request, as far as they have come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FramingFields {
    host: bool,
    content_length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
    expects_other: bool,
}

impl FramingFields {
    /// Notes a field, and refuses whatever two readers could read differently.
    #[inline(always)]
    pub(crate) fn note(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadRequest> {
        let Some(first) = name.first() else { return Ok(()) };
        // Hardly any field is compared with a name at all, and one that is not in `FRAMING`, never.
        if FIRST_LETTERS.get(name.len()) != Some(&(*first | 0x20)) {
            return Ok(());
        }
        if is(name, b"Host") {
            return self.host(trim_blanks(value));
        }
        self.note_other(name, value)
    }

    /// Notes a field that is not `Host`.
    #[inline(never)]
    fn note_other(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadRequest> {
        let value = trim_blanks(value);
        match name.len() {
            14 if is(name, b"Content-Length") => self.content_length(value),
            17 if is(name, b"Transfer-Encoding") => self.transfer_encoding(value),
            10 if is(name, b"Connection") => {
                self.connection(value);
                Ok(())
            }
            6 if is(name, b"Expect") => {
                self.expect(value);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What they say together, once all have come.
    #[inline(always)]
    pub(crate) fn frame(self, version: Version, host: HostDemand) -> Result<Framing, BadRequest> {
        let is_11 = version >= Version::HTTP_11;
        if is_11 && !self.host && host == HostDemand::Required {
            rarely();
            return Err(BadRequest::Host);
        }
        if is_11 && self.expects_other {
            rarely();
            return Err(BadRequest::Expectation);
        }
        let body = match (self.chunked, self.content_length) {
            (true, Some(_)) => {
                rarely();
                return Err(BadRequest::AmbiguousBody);
            }
            // RFC 9112 §6.1: a coding in a 1.0 message means that some hop did not understand it.
            (true, None) if !is_11 => {
                rarely();
                return Err(BadRequest::MisplacedCoding);
            }
            (true, None) => BodyLength::Chunked,
            (false, None | Some(0)) => BodyLength::Empty,
            (false, Some(length)) => BodyLength::Known(length),
        };
        let persists = !self.close && (is_11 || self.keep_alive);
        Ok(Framing {
            body,
            persistence: Persistence::until(!persists),
            // RFC 9110 §10.1.1: a 1.0 client cannot mean it, and without a body nobody waits.
            expects_continue: self.expects_continue && is_11 && body != BodyLength::Empty,
        })
    }

    #[inline(always)] // every request has one
    fn host(&mut self, value: &[u8]) -> Result<(), BadRequest> {
        if self.host || !is_host(value) {
            rarely();
            return Err(BadRequest::Host);
        }
        self.host = true;
        Ok(())
    }

    /// One plain decimal number. A second field is refused even where it repeats the first, and so
    /// is a list: RFC 9112 §6.3 allows that, and nobody honest needs the other.
    fn content_length(&mut self, value: &[u8]) -> Result<(), BadRequest> {
        let length = number(value, u64::MAX).filter(|_| self.content_length.is_none());
        self.content_length = Some(length.ok_or(BadRequest::ContentLength)?);
        Ok(())
    }

    /// `chunked`, alone and once: any other coding is unknown here, and one that is not last does
    /// not tell where the body ends.
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), BadRequest> {
        if !self.chunked && value.eq_ignore_ascii_case(b"chunked") {
            self.chunked = true;
            return Ok(());
        }
        self.other_coding(value)
    }

    #[cold]
    fn other_coding(&self, value: &[u8]) -> Result<(), BadRequest> {
        if self.chunked {
            return Err(BadRequest::MisplacedCoding);
        }
        match tokens(value).filter(|token| token.eq_ignore_ascii_case(b"chunked")).count() {
            0 if !value.is_empty() => Err(BadRequest::TransferCoding),
            1 if tokens(value)
                .next_back()
                .is_some_and(|last| last.eq_ignore_ascii_case(b"chunked")) =>
            {
                Err(BadRequest::TransferCoding)
            }
            _ => Err(BadRequest::MisplacedCoding),
        }
    }

    /// Several fields are one list (RFC 9110 §5.3), and `close` wins.
    fn connection(&mut self, value: &[u8]) {
        match value {
            b"keep-alive" => self.keep_alive = true,
            b"close" => self.close = true,
            options => {
                for option in tokens(options) {
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
        }
    }

    #[cold]
    fn expect(&mut self, value: &[u8]) {
        match value.eq_ignore_ascii_case(b"100-continue") {
            true => self.expects_continue = true,
            false => self.expects_other = true,
        }
    }
}

/// The fields that frame a request: no two names are of one length.
const FRAMING: [&str; 5] = ["Host", "Expect", "Connection", "Content-Length", "Transfer-Encoding"];

/// What the one with a name of so many bytes begins with, in lower case.
const FIRST_LETTERS: [u8; 18] = {
    let mut letters = [0; 18];
    let mut at = 0;
    while at < FRAMING.len() {
        let name = FRAMING[at].as_bytes();
        assert!(letters[name.len()] == 0, "two names of one length");
        letters[name.len()] = name[0] | 0x20;
        at += 1;
    }
    letters
};

/// Without the blanks around it (RFC 9110 §5.6.3).
#[inline(always)]
pub(crate) fn trim_blanks(value: &[u8]) -> &[u8] {
    match value {
        // As nearly every field is written.
        [b' ', value @ ..] if !matches!(value, [b' ' | b'\t', ..] | [.., b' ' | b'\t']) => value,
        _ => trim_other_blanks(value),
    }
}

/// The same for any number of blanks.
#[inline(never)]
fn trim_other_blanks(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// As it is usually spelt first: that is one comparison.
#[inline(always)]
fn is(name: &[u8], known: &[u8]) -> bool {
    name == known || is_in_other_spelling(name, known)
}

#[inline(never)]
fn is_in_other_spelling(name: &[u8], known: &[u8]) -> bool {
    name.eq_ignore_ascii_case(known)
}

/// The elements of a comma-separated list, without the blanks around them.
fn tokens(value: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim_blanks)
}

/// `uri-host [ ":" port ]` with a host that is not empty (RFC 9110 §4.2.1, §7.2; RFC 3986 §3.2).
#[inline(always)]
pub(crate) fn is_host(value: &[u8]) -> bool {
    let (name, port) = value.split_at(host_len(value));
    let is_usual = match port {
        [] => true,
        // No number of four digits is too large.
        [b':', a, b, c, d] => [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    (is_usual && !name.is_empty()) || is_other_host(value)
}

/// The same for any host: with `%`, in brackets, with any port.
#[inline(never)]
fn is_other_host(value: &[u8]) -> bool {
    let host_len = match value.first() {
        Some(b'[') => ip_literal_len(value),
        _ => reg_name_len(value),
    };
    let (host, port) = value.split_at(host_len);
    !host.is_empty()
        && match port {
            [] => true,
            [b':'] => true,
            [b':', digits @ ..] => port_number(digits).is_some(),
            _ => false,
        }
}

/// A port as URIs write it: digits alone, and no more than 65535.
pub(crate) fn port_number(digits: &[u8]) -> Option<u16> {
    u16::try_from(number(digits, u16::MAX.into())?).ok()
}

/// A plain decimal number up to `max`: digits alone, and at least one.
///
/// It is compared before it grows, which is quicker than a product that may overflow.
#[inline(always)] // with `max` known, nothing is divided
fn number(digits: &[u8], max: u64) -> Option<u64> {
    let number = digits.iter().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        let is_sound = digit <= 9 && number <= max / 10;
        is_sound.then(|| number * 10)?.checked_add(u64::from(digit))
    });
    number.filter(|number| !digits.is_empty() && *number <= max)
}

/// How long the registered name, or the IPv4 address, at the front is.
fn reg_name_len(value: &[u8]) -> usize {
    let mut len = 0;
    loop {
        len += host_len(&value[len..]);
        match &value[len..] {
            [b'%', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => len += 3,
            _ => return len,
        }
    }
}

/// How long the address in brackets at the front is, 0 if it is none: IPv6, or the `IPvFuture` of
/// RFC 3986 §3.2.2.
fn ip_literal_len(value: &[u8]) -> usize {
    let Some(end) = memchr::memchr(b']', value) else { return 0 };
    let is_address = match &value[1..end] {
        [b'v' | b'V', future @ ..] => {
            let mut parts = future.splitn(2, |byte| *byte == b'.');
            let mut part = || parts.next().filter(|part| !part.is_empty());
            part().is_some_and(|version| version.iter().all(u8::is_ascii_hexdigit))
                && part().is_some_and(|address| {
                    address.iter().all(|&byte| is_host_byte(byte) || byte == b':')
                })
        }
        address => str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok()),
    };
    if is_address { end + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(version: Version, fields: &[(&str, &str)]) -> Result<Framing, BadRequest> {
        let mut framing = FramingFields::default();
        for (name, value) in fields {
            framing.note(name.as_bytes(), value.as_bytes())?;
        }
        framing.frame(version, HostDemand::Required)
    }

    fn on_11(fields: &[(&str, &str)]) -> Result<Framing, BadRequest> {
        framed(Version::HTTP_11, &[&[("Host", "a")], fields].concat())
    }

    #[test]
    fn a_body_is_framed_by_one_field_or_not_at_all() {
        for (fields, body) in [
            (&[][..], Ok(BodyLength::Empty)),
            (&[("Content-Length", "0")], Ok(BodyLength::Empty)),
            (&[("content-length", "12")], Ok(BodyLength::Known(12))),
            (&[("Content-Length", "18446744073709551615")], Ok(BodyLength::Known(u64::MAX))),
            (&[("Content-Length", "18446744073709551616")], Err(BadRequest::ContentLength)),
            (&[("Content-Length", "")], Err(BadRequest::ContentLength)),
            (&[("Content-Length", "+2")], Err(BadRequest::ContentLength)),
            (&[("Content-Length", "-1")], Err(BadRequest::ContentLength)),
            (&[("Content-Length", "0_2")], Err(BadRequest::ContentLength)),
            (&[("Content-Length", "0x2")], Err(BadRequest::ContentLength)),
            (&[("Content-Length", "2 2")], Err(BadRequest::ContentLength)),
            (&[("Content-Length", "2, 2")], Err(BadRequest::ContentLength)),
            (&[("Content-Length", "2"), ("Content-Length", "3")], Err(BadRequest::ContentLength)),
            (&[("Content-Length", "2"), ("Content-Length", "2")], Err(BadRequest::ContentLength)),
            (&[("Transfer-Encoding", "chunked")], Ok(BodyLength::Chunked)),
            (&[("transfer-encoding", "Chunked")], Ok(BodyLength::Chunked)),
            (&[("Transfer-Encoding", "gzip")], Err(BadRequest::TransferCoding)),
            (&[("Transfer-Encoding", "xchunked")], Err(BadRequest::TransferCoding)),
            (&[("Transfer-Encoding", "\"chunked\"")], Err(BadRequest::TransferCoding)),
            (&[("Transfer-Encoding", "gzip, chunked")], Err(BadRequest::TransferCoding)),
            (&[("Transfer-Encoding", "chunked, gzip")], Err(BadRequest::MisplacedCoding)),
            (&[("Transfer-Encoding", "chunked, chunked")], Err(BadRequest::MisplacedCoding)),
            (&[("Transfer-Encoding", "chunked,")], Err(BadRequest::MisplacedCoding)),
            (&[("Transfer-Encoding", "")], Err(BadRequest::MisplacedCoding)),
            (
                &[("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
                Err(BadRequest::MisplacedCoding),
            ),
            (
                &[("Transfer-Encoding", "chunked"), ("Content-Length", "2")],
                Err(BadRequest::AmbiguousBody),
            ),
            (
                &[("Content-Length", "0"), ("Transfer-Encoding", "chunked")],
                Err(BadRequest::AmbiguousBody),
            ),
        ] {
            assert_eq!(on_11(fields).map(|framing| framing.body), body, "{fields:?}");
        }
    }

    #[test]
    fn a_field_is_known_by_its_whole_name() {
        let fields = [
            ("Hosx", "a b"),
            ("Expecx", "a-pony"),
            ("Connectiox", "close"),
            ("Content-Lengtx", "x"),
            ("Transfer-Encodinx", "gzip"),
        ];
        let framing = on_11(&fields).unwrap();
        assert_eq!(framing.body, BodyLength::Empty);
        assert_eq!(framing.persistence, Persistence::KeepAlive);
    }

    #[test]
    fn a_coding_on_http_10_is_refused() {
        let coded = framed(Version::HTTP_10, &[("Transfer-Encoding", "chunked")]);
        assert_eq!(coded, Err(BadRequest::MisplacedCoding));
    }

    #[test]
    fn persistence_follows_the_version_and_the_connection_field() {
        use Persistence::{Close, KeepAlive};
        for (version, connection, expected) in [
            (Version::HTTP_11, None, KeepAlive),
            (Version::HTTP_11, Some("close"), Close),
            (Version::HTTP_11, Some("Close"), Close),
            (Version::HTTP_11, Some("TE, close"), Close),
            (Version::HTTP_11, Some("keep-alive, close"), Close),
            (Version::HTTP_11, Some("closed"), KeepAlive),
            (Version::HTTP_10, None, Close),
            (Version::HTTP_10, Some("Keep-Alive"), KeepAlive),
            (Version::HTTP_10, Some("keep-alive, close"), Close),
        ] {
            let mut fields = vec![("Host", "a")];
            fields.extend(connection.map(|value| ("Connection", value)));
            let framing = framed(version, &fields).unwrap();
            assert_eq!(framing.persistence, expected, "{version} {connection:?}");
        }
    }

    #[test]
    fn http_11_names_one_host() {
        for (fields, sound) in [
            (&[][..], false),
            (&[("Host", "a")], true),
            (&[("Host", "a"), ("Host", "a")], false),
            (&[("Host", "")], false),
        ] {
            assert_eq!(framed(Version::HTTP_11, fields).is_ok(), sound, "{fields:?}");
        }
        let none = FramingFields::default();
        assert!(none.frame(Version::HTTP_11, HostDemand::Optional).is_ok());
        assert!(framed(Version::HTTP_10, &[]).is_ok());
        assert!(framed(Version::HTTP_10, &[("Host", "a"), ("Host", "a")]).is_err());
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for (host, sound) in [
            ("localhost", true),
            ("localhost:8080", true),
            ("localhost:", true),
            ("127.0.0.1:80", true),
            ("[::1]", true),
            ("[::1]:8080", true),
            ("xn--bcher-kva.example", true),
            ("a_b.example", true),
            ("%41.example", true),
            ("%4.example", false),
            ("%zz", false),
            ("", false),
            (":80", false),
            ("[]", false),
            ("[v1.fe:80]", true),
            ("[VaF.1.2]", true),
            ("[v1]", false),
            ("[v.a]", false),
            ("[v1.]", false),
            ("[vx.a]", false),
            ("[v1.a/b]", false),
            ("[1::2::3]", false),
            ("[127.0.0.1]", false),
            ("[::1", false),
            ("[::1]x", false),
            ("[::1]80", false),
            ("a b", false),
            ("a/b", false),
            ("user@a", false),
            ("a:b", false),
            ("a:80:80", false),
            ("a:65535", true),
            ("a:65536", false),
            ("a:65539", false),
            ("a:65540", false),
            ("a:000080", true),
            ("a:123456", false),
            ("a?b", false),
            ("a#b", false),
            ("h\u{f6}st", false),
        ] {
            assert_eq!(is_host(host.as_bytes()), sound, "{host:?}");
        }
    }

    #[test]
    fn only_100_continue_is_expected_and_only_with_a_body() {
        let expects =
            |fields: &[(&str, &str)]| on_11(fields).map(|framing| framing.expects_continue);
        let length = ("Content-Length", "5");
        assert_eq!(expects(&[("Expect", "100-continue"), length]), Ok(true));
        assert_eq!(expects(&[("Expect", "100-Continue"), length]), Ok(true));
        assert_eq!(expects(&[("Expect", "100-continue")]), Ok(false));
        assert_eq!(expects(&[("Expect", "a-pony"), length]), Err(BadRequest::Expectation));
        for expectation in ["100-continue", "a-pony"] {
            let on_10 = framed(Version::HTTP_10, &[("Expect", expectation), length]);
            assert!(!on_10.unwrap().expects_continue, "{expectation}");
        }
    }
}
