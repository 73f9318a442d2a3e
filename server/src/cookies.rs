//! `Cookie`: what a client brings back of what it was given (RFC 6265).

use std::fmt;

use crate::http::headers::Headers;

/// The cookies of a request; made by [`Exchange::cookies`](crate::Exchange::cookies).
///
/// Read where they stand, as RFC 6265 §5.4 has clients write them: pairs between semicolons, blanks
/// around names and values dropped, and so are the quotes that a value may stand in. Names compare
/// with regard to case. Nothing is decoded: what `%` means in a value is between a program and
/// itself. What has no `=` is no cookie.
///
/// ```
/// use basehttp::{Exchange, http_handler};
///
/// struct Visits;
///
/// #[http_handler]
/// impl Visits {
///     fn do_GET(&self, http: &mut Exchange) -> String {
///         let before: u32 = http.cookies().get("visits").and_then(|n| n.parse().ok()).unwrap_or(0);
///         http.send_response(200)
///             .send_header("Set-Cookie", format_args!("visits={}; HttpOnly", before + 1));
///         format!("you were here {before} times")
///     }
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Cookies<'a>(Headers<'a>);

impl<'a> Cookies<'a> {
    pub(crate) fn new(headers: Headers<'a>) -> Cookies<'a> {
        Cookies(headers)
    }

    /// The value of the first cookie of that name: of several, the one for the longest path (RFC
    /// 6265 §5.4).
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.iter().find(|cookie| cookie.0 == name).map(|cookie| cookie.1)
    }

    /// All cookies as (name, value), in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let lines = self.0.iter().filter(|field| field.0.eq_ignore_ascii_case("cookie"));
        let pairs = lines.flat_map(|field| field.1.split(';'));
        pairs.filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((trim(name), unquote(trim(value))))
        })
    }
}

/// The cookies as `{name: value, …}`.
impl fmt::Debug for Cookies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// RFC 6265 §4.1.1: a value may stand in double quotes, which cannot be part of it.
fn unquote(value: &str) -> &str {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inner.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(block: &str) -> Vec<(&str, &str)> {
        Cookies::new(Headers::new(block.as_bytes(), None)).iter().collect()
    }

    #[test]
    fn pairs_stand_between_semicolons() {
        for (value, expected) in [
            ("a=1", &[("a", "1")][..]),
            ("a=1; b=2", &[("a", "1"), ("b", "2")]),
            ("a=1;b=2;", &[("a", "1"), ("b", "2")]),
            (" a = 1 ;\tb=\"2 3\"", &[("a", "1"), ("b", "2 3")]),
            ("a=b=c", &[("a", "b=c")]),
            ("a=", &[("a", "")]),
            ("a=\"", &[("a", "\"")]),
            ("a=\"\"", &[("a", "")]),
            ("=1", &[("", "1")]),
            ("nothing; a=%41", &[("a", "%41")]),
            ("a=1,b=2", &[("a", "1,b=2")]),
            ("$Version=1; A=1; a=2", &[("$Version", "1"), ("A", "1"), ("a", "2")]),
            (";;", &[]),
            ("", &[]),
        ] {
            assert_eq!(cookies(&format!("Cookie: {value}\r\n")), expected, "{value:?}");
        }
        assert_eq!(cookies("X: a=1\r\n"), []);
        assert_eq!(cookies("cookie: a=1\r\nCOOKIE: a=2\r\n"), [("a", "1"), ("a", "2")]);
    }

    #[test]
    fn the_first_of_a_name_counts_and_names_are_exact() {
        let block = "Cookie: a=1; a=2; A=3\r\n";
        let cookies = Cookies::new(Headers::new(block.as_bytes(), None));
        assert_eq!((cookies.get("a"), cookies.get("A")), (Some("1"), Some("3")));
        assert_eq!(cookies.get("b"), None);
        assert_eq!(format!("{cookies:?}"), r#"{"a": "1", "a": "2", "A": "3"}"#);
    }
}
