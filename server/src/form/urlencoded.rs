//! `a=1&b=two+words`: queries, and bodies of the same notation (HTML standard,
//! "application/x-www-form-urlencoded parsing").
//!
//! `&` separates and nothing else does: readers that took `;` as well could be shown one form, and a
//! cache in front of them another.

use memchr::{memchr, memchr2};

use super::error::BadForm;
use super::text::{Charset, TextErrors};

/// How pairs are read.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) keep_blank_values: bool,
    pub(crate) strict: bool,
    pub(crate) errors: TextErrors,
    pub(crate) charset: Charset,
}

/// The decoded pairs of `raw`, in their order.
pub(crate) fn pairs(
    raw: &[u8],
    rules: Rules,
) -> impl Iterator<Item = Result<(String, String), BadForm>> {
    // An empty form has no pair, not an empty one.
    let mut rest = Some(raw).filter(|raw| !raw.is_empty());
    let next = move || {
        let raw = rest?;
        let end = memchr(b'&', raw).unwrap_or(raw.len());
        rest = raw.get(end + 1..);
        Some(&raw[..end])
    };
    std::iter::from_fn(next).filter_map(move |raw| pair(raw, rules).transpose())
}

/// The two halves of a pair; `None` for one that does not count.
fn pair(raw: &[u8], rules: Rules) -> Result<Option<(String, String)>, BadForm> {
    let equals = memchr(b'=', raw);
    if rules.strict && equals.is_none_or(|at| at == 0) {
        return Err(BadForm::Pair);
    }
    let (name, value) = raw.split_at(equals.unwrap_or(raw.len()));
    let value = value.get(1..).unwrap_or_default();
    if raw.is_empty() || (value.is_empty() && !rules.keep_blank_values) {
        return Ok(None);
    }
    Ok(Some((decode(name, rules)?, decode(value, rules)?)))
}

/// `+` is a space, `%XX` a byte; a `%` of another kind stays, unless parsing is strict.
fn decode(raw: &[u8], rules: Rules) -> Result<String, BadForm> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr2(b'%', b'+', rest) {
        bytes.extend_from_slice(&rest[..at]);
        let (byte, used) = match rest[at..] {
            [b'+', ..] => (b' ', 1),
            [_, high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(high) << 4 | hex(low), 3)
            }
            _ if rules.strict => return Err(BadForm::PercentEncoding),
            _ => (b'%', 1),
        };
        bytes.push(byte);
        rest = &rest[at + used..];
    }
    bytes.extend_from_slice(rest);
    rules.charset.decode(bytes, rules.errors)
}

/// The value of a hexadecimal digit.
fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENIENT: Rules = Rules {
        keep_blank_values: true,
        strict: false,
        errors: TextErrors::Refuse,
        charset: Charset::Utf8,
    };

    fn read(raw: impl AsRef<[u8]>, rules: Rules) -> Result<Vec<(String, String)>, BadForm> {
        pairs(raw.as_ref(), rules).collect()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn pairs_are_decoded() {
        for (raw, expected) in [
            ("", &[][..]),
            ("a=1", &[("a", "1")]),
            ("a=1&a=2&b=", &[("a", "1"), ("a", "2"), ("b", "")]),
            ("a&=b&=&&", &[("a", ""), ("", "b"), ("", "")]),
            ("a=b=c", &[("a", "b=c")]),
            ("a+b=c%2Bd+%2B", &[("a b", "c+d +")]),
            ("%61%3D=%26", &[("a=", "&")]),
            ("a=1;b=2", &[("a", "1;b=2")]),
            ("a=%C3%A9%e2%82%ac", &[("a", "\u{e9}\u{20ac}")]),
            (
                "a=%&b=%4&c=%zz&d=%%41&e=%-1",
                &[("a", "%"), ("b", "%4"), ("c", "%zz"), ("d", "%A"), ("e", "%-1")],
            ),
            ("a=\u{e9}", &[("a", "\u{e9}")]),
            ("a=%2541", &[("a", "%41")]),
            ("a=%00", &[("a", "\0")]),
        ] {
            assert_eq!(read(raw, LENIENT), Ok(owned(expected)), "{raw}");
        }
    }

    #[test]
    fn blank_values_may_be_dropped() {
        let rules = Rules { keep_blank_values: false, ..LENIENT };
        assert_eq!(read("a=&b&c=1&=&=d", rules), Ok(owned(&[("c", "1"), ("", "d")])));
    }

    #[test]
    fn strictness_refuses_what_is_no_pair_and_no_escape() {
        let rules = Rules { strict: true, ..LENIENT };
        for (raw, error) in [
            ("a", BadForm::Pair),
            ("a=1&&b=2", BadForm::Pair),
            ("a=1&", BadForm::Pair),
            ("=a", BadForm::Pair),
            ("a=%", BadForm::PercentEncoding),
            ("a=%4", BadForm::PercentEncoding),
            ("a%zz=1", BadForm::PercentEncoding),
        ] {
            assert_eq!(read(raw, rules), Err(error), "{raw}");
        }
        assert_eq!(read("a=1&b=%41+", rules), Ok(owned(&[("a", "1"), ("b", "A ")])));
        assert_eq!(read("", rules), Ok(owned(&[])));
    }

    #[test]
    fn what_is_no_text_is_refused_or_replaced() {
        assert_eq!(read("a=%FF", LENIENT), Err(BadForm::Text));
        assert_eq!(read(b"a=\xff", LENIENT), Err(BadForm::Text));
        let replacing = Rules { errors: TextErrors::Replace, ..LENIENT };
        assert_eq!(read("a=%FFb", replacing), Ok(owned(&[("a", "\u{fffd}b")])));
        let latin = Rules { charset: Charset::Latin1, ..LENIENT };
        assert_eq!(read("a=%E9", latin), Ok(owned(&[("a", "\u{e9}")])));
    }
}
