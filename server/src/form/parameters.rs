//! `form-data; name="a"`: a value and its parameters (RFC 2045 §5.1, RFC 9110 §5.6.6).

use crate::http::bytes::is_token;

/// A field value in two: what stands in front of the first `;`, and the parameters.
pub(crate) fn split(value: &str) -> (&str, Parameters<'_>) {
    let end = memchr::memchr(b';', value.as_bytes()).unwrap_or(value.len());
    (value[..end].trim_ascii_end(), Parameters(&value[end..]))
}

/// The parameters of a field value, in their order.
#[derive(Clone)]
pub(crate) struct Parameters<'a>(&'a str);

/// A parameter that is no `name=value`.
#[derive(Debug, PartialEq)]
pub(crate) struct Malformed;

/// The value of a parameter, as it was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Raw<'a> {
    Bare(&'a str),
    /// What stands between the quotes.
    Quoted(&'a str),
}

impl<'a> Parameters<'a> {
    /// The parameter of that name, with what it stands for; two of it are malformed.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, Malformed> {
        let mut found = None;
        for parameter in self.clone() {
            let (own, raw) = parameter?;
            if own.eq_ignore_ascii_case(name) {
                let mut value = String::new();
                raw.push_to(&mut value);
                if found.replace(value).is_some() {
                    return Err(Malformed);
                }
            }
        }
        Ok(found)
    }

    fn parse(&mut self) -> Result<Option<(&'a str, Raw<'a>)>, Malformed> {
        let mut rest = self.0;
        // A semicolon that nothing follows is what RFC 9110 allows, too.
        loop {
            rest = rest.trim_ascii_start();
            match rest.strip_prefix(';') {
                Some(more) => rest = more,
                None => break,
            }
        }
        if rest.is_empty() {
            return Ok(None);
        }
        let equals = memchr::memchr(b'=', rest.as_bytes()).ok_or(Malformed)?;
        let (name, rest) = (&rest[..equals], &rest[equals + 1..]);
        let (raw, rest) = match rest.strip_prefix('"') {
            Some(rest) => {
                let end = closing_quote(rest.as_bytes()).ok_or(Malformed)?;
                (Raw::Quoted(&rest[..end]), &rest[end + 1..])
            }
            None => {
                let end = rest.find(';').unwrap_or(rest.len());
                let bare = rest[..end].trim_ascii_end();
                if !is_token(bare.as_bytes()) {
                    return Err(Malformed);
                }
                (Raw::Bare(bare), &rest[end..])
            }
        };
        let is_followed = rest.trim_ascii_start().starts_with(';') || rest.trim_ascii().is_empty();
        if !is_token(name.as_bytes()) || !is_followed {
            return Err(Malformed);
        }
        self.0 = rest;
        Ok(Some((name, raw)))
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<(&'a str, Raw<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let parsed = self.parse();
        if parsed.is_err() {
            self.0 = "";
        }
        parsed.transpose()
    }
}

/// Where a quoted string ends: at a quote that no backslash stands for.
fn closing_quote(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match (bytes[at], bytes.get(at + 1)) {
            (b'"', _) => return Some(at),
            (_, Some(b'"' | b'\\')) => at += 2,
            // Browsers do not escape a backslash, and old ones sent `C:\file`.
            _ => at += 1,
        }
    }
}

impl Raw<'_> {
    /// Adds what the value stands for.
    ///
    /// Within quotes, `\"` and `%22` are a quote: the one is RFC 2045, the other what browsers send
    /// (HTML standard, "multipart/form-data encoding algorithm"). `%0D` and `%0A`, which they send
    /// for line ends, stay as they are: no name needs a control character.
    pub(crate) fn push_to(self, text: &mut String) {
        let mut rest = match self {
            Raw::Bare(bare) => return text.push_str(bare),
            Raw::Quoted(quoted) => quoted,
        };
        while let Some(at) = memchr::memchr2(b'\\', b'%', rest.as_bytes()) {
            text.push_str(&rest[..at]);
            let escapes = [("\\\"", "\""), ("\\\\", "\\"), ("%22", "\"")];
            let escape = escapes.iter().find(|(sent, _)| rest[at..].starts_with(sent));
            let (sent, meant) = escape.copied().unwrap_or((&rest[at..at + 1], &rest[at..at + 1]));
            text.push_str(meant);
            rest = &rest[at + sent.len()..];
        }
        text.push_str(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Vec<(&str, String)>, Malformed> {
        let texts = split(value).1.map(|parameter| {
            let (name, raw) = parameter?;
            let mut text = String::new();
            raw.push_to(&mut text);
            Ok((name, text))
        });
        texts.collect()
    }

    #[test]
    fn parameters_are_bare_or_quoted() {
        for (value, expected) in [
            ("a", &[][..]),
            ("a;", &[]),
            ("a; ;", &[]),
            ("a; b=c", &[("b", "c")]),
            ("a;b=c;d=\"e\"", &[("b", "c"), ("d", "e")]),
            ("a ; b=c ; d=\"e;f\" ", &[("b", "c"), ("d", "e;f")]),
            ("a; b=\"\"", &[("b", "")]),
            (r#"a; b="c\"d"; e=f"#, &[("b", "c\"d"), ("e", "f")]),
            (r#"a; b="c\\"; e=f"#, &[("b", "c\\"), ("e", "f")]),
            (r#"a; b="C:\dir\file""#, &[("b", "C:\\dir\\file")]),
            (r#"a; b="%22%0D%0A%25%2""#, &[("b", "\"%0D%0A%25%2")]),
            ("a; b=%22", &[("b", "%22")]),
            ("a; b=\"caf\u{e9}\u{20ac}\"", &[("b", "caf\u{e9}\u{20ac}")]),
            ("a; b=\"c=d\"", &[("b", "c=d")]),
            ("a; b*=UTF-8''c", &[("b*", "UTF-8''c")]),
        ] {
            let expected = expected.iter().map(|(name, text)| (*name, (*text).to_owned()));
            assert_eq!(read(value), Ok(expected.collect()), "{value}");
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_malformed() {
        for value in [
            "a; b",
            "a; =c",
            "a; b=",
            "a; b =c",
            "a; b= c",
            "a; b=c d",
            "a; b=\"c",
            r#"a; b="c\""#,
            "a; b=\"c\"d",
            "a; b=\"c\" d=e",
            "a; b=c\"d\"",
            "a; b=caf\u{e9}",
            "a; b@=c",
            "a; b=c,d",
        ] {
            assert_eq!(read(value), Err(Malformed), "{value}");
        }
    }

    #[test]
    fn a_parameter_is_there_once() {
        assert_eq!(split("a; B=c").1.get("b"), Ok(Some("c".to_owned())));
        assert_eq!(split("a; b=c; B=d").1.get("b"), Err(Malformed));
        assert_eq!(split("a; b=c").1.get("d"), Ok(None));
        assert_eq!(split(" a ; b=c").0, " a");
    }
}
