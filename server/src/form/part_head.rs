//! The head of a part: its fields, and from `Content-Disposition` its name and its file name
//! (RFC 7578 §4.2).

use std::ops::Range;

use super::error::BadForm;
use super::parameters;
use super::text::TextErrors;
use crate::config::FormLimits;
use crate::http::bytes::{is_all_text, is_plain_quoted, is_token};
use crate::http::headers::Headers;

/// The head of the part under way; its memory serves for all parts in turn.
#[derive(Default)]
pub(crate) struct PartHead {
    /// The lines, each with its line end; behind them, names that are meant otherwise than sent.
    text: String,
    /// Where the lines end.
    lines: usize,
    names: Names,
}

/// Where in the text the names are.
#[derive(Default)]
struct Names {
    name: Range<usize>,
    filename: Option<Range<usize>>,
}

impl PartHead {
    pub(crate) fn headers(&self) -> Headers<'_> {
        Headers::new(&self.text.as_bytes()[..self.lines], None)
    }

    pub(crate) fn name(&self) -> &str {
        &self.text[self.names.name.clone()]
    }

    /// The file name as it was sent; empty where no file was chosen.
    pub(crate) fn filename(&self) -> Option<&str> {
        self.names.filename.clone().map(|filename| &self.text[filename])
    }

    /// Reads a head as nearly every client writes it, if all of one is at the front of `bytes`; how
    /// many bytes its lines have. What has to be refused is left to [`read`](Self::read).
    pub(crate) fn read_common(&mut self, bytes: &[u8], limits: &FormLimits) -> Option<usize> {
        let (len, names) = common_head(bytes)?;
        let text = str::from_utf8(&bytes[..len]).ok()?;
        if limits.max_part_header_fields < 2 || names.name.len() > limits.max_field_name_bytes {
            return None;
        }
        self.text.clear();
        self.text.push_str(text);
        (self.lines, self.names) = (len, names);
        Some(len)
    }

    /// Reads a head: lines, each with its line end, and without the empty one.
    pub(crate) fn read(
        &mut self,
        lines: &[u8],
        limits: &FormLimits,
        errors: TextErrors,
    ) -> Result<(), BadForm> {
        self.names = Names::default();
        self.text.clear();
        match (str::from_utf8(lines), errors) {
            (Ok(text), _) => self.text.push_str(text),
            (Err(_), TextErrors::Replace) => {
                self.text = String::from_utf8_lossy(lines).into_owned()
            }
            (Err(_), TextErrors::Refuse) => return Err(BadForm::Text),
        }
        self.lines = self.text.len();
        self.names = self.read_fields(limits)?;
        if self.names.name.len() > limits.max_field_name_bytes {
            return Err(BadForm::NameTooLong);
        }
        Ok(())
    }

    fn read_fields(&mut self, limits: &FormLimits) -> Result<Names, BadForm> {
        let (mut disposition, mut content_type) = (None, None);
        let mut rest = self.text.as_str();
        let mut count = 0;
        while let Some(end) = memchr::memchr(b'\n', rest.as_bytes()) {
            let line = rest[..end].strip_suffix('\r').ok_or(BadForm::PartHead)?;
            rest = &rest[end + 1..];
            count += 1;
            if count > limits.max_part_header_fields {
                return Err(BadForm::TooManyPartHeaderFields);
            }
            let (field, value) = split_field(line).ok_or(BadForm::PartHead)?;
            if field.eq_ignore_ascii_case("content-disposition") {
                if disposition.replace(value).is_some() {
                    return Err(BadForm::Disposition);
                }
            } else if field.eq_ignore_ascii_case("content-type") {
                if content_type.replace(value).is_some() {
                    return Err(BadForm::PartHead);
                }
            } else if field.eq_ignore_ascii_case("content-transfer-encoding") && encodes(value) {
                return Err(BadForm::TransferEncoding);
            }
        }
        let (name, filename) = read_disposition(disposition.ok_or(BadForm::Disposition)?)?;
        // What has a file name is a file, whatever is in it: a saved web page, an e-mail.
        if filename.is_none() && content_type.is_some_and(|value| is_multipart(value.as_bytes())) {
            return Err(BadForm::Nested);
        }
        Ok(Names { name: self.keep(&name), filename: filename.map(|name| self.keep(&name)) })
    }

    fn keep(&mut self, name: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(name);
        start..self.text.len()
    }
}

