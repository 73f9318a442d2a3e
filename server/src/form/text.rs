//! Bytes of a form as text: in which charset, and what becomes of bytes that are not in it.

use super::error::BadForm;

/// What becomes of bytes that are no text in their charset (Python: `errors`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextErrors {
    /// The form is refused with 400 ([`BadForm::Text`]); the default.
    #[default]
    Refuse,
    /// Each becomes U+FFFD, as in Python.
    Replace,
}

/// The charsets that forms are read in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Charset {
    #[default]
    Utf8,
    /// ISO-8859-1 as the Encoding Standard has it: windows-1252, in which no byte is wrong.
    Latin1,
}

impl Charset {
    /// The charset of that name, as the Encoding Standard spells it.
    pub(crate) fn named(label: &str) -> Result<Charset, BadForm> {
        let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(label.trim()));
        match () {
            () if is(&["utf-8", "utf8", "us-ascii", "ascii"]) => Ok(Charset::Utf8),
            () if is(&["iso-8859-1", "latin1", "windows-1252", "cp1252"]) => Ok(Charset::Latin1),
            () => Err(BadForm::Charset),
        }
    }

    /// The bytes as text; those of UTF-8 are not copied.
    pub(crate) fn decode(self, bytes: Vec<u8>, errors: TextErrors) -> Result<String, BadForm> {
        match (self, errors) {
            (Charset::Latin1, _) => Ok(bytes.iter().map(|byte| latin1(*byte)).collect()),
            (Charset::Utf8, TextErrors::Refuse) => {
                String::from_utf8(bytes).map_err(|_| BadForm::Text)
            }
            (Charset::Utf8, TextErrors::Replace) => Ok(String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())),
        }
    }
}

fn latin1(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// What windows-1252 has where Latin-1 has control characters.
#[rustfmt::skip]
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// Whether bytes that come in pieces are UTF-8 as a whole.
#[derive(Default)]
pub(crate) struct Utf8Check {
    /// The beginning of a character whose end has not come.
    begun: Vec<u8>,
}

impl Utf8Check {
    pub(crate) fn add(&mut self, mut piece: &[u8]) -> Result<(), BadForm> {
        while !self.begun.is_empty()
            && let Some((byte, rest)) = piece.split_first()
        {
            self.begun.push(*byte);
            piece = rest;
            match str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(BadForm::Text),
            }
        }
        match str::from_utf8(piece) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_none() => {
                self.begun.extend_from_slice(&piece[error.valid_up_to()..]);
                Ok(())
            }
            Err(_) => Err(BadForm::Text),
        }
    }

    pub(crate) fn end(self) -> Result<(), BadForm> {
        if self.begun.is_empty() { Ok(()) } else { Err(BadForm::Text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_its_charset() {
        use Charset::*;
        use TextErrors::*;
        for (charset, errors, bytes, text) in [
            (Utf8, Refuse, &b"caf\xc3\xa9"[..], Ok("caf\u{e9}")),
            (Utf8, Refuse, b"caf\xe9", Err(BadForm::Text)),
            (Utf8, Replace, b"caf\xe9", Ok("caf\u{fffd}")),
            (Latin1, Refuse, b"caf\xe9 \x80 \x81", Ok("caf\u{e9} \u{20ac} \u{81}")),
        ] {
            let decoded = charset.decode(bytes.to_vec(), errors);
            assert_eq!(decoded.as_deref().map_err(|error| *error), text, "{charset:?} {errors:?}");
        }
    }

    #[test]
    fn charsets_have_several_names() {
        for (label, charset) in [
            ("UTF-8", Ok(Charset::Utf8)),
            (" utf8 ", Ok(Charset::Utf8)),
            ("US-ASCII", Ok(Charset::Utf8)),
            ("ISO-8859-1", Ok(Charset::Latin1)),
            ("windows-1252", Ok(Charset::Latin1)),
            ("utf-16", Err(BadForm::Charset)),
            ("", Err(BadForm::Charset)),
        ] {
            assert_eq!(Charset::named(label), charset, "{label}");
        }
    }

    #[test]
    fn pieces_are_utf_8_if_the_whole_is() {
        for bytes in [
            &b"plain"[..],
            "caf\u{e9} \u{20ac} \u{1f600}".as_bytes(),
            b"caf\xc3",
            b"caf\xe9 au lait",
            b"\xe2\x82",
            b"\xe2\x28\xa1",
            b"\xf0\x9f\x98\xff",
            b"\x80",
        ] {
            for size in 1..=bytes.len() {
                let mut check = Utf8Check::default();
                let added = bytes.chunks(size).try_for_each(|piece| check.add(piece));
                let is_text = added.and_then(|()| check.end()).is_ok();
                assert_eq!(is_text, str::from_utf8(bytes).is_ok(), "{bytes:?} by {size}");
            }
        }
    }
}
