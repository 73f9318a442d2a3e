//! How a `FieldStorage` comes about: pairs and parts become fields, and what they cost is counted.

use std::error::Error;
use std::fmt;
use std::io::{BufRead, Read};

use super::error::BadForm;
use super::field_file::{Content, Spool};
use super::field_storage::{Field, FieldStorage};
use super::multipart::{self, Part, Parts};
use super::text::{Charset, TextErrors};
use super::{parameters, urlencoded};
use crate::config::FormLimits;
use crate::http::error::BadRequest;
use crate::http::headers::Headers;
use crate::http::target::QueryString;
use crate::http_error::{HttpError, Result};
use crate::rfile::RequestReader;

/// How a form is read: [`Exchange::form_with`](crate::Exchange::form_with).
///
/// ```
/// use basehttp::{Exchange, FormOptions, Result, http_handler};
///
/// struct Search;
///
/// #[http_handler]
/// impl Search {
///     fn do_GET(&self, http: &mut Exchange) -> Result<String> {
///         // As Python does: `/?q=` is a form without fields.
///         let options = FormOptions { keep_blank_values: false, ..FormOptions::default() };
///         let form = http.form_with(&options)?;
///         Ok(format!("{} fields", form.len()))
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormOptions {
    /// Whether a query or an urlencoded body keeps fields without a value, such as `a` in `a=&b=1`
    /// (Python: `keep_blank_values`). Default: true, as in `multipart/form-data`; Python's is false.
    pub keep_blank_values: bool,
    /// Whether a query or an urlencoded body is refused for what is no `name=value`, and for a `%`
    /// that no two hexadecimal digits follow (Python: `strict_parsing`, which accepts the latter).
    /// Default: false; the one becomes a blank field, the other stays.
    pub strict_parsing: bool,
    /// What becomes of text that is not in its charset (Python: `errors`). Default: the form is
    /// refused.
    pub errors: TextErrors,
    /// What this form may come to. Default: `None`, for
    /// [`Config::form_limits`](crate::Config::form_limits).
    pub limits: Option<FormLimits>,
}

impl Default for FormOptions {
    fn default() -> FormOptions {
        FormOptions {
            keep_blank_values: true,
            strict_parsing: false,
            errors: TextErrors::Refuse,
            limits: None,
        }
    }
}

impl FieldStorage {
    /// Reads a form from anywhere: a body whose `Content-Type` is `content_type`.
    ///
    /// ```
    /// use basehttp::{FieldStorage, FormOptions};
    ///
    /// # fn main() -> basehttp::Result<()> {
    /// let body = "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--b--\r\n";
    /// let content_type = "multipart/form-data; boundary=b";
    /// let form = FieldStorage::read(body.as_bytes(), content_type, &FormOptions::default())?;
    /// assert_eq!(form.getvalue("note"), Some("hello"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Exchange::form`](crate::Exchange::form). The length of the whole is not limited here.
    pub fn read(
        mut body: impl Read,
        content_type: &str,
        options: &FormOptions,
    ) -> Result<FieldStorage> {
        let limits = options.limits.clone().unwrap_or_default();
        read_body(&mut body, content_type, WINDOW, limits, options)
    }

    /// The fields of a query, or of an urlencoded text from elsewhere.
    pub(crate) fn of_query(
        query: QueryString<'_>,
        limits: &FormLimits,
        options: &FormOptions,
    ) -> Result<FieldStorage> {
        read_pairs(query.as_str().as_bytes(), Charset::Utf8, limits, options)
    }

    /// The fields of a body.
    pub(crate) fn of_body(
        rfile: &mut RequestReader<'_>,
        headers: Headers<'_>,
        options: &FormOptions,
    ) -> Result<FieldStorage> {
        let limits = options.limits.as_ref().unwrap_or(rfile.form_limits()).clone();
        let window = rfile.form_window_bytes();
        read_body(rfile, multipart::content_type(headers)?, window, limits, options)
    }

    /// What came of a form that broke off: `http.form().or_else(FieldStorage::recover)`.
    ///
    /// Its last field may be cut: then its [`done`](Field::done) is false.
    ///
    /// # Errors
    /// The error itself, where it is another than a body that ended, or timed out, before its last
    /// boundary.
    pub fn recover(error: HttpError) -> Result<FieldStorage> {
        error.take_cause::<IncompleteForm>().map(|incomplete| incomplete.form)
    }
}