/// How long the lines of a head are, and the names in them, if one as nearly every client writes it
/// is at the front of `bytes`; `None` if it is another, or not all there.
///
/// `name`, perhaps `filename`, perhaps a `Content-Type`, in this order and spelling, and nothing in
/// them that has to be decoded or refused. It finds what `read_fields` would find, and on its way the
/// end, in a fraction of the time, which counts for forms of many short parts.
fn common_head(bytes: &[u8]) -> Option<(usize, Names)> {
    const NAME: &[u8] = b"Content-Disposition: form-data; name=\"";
    const FILENAME: &[u8] = b"\"; filename=\"";
    if !bytes.starts_with(NAME) {
        return None;
    }
    let name = plain(bytes, NAME.len());
    let has_filename = bytes[name.end..].starts_with(FILENAME);
    let filename = has_filename.then(|| plain(bytes, name.end + FILENAME.len()));
    let behind = filename.as_ref().unwrap_or(&name).end;
    let mut rest = bytes[behind..].strip_prefix(b"\"\r\n")?;
    if let Some(line) = rest.strip_prefix(b"Content-Type: ") {
        let (media_type, behind) = line.split_at(memchr::memchr(b'\r', line)?);
        let is_nested = !has_filename && is_multipart(media_type.trim_ascii());
        if is_nested || !is_all_text(media_type) {
            return None;
        }
        rest = behind.strip_prefix(b"\r\n")?;
    }
    rest.starts_with(b"\r\n").then(|| (bytes.len() - rest.len(), Names { name, filename }))
}

/// What stands in front of the next byte that may not mean itself.
fn plain(bytes: &[u8], start: usize) -> Range<usize> {
    let len = bytes[start..].iter().take_while(|byte| is_plain_quoted(**byte)).count();
    start..start + len
}

/// `name: value`; folded lines have no name.
fn split_field(line: &str) -> Option<(&str, &str)> {
    let colon = memchr::memchr(b':', line.as_bytes())?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    (is_token(name.as_bytes()) && is_all_text(value.as_bytes())).then(|| (name, value.trim_ascii()))
}

/// The name of the field, and that of the file if there is one.
fn read_disposition(value: &str) -> Result<(String, Option<String>), BadForm> {
    let (kind, parameters) = parameters::split(value);
    if !kind.eq_ignore_ascii_case("form-data") {
        return Err(BadForm::Disposition);
    }
    let (mut name, mut filename) = (None, None);
    for parameter in parameters {
        let (parameter, raw) = parameter.map_err(|_| BadForm::Disposition)?;
        let found = if parameter.eq_ignore_ascii_case("name") {
            &mut name
        } else if parameter.eq_ignore_ascii_case("filename") {
            &mut filename
        } else if parameter.contains('*') {
            return Err(BadForm::ExtendedParameter);
        } else {
            continue;
        };
        // Of two, one reader takes the first and another the last.
        if found.is_some() {
            return Err(BadForm::Disposition);
        }
        raw.push_to(found.insert(String::new()));
    }
    Ok((name.ok_or(BadForm::Nameless)?, filename))
}

/// Whether the bytes of the part are not the bytes that were meant.
fn encodes(coding: &str) -> bool {
    !["7bit", "8bit", "binary"].iter().any(|plain| coding.eq_ignore_ascii_case(plain))
}

