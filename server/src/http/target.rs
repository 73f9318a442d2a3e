//! The request target: its four forms, its path and its query; decoded once, never twice.
//!
//! What a handler sees as `path` is the target as it was sent. Decoding happens where it is asked
//! for, on the part that was cut out first, so that `%2F` is never a separator and `%253F` stays
//! `%3F`.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;

use super::framing::{is_host, port_number};

/// The forms of a request target (RFC 9112 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `/where?q=now`
    Origin,
    /// `http://www.example.org/pub/WWW/`, as clients send it to a proxy.
    Absolute,
    /// `www.example.com:80`, for CONNECT.
    Authority,
    /// `*`, for OPTIONS.
    Asterisk,
}

/// Which form `target` has for `method`, if any. Its bytes have been looked at.
#[inline(always)] // nearly always a path
pub(crate) fn classify(method: &[u8], target: &[u8]) -> Option<Form> {
    match target {
        [b'/', ..] if method != b"CONNECT" => Some(Form::Origin),
        _ => classify_other(method, target),
    }
}

#[inline(never)]
fn classify_other(method: &[u8], target: &[u8]) -> Option<Form> {
    match (method, target) {
        (b"CONNECT", _) => is_authority(target).then_some(Form::Authority),
        (b"OPTIONS", b"*") => Some(Form::Asterisk),
        _ => is_absolute(target).then_some(Form::Absolute),
    }
}

/// `scheme://authority` and a path, for `http` and `https`; user information is refused (RFC 9110
/// §4.2.4).
fn is_absolute(target: &[u8]) -> bool {
    split_absolute(target).is_some_and(|(authority, _)| is_host(authority))
}

/// The authority of an absolute target, and what follows it.
fn split_absolute(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let (front, rest) = target.split_at_checked(scheme.len())?;
        front.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)
    })?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Some(rest.split_at(end))
}

/// `host:port`, both of them, and a port that can be connected to (RFC 9110 §9.3.6).
fn is_authority(target: &[u8]) -> bool {
    let port = memchr::memrchr(b':', target).and_then(|colon| target.get(colon + 1..));
    is_host(target) && port.and_then(port_number).is_some_and(|port| port > 0)
}

/// The host of an absolute target, with its port where there is one.
pub(crate) fn authority(target: &str) -> Option<&str> {
    let (authority, _) = split_absolute(target.as_bytes())?;
    str::from_utf8(authority).ok()
}

/// The path and the query of a target, both as they were sent.
///
/// Of an absolute target the path behind the host; an absent path is `/`, an absent query is empty.
pub(crate) fn split(target: &str) -> (&str, &str) {
    let local = match split_absolute(target.as_bytes()) {
        Some((_, rest)) => &target[target.len() - rest.len()..],
        None => target,
    };
    let (path, query) = local.split_once('?').unwrap_or((local, ""));
    // As of an origin target: what begins with two slashes must never become a link.
    let doubled = path.bytes().take_while(|byte| *byte == b'/').count().saturating_sub(1);
    (if path.is_empty() { "/" } else { &path[doubled..] }, query)
}

/// A path with its percent-encoded bytes decoded, as Python's `unquote`: bytes that are no UTF-8
/// become U+FFFD, and `%` that no two digits follow stays.
pub(crate) fn decode_path(path: &str) -> Cow<'_, str> {
    percent_decode_str(path).decode_utf8_lossy()
}

/// The query of a request, the part behind `?`.
///
/// Prints as it was sent; [`get`](Self::get) and [`pairs`](Self::pairs) decode it as Python's
/// `parse_qsl(keep_blank_values=True)`: `&` separates, `+` is a space, `%XX` is a byte of UTF-8.
///
/// ```
/// use basehttp::{Exchange, http_handler};
///
/// struct Search;
///
/// #[http_handler]
/// impl Search {
///     fn do_GET(&self, http: &mut Exchange) -> String {
///         let query = http.query();
///         format!("you look for {}", query.get("q").as_deref().unwrap_or("nothing"))
///     }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueryString<'a>(&'a str);

impl<'a> QueryString<'a> {
    /// A query from elsewhere: the body of a form has the same notation.
    ///
    /// ```
    /// use basehttp::QueryString;
    ///
    /// let form = QueryString::new("name=Ada+L.&note=caf%C3%A9");
    /// assert_eq!(form.get("note").as_deref(), Some("caf\u{e9}"));
    /// ```
    pub fn new(raw: &'a str) -> QueryString<'a> {
        QueryString(raw)
    }

    /// The query as it was sent, not decoded; empty where there is none.
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// Whether there is nothing behind the `?`, or no `?`.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The decoded value of the first pair of that name.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get_all(name).next()
    }