/// A form that broke off, with what came of it.
#[derive(Debug)]
struct IncompleteForm {
    form: FieldStorage,
    reason: HttpError,
}

impl fmt::Display for IncompleteForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.explain_text())
    }
}

impl Error for IncompleteForm {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.source()
    }
}

fn read_body(
    body: &mut dyn Read,
    content_type: &str,
    window_bytes: usize,
    limits: FormLimits,
    options: &FormOptions,
) -> Result<FieldStorage> {
    let (media_type, parameters) = parameters::split(content_type);
    if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let charset = match parameters.get("charset").map_err(|_| BadForm::MediaType)? {
            Some(label) => Charset::named(&label)?,
            None => Charset::Utf8,
        };
        let most = limits.max_form_memory_bytes as u64;
        let mut raw = Vec::new();
        body.take(most.saturating_add(1)).read_to_end(&mut raw)?;
        if raw.len() as u64 > most {
            return Err(BadForm::Memory.into());
        }
        return read_pairs(&raw, charset, &limits, options);
    }
    let boundary = multipart::boundary(content_type)?;
    let mut parts = Parts::new(&boundary, window_bytes, limits.clone(), options.errors);
    let mut collector = Collector::new(limits, options.errors);
    loop {
        let added = parts.next(body).and_then(|part| match part {
            Some(part) => collector.add(part).map(|()| true),
            None => Ok(false),
        });
        match added {
            Ok(true) => {}
            Ok(false) => return collector.finish(),
            Err(error) => return Err(collector.break_off(error)),
        }
    }
}

fn read_pairs(
    raw: &[u8],
    charset: Charset,
    limits: &FormLimits,
    options: &FormOptions,
) -> Result<FieldStorage> {
    let rules = urlencoded::Rules {
        keep_blank_values: options.keep_blank_values,
        strict: options.strict_parsing,
        errors: options.errors,
        charset,
    };
    let mut form = FieldStorage::default();
    for pair in urlencoded::pairs(raw, rules) {
        let (name, value) = pair?;
        if form.fields.len() == limits.max_fields {
            return Err(BadForm::TooManyFields.into());
        }
        if name.len() > limits.max_field_name_bytes {
            return Err(BadForm::NameTooLong.into());
        }
        form.fields.push(Field::of_pair(name, value));
    }
    Ok(form)
}

/// Makes fields of parts, and counts what they cost.
struct Collector {
    form: FieldStorage,
    /// For each field the charset that it names itself; `None` for uploads, which have none.
    charsets: Vec<Option<Named>>,
    spool: Spool,
    memory: usize,
    limits: FormLimits,
    errors: TextErrors,
}

/// Which charset a text is in.
#[derive(Clone, Copy)]
enum Named {
    Own(Charset),
    /// That of the form: the value of its field `_charset_` (RFC 7578 §4.6), else UTF-8.
    Default,
}

impl Collector {
    fn new(limits: FormLimits, errors: TextErrors) -> Collector {
        let (form, charsets, spool) = (FieldStorage::default(), Vec::new(), Spool::default());
        Collector { form, charsets, spool, memory: 0, limits, errors }
    }

    /// Adds the part as a field; if it breaks off, what came of it.
    fn add(&mut self, mut part: Part<'_>) -> Result<()> {
        let head = part.headers.lines();
        self.memory += head.len() + part.name.len() + part.filename.map_or(0, str::len);
        if self.memory > self.limits.max_form_memory_bytes {
            return Err(BadForm::Memory.into());
        }
        self.charsets.push(if part.is_text { Some(charset(part.headers)?) } else { None });
        let (content, read) = self.keep(&mut part);
        self.form.fields.push(Field::of_part(&part, content, read.is_ok()));
        read
    }