fn is_multipart(media_type: &[u8]) -> bool {
    media_type.get(..10).is_some_and(|front| front.eq_ignore_ascii_case(b"multipart/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: impl AsRef<[u8]>) -> Result<(String, Option<String>), BadForm> {
        let mut head = PartHead::default();
        head.read(lines.as_ref(), &FormLimits::default(), TextErrors::Refuse)?;
        Ok((head.name().to_owned(), head.filename().map(str::to_owned)))
    }

    #[test]
    fn names_are_found() {
        for (lines, name, filename) in [
            ("Content-Disposition: form-data; name=\"a\"\r\n", "a", None),
            ("content-disposition:form-data;name=a\r\n", "a", None),
            ("Content-Disposition: FORM-DATA; NAME=a; FileName=b\r\n", "a", Some("b")),
            ("X: y\r\nContent-Disposition: form-data; name=\"\"\r\nZ:\r\n", "", None),
            ("Content-Disposition: form-data; filename=\"\"; name=a\r\n", "a", Some("")),
            ("Content-Disposition: form-data; name=a; x=y; size=\"1\"\r\n", "a", None),
            (
                "Content-Disposition: form-data; name=\"%22\"; filename=\"C:\\\\a; b=\\\"c\\\"\"\r\n",
                "\"",
                Some("C:\\a; b=\"c\""),
            ),
            (
                "Content-Disposition: form-data; name=\"\u{e9}\"; filename=\"\u{1f600}.png\"\r\n\
                 Content-Type: multipart/related\r\nContent-Transfer-Encoding: BINARY\r\n",
                "\u{e9}",
                Some("\u{1f600}.png"),
            ),
        ] {
            let expected = (name.to_owned(), filename.map(str::to_owned));
            assert_eq!(read(lines), Ok(expected), "{lines}");
        }
    }

    #[test]
    fn other_heads_are_refused() {
        const GOOD: &str = "Content-Disposition: form-data; name=a\r\n";
        let many = format!("{}{GOOD}", "X: y\r\n".repeat(32));
        let long = format!("Content-Disposition: form-data; name={}\r\n", "a".repeat(1025));
        for (lines, error) in [
            (String::new(), BadForm::Disposition),
            ("Content-Type: text/plain\r\n".into(), BadForm::Disposition),
            (format!("{GOOD}{GOOD}"), BadForm::Disposition),
            ("Content-Disposition: attachment; name=a\r\n".into(), BadForm::Disposition),
            ("Content-Disposition: form-data\r\n".into(), BadForm::Nameless),
            ("Content-Disposition: form-data; filename=a\r\n".into(), BadForm::Nameless),
            ("Content-Disposition: form-data; name=a; name=b\r\n".into(), BadForm::Disposition),
            (
                "Content-Disposition: form-data; name=a; filename=b; FILENAME=c\r\n".into(),
                BadForm::Disposition,
            ),
            ("Content-Disposition: form-data; name=\"a\r\n".into(), BadForm::Disposition),
            (
                "Content-Disposition: form-data; name=a; filename*=UTF-8''b\r\n".into(),
                BadForm::ExtendedParameter,
            ),
            (
                "Content-Disposition: form-data; name*0=a; name=b\r\n".into(),
                BadForm::ExtendedParameter,
            ),
            (format!("{GOOD}Content-Type: multipart/mixed; boundary=b\r\n"), BadForm::Nested),
            (format!("{GOOD}Content-Type: a/b\r\nContent-Type: a/b\r\n"), BadForm::PartHead),
            (format!("{GOOD}Content-Transfer-Encoding: base64\r\n"), BadForm::TransferEncoding),
            (format!("{GOOD}X: y\n"), BadForm::PartHead),
            (format!("{GOOD}X: y\rz\r\n"), BadForm::PartHead),
            (format!("{GOOD}X: y\0\r\n"), BadForm::PartHead),
            (format!("{GOOD} folded\r\n"), BadForm::PartHead),
            (format!("{GOOD}X : y\r\n"), BadForm::PartHead),
            (format!("{GOOD}no colon\r\n"), BadForm::PartHead),
            (format!("{GOOD}: no name\r\n"), BadForm::PartHead),
            (many, BadForm::TooManyPartHeaderFields),
            (long, BadForm::NameTooLong),
        ] {
            assert_eq!(read(&lines), Err(error), "{lines}");
        }
        let latin = b"Content-Disposition: form-data; name=\"caf\xe9\"\r\n";
        assert_eq!(read(latin), Err(BadForm::Text));
        let mut head = PartHead::default();
        head.read(latin, &FormLimits::default(), TextErrors::Replace).unwrap();
        assert_eq!(head.name(), "caf\u{fffd}");
    }

    #[test]
    fn the_common_way_finds_what_the_other_finds() {
        let pieces = [
            "Content-Disposition: form-data; name=\"",
            "content-disposition: form-data; name=\"",
            "a",
            "\"",
            "\"; filename=\"",
            "\";filename=\"",
            "\\",
            "%22",
            "\r\n",
            "\n",
            "\t",
            "\0",
            " ",
            ";",
            "\r\nContent-Type: ",
            "\r\nContent-Type: multipart/x",
            "\r\nContent-Type:",
            "text/plain",
            "\u{e9}",
            "X: y\r\n",
        ];
        let mut random = 0x9e37_79b9_7f4a_7c15u64;
        let (mut common, limits) = (0, FormLimits::default());
        for _ in 0..20_000 {
            let mut text = pieces[0].to_owned();
            for _ in 0..1 + random % 9 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                text += pieces[(random >> 16) as usize % pieces.len()];
            }
            text += "\r\n";
            let mut head = PartHead::default();
            let whole = format!("{text}\r\ndata");
            if let Some(len) = head.read_common(whole.as_bytes(), &limits) {
                common += 1;
                let found = (head.name().to_owned(), head.filename().map(str::to_owned));
                assert_eq!(read(&whole[..len]), Ok(found), "{text:?}");
                assert_eq!(whole.find("\r\n\r\n"), Some(len - 2), "{text:?}");
                assert_eq!(head.headers().lines(), &whole.as_bytes()[..len], "{text:?}");
                for cut in 0..len + 2 {
                    let cut_there = head.read_common(&whole.as_bytes()[..cut], &limits);
                    assert_eq!(cut_there, None, "{text:?} cut at {cut}");
                }
            }
        }
        assert!(common > 100, "{common} of them were common");
    }

    #[test]
    fn what_has_to_be_refused_is_not_read_in_the_common_way() {
        let head = |name: &[u8], media_type: &[u8]| {
            let front = b"Content-Disposition: form-data; name=\"";
            [front, name, b"\"\r\nContent-Type: ", media_type, b"\r\n\r\n"].concat()
        };
        for (bytes, is_common) in [
            (head(b"a", b"text/plain"), true),
            (head("caf\u{e9}".as_bytes(), b"text/plain"), true),
            (head(b"caf\xe9", b"text/plain"), false),
            (head(b"a", b"caf\xe9"), false),
            (head(b"a", b"a\0b"), false),
            (head(b"a", b" Multipart/Mixed"), false),
            (head(&[b'a'; 1024], b"text/plain"), true),
            (head(&[b'a'; 1025], b"text/plain"), false),
        ] {
            let read = PartHead::default().read_common(&bytes, &FormLimits::default());
            let len = is_common.then_some(bytes.len() - 2);
            assert_eq!(read, len, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn no_head_has_more_fields_than_it_may() {
        let lines = "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain\r\n";
        let whole = format!("{lines}\r\n");
        for (most, expected) in [(2, Ok(())), (1, Err(BadForm::TooManyPartHeaderFields))] {
            let limits = FormLimits { max_part_header_fields: most, ..FormLimits::default() };
            let mut head = PartHead::default();
            let read = head.read(lines.as_bytes(), &limits, TextErrors::Refuse);
            assert_eq!(read, expected, "{most}");
            let common = head.read_common(whole.as_bytes(), &limits);
            assert_eq!(common, expected.ok().map(|()| lines.len()), "{most}");
        }
    }

    #[test]
    fn nothing_stays_of_the_head_before() {
        let mut head = PartHead::default();
        let limits = FormLimits::default();
        let first = b"Content-Disposition: form-data; name=a; filename=b\r\nX: y\r\n";
        head.read(first, &limits, TextErrors::Refuse).unwrap();
        head.read(b"Content-Disposition: form-data; name=c\r\n", &limits, TextErrors::Refuse)
            .unwrap();
        assert_eq!((head.name(), head.filename(), head.headers().len()), ("c", None, 1));
        head.read(first, &limits, TextErrors::Refuse).unwrap();
        let common = b"Content-Disposition: form-data; name=\"d\"\r\n\r\n";
        assert_eq!(head.read_common(common, &limits), Some(common.len() - 2));
        assert_eq!((head.name(), head.filename(), head.headers().len()), ("d", None, 1));
    }
}
