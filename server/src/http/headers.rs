//! The header fields of a request: ordered, caseless, slices of the receive buffer.
//!
//! Nothing is copied and nothing is indexed: a look-up walks the lines, which have been checked
//! when the head was parsed. For the dozen fields of a request that beats building a map.

use std::fmt;
use std::ops::Range;

use mime::Mime;

/// The header fields of a request, in the order they came (Python: `headers`).
///
/// Names compare without regard to case; a name may occur several times. It is `Copy`: a view into
/// the received bytes that lives as long as the request.
///
/// ```
/// use basehttp::{Exchange, http_handler};
///
/// struct Greeter;
///
/// #[http_handler]
/// impl Greeter {
///     fn do_GET(&self, http: &mut Exchange) -> String {
///         let agent = http.headers.get("user-agent").unwrap_or("stranger");
///         format!("hello {agent}, you sent {} fields", http.headers.len())
///     }
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Headers<'a> {
    /// The field lines as received, each with its line end.
    raw: &'a [u8],
    /// The same lines as text, where they are not UTF-8.
    other_text: Option<&'a str>,
}

impl<'a> Headers<'a> {
    /// `raw` has lines, each of them `name: value` CR LF; so has the text that is needed where they
    /// are not all UTF-8.
    pub(crate) fn new(raw: &'a [u8], other_text: Option<&'a str>) -> Headers<'a> {
        Headers { raw, other_text }
    }

    /// No fields: what there is before a head has been understood.
    pub(crate) fn empty() -> Headers<'static> {
        Headers { raw: b"", other_text: None }
    }

    /// The lines as they were received, each with its line end.
    pub(crate) fn lines(&self) -> &'a [u8] {
        self.raw
    }

    /// The value of the first field of that name, without the blanks around it.
    ///
    /// As text: UTF-8 where it is valid, else each byte as the Latin-1 character that Python makes
    /// of it.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.get_all(name).next()
    }

    /// The bytes of the first field of that name, as they were received.
    pub fn get_bytes(&self, name: &str) -> Option<&'a [u8]> {
        let raw = self.raw;
        Lines::new(raw)
            .find(|line| raw[line.name.clone()].eq_ignore_ascii_case(name.as_bytes()))
            .map(|line| &raw[line.value])
    }

    /// The values of all fields of that name, in their order.
    pub fn get_all<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.iter().filter(move |field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1)
    }

    /// Whether there is a field of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.get_bytes(name).is_some()
    }

    /// All fields as (name, value), in their order; names as the client spelt them.
    pub fn iter(&self) -> Iter<'a> {
        let block = self.other_text.map_or(self.raw, str::as_bytes);
        Iter { block, lines: Lines::new(block) }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        memchr::memchr_iter(b'\n', self.raw).count()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// `Content-Type` as a media type; `None` where it is absent or is none.
    pub fn get_content_type(&self) -> Option<Mime> {
        self.get("content-type")?.parse().ok()
    }
}

/// The fields as `{name: value, …}`.
impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// The fields as lines, `name: value`, as Python prints them.
impl fmt::Display for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(name, value)| writeln!(f, "{name}: {value}"))
    }
}

impl<'a> IntoIterator for Headers<'a> {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Headers<'a> {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Iterates over the fields of a request; made by [`Headers::iter`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    block: &'a [u8],
    lines: Lines<'a>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        // What stands between ASCII in a text is a text.
        let text = |part| str::from_utf8(&self.block[part]).unwrap_or_default();
        self.lines.next().map(|line| (text(line.name), text(line.value)))
    }
}

/// Where the parts of each field line are.
#[derive(Clone, Debug)]
struct Lines<'a> {
    block: &'a [u8],
    at: usize,
}

struct Line {
    name: Range<usize>,
    value: Range<usize>,
}

impl<'a> Lines<'a> {
    fn new(block: &'a [u8]) -> Lines<'a> {
        Lines { block, at: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let rest = self.block.get(self.at..)?;
        let end = memchr::memchr(b'\n', rest)?;
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        let colon = memchr::memchr(b':', line)?;
        let value = &line[colon + 1..];
        let blanks = value.iter().take_while(|byte| is_blank(**byte)).count();
        let value_start = self.at + colon + 1 + blanks;
        let found = Line {
            name: self.at..self.at + colon,
            value: value_start..value_start + value[blanks..].trim_ascii_end().len(),
        };
        self.at += end + 1;
        Some(found)
    }
}

/// Optional white space around a field value (RFC 9110 §5.6.3).
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "Host: here\r\nX-Tag:one\r\nx-tag: \t two \t\r\nEmpty:\r\nCase: A:B\r\n";

    fn headers() -> Headers<'static> {
        Headers::new(BLOCK.as_bytes(), None)
    }

    #[test]
    fn names_are_caseless_and_values_are_trimmed() {
        for (name, value) in [
            ("host", Some("here")),
            ("HOST", Some("here")),
            ("X-TAG", Some("one")),
            ("empty", Some("")),
            ("case", Some("A:B")),
            ("hos", None),
            ("", None),
        ] {
            assert_eq!(headers().get(name), value, "{name}");
            assert_eq!(headers().get_bytes(name), value.map(str::as_bytes), "{name}");
            assert_eq!(headers().contains(name), value.is_some(), "{name}");
        }
        assert_eq!(headers().get_all("x-tag").collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn fields_keep_their_order_and_spelling() {
        let names: Vec<_> = headers().iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Host", "X-Tag", "x-tag", "Empty", "Case"]);
        assert_eq!(headers().len(), 5);
        let lines = "Host: here\nX-Tag: one\nx-tag: two\nEmpty: \nCase: A:B\n";
        assert_eq!(headers().to_string(), lines);
        assert_eq!(headers().lines(), BLOCK.as_bytes());
        assert!(!headers().is_empty());
        assert!(Headers::empty().is_empty());
    }

    #[test]
    fn text_and_bytes_may_differ() {
        let raw = b"A: caf\xe9\r\nB: x\r\n";
        let headers = Headers::new(raw, Some("A: caf\u{e9}\r\nB: x\r\n"));
        assert_eq!(headers.get("a"), Some("caf\u{e9}"));
        assert_eq!(headers.get_bytes("a"), Some(&b"caf\xe9"[..]));
        assert_eq!(headers.get("b"), Some("x"));
    }

    #[test]
    fn a_content_type_is_parsed_or_absent() {
        let block = "content-type: text/html; charset=utf-8\r\n";
        let parsed = Headers::new(block.as_bytes(), None).get_content_type();
        assert_eq!(parsed.unwrap().essence_str(), "text/html");
        let block = "content-type: nonsense\r\n";
        assert_eq!(Headers::new(block.as_bytes(), None).get_content_type(), None);
    }
}