    /// Puts the content where it belongs, as far as it comes.
    fn keep(&mut self, part: &mut Part<'_>) -> (Content, Result<()>) {
        let most = self.limits.max_form_memory_bytes.saturating_sub(self.memory);
        let most = most.min(self.limits.max_field_memory_bytes);
        let mut bytes = Vec::new();
        let read = read_up_to(part, &mut bytes, most).and_then(|is_all| match is_all {
            true => Ok(()),
            false => {
                let spool = &mut self.spool;
                spool.write(&std::mem::take(&mut bytes))?;
                part.copy_each(|data| spool.write(data))?;
                Ok(())
            }
        });
        match self.spool.take() {
            Some(stretch) => (Content::Spooled(stretch), read),
            None => {
                self.memory += bytes.len();
                (Content::Bytes(bytes), read)
            }
        }
    }

    /// The form, its texts decoded.
    fn finish(mut self) -> Result<FieldStorage> {
        let named = self.form.get("_charset_").filter(|field| field.filename.is_none());
        let default = match named {
            Some(field) => Charset::named(field.value())?,
            None => Charset::Utf8,
        };
        for (field, charset) in self.form.fields.iter_mut().zip(self.charsets) {
            let charset = match charset {
                Some(Named::Own(charset)) => charset,
                Some(Named::Default) => default,
                None => continue,
            };
            field.decode(charset, self.errors)?;
        }
        Ok(self.form)
    }

    /// The error, with what came where the form was sound as far as it came.
    fn break_off(mut self, error: HttpError) -> HttpError {
        let cause = error.cause();
        let is_cut = cause.is_some_and(|cause| {
            cause.downcast_ref() == Some(&BadForm::CutShort)
                || matches!(
                    cause.downcast_ref(),
                    Some(BadRequest::BodyCutShort | BadRequest::BodyTimeout)
                )
        });
        if !is_cut {
            return error;
        }
        self.errors = TextErrors::Replace;
        match self.finish() {
            Ok(form) => HttpError::new(error.status())
                .explain(error.explain_text().to_owned())
                .because(IncompleteForm { form, reason: error }),
            Err(_) => error,
        }
    }
}

/// Reads at most so many bytes into memory; true if that is all of the part.
fn read_up_to(part: &mut Part<'_>, bytes: &mut Vec<u8>, most: usize) -> Result<bool> {
    loop {
        let data = part.fill_buf()?;
        if data.is_empty() {
            return Ok(true);
        }
        if data.len() > most - bytes.len() {
            return Ok(false);
        }
        bytes.extend_from_slice(data);
        let count = data.len();
        part.consume(count);
    }
}

/// The charset that a text says it is in (RFC 7578 §4.5).
fn charset(headers: Headers<'_>) -> Result<Named, BadForm> {
    let Some(content_type) = headers.get("content-type") else {
        return Ok(Named::Default);
    };
    match parameters::split(content_type).1.get("charset").map_err(|_| BadForm::PartHead)? {
        Some(label) => Ok(Named::Own(Charset::named(&label)?)),
        None => Ok(Named::Default),
    }
}