    /// The decoded values of all pairs of that name, in their order.
    pub fn get_all<'n>(&self, name: &'n str) -> impl Iterator<Item = Cow<'a, str>> + use<'a, 'n> {
        self.pairs().filter(move |pair| pair.0 == name).map(|pair| pair.1)
    }

    /// All pairs, decoded, in their order; a name without `=` has an empty value.
    pub fn pairs(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        self.0.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_pair(name), decode_pair(value))
        })
    }
}

impl fmt::Display for QueryString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for QueryString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

/// One half of a pair: `+` first, so that an encoded `%2B` stays a plus.
fn decode_pair(raw: &str) -> Cow<'_, str> {
    if !raw.contains('+') {
        return percent_decode_str(raw).decode_utf8_lossy();
    }
    let spaced = raw.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_one_of_four_forms() {
        use Form::*;
        for (method, target, form) in [
            ("GET", "/", Some(Origin)),
            ("GET", "/a?b=%zz", Some(Origin)),
            ("GET", "/a|b{c}^`\\", Some(Origin)),
            ("GET", "*", None),
            ("OPTIONS", "*", Some(Asterisk)),
            ("GET", "a", None),
            ("GET", "?a", None),
            ("GET", "http://a/b", Some(Absolute)),
            ("GET", "HTTP://a:80", Some(Absolute)),
            ("GET", "https://[::1]/?q", Some(Absolute)),
            ("GET", "http://", None),
            ("GET", "http:///a", None),
            ("GET", "http://user@a/", None),
            ("GET", "ftp://a/", None),
            ("GET", "a:80", None),
            ("CONNECT", "a:80", Some(Authority)),
            ("CONNECT", "a", None),
            ("CONNECT", "a:", None),
            ("CONNECT", "a:0", None),
            ("CONNECT", "[::1]:443", Some(Authority)),
            ("CONNECT", "[::1]", None),
            ("CONNECT", "/a", None),
        ] {
            assert_eq!(classify(method.as_bytes(), target.as_bytes()), form, "{method} {target}");
        }
    }

    #[test]
    fn path_and_query_are_cut_before_they_are_decoded() {
        for (target, path, query) in [
            ("/", "/", ""),
            ("/?foo=bar", "/", "foo=bar"),
            ("/a%2Fb%3Fc?d?e", "/a/b?c", "d?e"),
            ("/%2561", "/%61", ""),
            ("/100%", "/100%", ""),
            ("/caf%C3%A9", "/caf\u{e9}", ""),
            ("/%FF", "/\u{fffd}", ""),
            ("http://a/b?c", "/b", "c"),
            ("http://a?c", "/", "c"),
            ("http://a//evil.example/", "/evil.example/", ""),
            ("*", "*", ""),
        ] {
            let (raw_path, raw_query) = split(target);
            assert_eq!((&*decode_path(raw_path), raw_query), (path, query), "{target}");
        }
    }

    #[test]
    fn only_an_absolute_target_names_a_host() {
        for (target, host) in [
            ("http://a/b", Some("a")),
            ("HTTPS://A.example:443?c", Some("A.example:443")),
            ("http://[::1]:80", Some("[::1]:80")),
            ("/http://a/b", None),
            ("/", None),
            ("*", None),
        ] {
            assert_eq!(authority(target), host, "{target}");
        }
    }

    #[test]
    fn a_query_decodes_to_pairs() {
        let query = QueryString::new("a=1&b=x+y%2Bz&a=2&c&=d&&e=f=g;h");
        let pairs: Vec<(String, String)> =
            query.pairs().map(|(name, value)| (name.into(), value.into())).collect();
        let expected =
            [("a", "1"), ("b", "x y+z"), ("a", "2"), ("c", ""), ("", "d"), ("e", "f=g;h")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(query.get("a").as_deref(), Some("1"));
        assert_eq!(query.get_all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(query.get("z"), None);
        assert_eq!(query.as_str(), "a=1&b=x+y%2Bz&a=2&c&=d&&e=f=g;h");
        assert!(!query.is_empty() && QueryString::new("").is_empty());
        assert_eq!(format!("{:?}", QueryString::new("a=\"")), r#""a=\"""#);
        assert_eq!(query.to_string(), "a=1&b=x+y%2Bz&a=2&c&=d&&e=f=g;h");
    }
}