/// The window over a body from elsewhere.
const WINDOW: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Numbers that are the same in each run (xorshift).
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            ((self.0 >> 16) % limit as u64) as usize
        }

        fn text(&mut self, pieces: &[&str], most: usize) -> String {
            (0..self.below(most)).map(|_| pieces[self.below(pieces.len())]).collect()
        }
    }

    /// Gives out pieces of random sizes.
    struct Cut<'b>(&'b [u8], Random);

    impl Read for Cut<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = [1, 2, 7, 100, 5000, 1 << 20][self.1.below(6)];
            let count = most.min(into.len()).min(self.0.len());
            let (piece, rest) = self.0.split_at(count);
            into[..count].copy_from_slice(piece);
            self.0 = rest;
            Ok(count)
        }
    }

    #[derive(Debug, PartialEq)]
    struct Sent {
        name: String,
        filename: Option<String>,
        value: String,
    }

    fn received(form: FieldStorage) -> Vec<Sent> {
        form.into_iter()
            .map(|mut field| {
                let value = field.value().to_owned();
                let mut read = String::new();
                field.file.read_to_string(&mut read).unwrap();
                assert_eq!(read, value, "the file has what the value has");
                Sent { name: field.name, filename: field.filename, value }
            })
            .collect()
    }

    fn random_form(random: &mut Random) -> Vec<Sent> {
        const NAMES: &[&str] = &["a", "b", " ", "\"", "\\", ";", "=", "%", "\u{e9}", "\u{1f600}"];
        const DATA: &[&str] =
            &["\r\n", "\r", "\n", "--", "bound", "boundary", "-", "x", "\u{e9}", "&+%=;"];
        let field = |random: &mut Random| {
            let most = if random.below(10) == 0 { 5000 } else { 30 };
            let has_filename = random.below(3) == 0;
            let filename = has_filename.then(|| format!("f{}", random.text(NAMES, 10)));
            Sent { name: random.text(NAMES, 10), filename, value: random.text(DATA, most) }
        };
        (0..random.below(6)).map(|_| field(random)).collect()
    }

    /// As browsers do it: of what stands between quotes only these three are escaped.
    fn quoted(text: &str) -> String {
        text.replace('\\', "\\\\").replace('"', "%22")
    }

    fn multipart(form: &[Sent]) -> String {
        let parts = form.iter().map(|Sent { name, filename, value }| {
            let filename = filename.as_ref().map(|name| format!("; filename=\"{}\"", quoted(name)));
            let (name, filename) = (quoted(name), filename.unwrap_or_default());
            let disposition = format!("Content-Disposition: form-data; name=\"{name}\"{filename}");
            format!("--boundary\r\n{disposition}\r\n\r\n{value}\r\n")
        });
        parts.chain(["--boundary--\r\n".to_owned()]).collect()
    }

    fn urlencoded(form: &[Sent]) -> String {
        let encode =
            |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let pairs =
            form.iter().map(|sent| format!("{}={}", encode(&sent.name), encode(&sent.value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    #[test]
    fn what_is_sent_is_received_however_it_is_cut_and_kept() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let limits = FormLimits {
            max_field_memory_bytes: 100,
            max_form_memory_bytes: 2000,
            ..FormLimits::default()
        };
        for round in 0..600 {
            let form = random_form(&mut random);
            let is_data = |sent: &Sent| {
                !format!("\r\n{}\r\n", sent.value).contains("\r\n--boundary\r\n")
                    && !format!("\r\n{}\r\n", sent.value).contains("\r\n--boundary--\r\n")
            };
            if !form.iter().all(is_data) {
                continue;
            }
            let body = multipart(&form);
            for (window, limits) in [
                (WINDOW, FormLimits::default()),
                // Of a few hundred bytes, its end cuts many a head.
                (random.below(300), limits.clone()),
            ] {
                let mut source = Cut(body.as_bytes(), Random(random.0));
                let kind = "multipart/form-data; boundary=boundary";
                let read = read_body(&mut source, kind, window, limits, &FormOptions::default());
                let sent = received(read.unwrap());
                assert_eq!(sent, form, "round {round}, a window of {window}: {body:?}");
                random.below(2);
            }
            let body = urlencoded(&form);
            let source = Cut(body.as_bytes(), Random(random.0));
            let kind = "application/x-www-form-urlencoded";
            let read = FieldStorage::read(source, kind, &FormOptions::default()).unwrap();
            // A pair of nothing is an empty one only where there is another.
            let pairs = form.iter().filter(|_| !body.is_empty());
            let pairs: Vec<_> = pairs.map(|sent| (&*sent.name, &*sent.value)).collect();
            let read: Vec<_> = read.iter().map(|field| (&*field.name, field.value())).collect();
            assert_eq!(read, pairs, "round {round}: {body:?}");
        }
    }

    #[test]
    fn a_text_in_the_file_is_checked_too() {
        let limits = FormLimits { max_field_memory_bytes: 4, ..FormLimits::default() };
        let body = |value: &[u8]| {
            let head = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n";
            [head, value, b"\r\n--b--"].concat()
        };
        let read = |value: &[u8], errors| {
            let options =
                FormOptions { errors, limits: Some(limits.clone()), ..FormOptions::default() };
            let form =
                FieldStorage::read(&*body(value), "multipart/form-data; boundary=b", &options);
            form.map(|form| form["a"].value().to_owned()).map_err(|error| error.status().code())
        };
        let long = "caf\u{e9} ".repeat(30_000);
        assert_eq!(read(long.as_bytes(), TextErrors::Refuse), Ok(long));
        assert_eq!(read(b"cafe caf\xe9", TextErrors::Refuse), Err(400));
        assert_eq!(read(b"cafe caf\xe9", TextErrors::Replace), Ok("cafe caf\u{fffd}".to_owned()));
    }
}
