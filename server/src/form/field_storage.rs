//! `FieldStorage`: all fields of a form, wherever they came from (Python: `cgi.FieldStorage`).

use std::io;
use std::ops::{Index, IndexMut};
use std::sync::OnceLock;
use std::{fmt, panic, slice, vec};

use mime::Mime;

use super::field_file::{Content, FieldFile};
use super::filename::safe_filename;
use super::multipart::{self, Part};
use super::text::{Charset, TextErrors, Utf8Check};
use crate::http::headers::Headers;
use crate::http_error::{HttpError, Result};

/// The fields of a form, in their order on the wire (Python: `cgi.FieldStorage`).
///
/// [`Exchange::form`](crate::Exchange::form) makes it of the query of a GET or HEAD request, and of
/// the body of any other; a method can take it as an argument. Short fields are in memory, long ones
/// in one temporary file without a name; [`FormLimits`](crate::FormLimits) has the numbers.
///
/// ```
/// use basehttp::{FieldStorage, http_handler};
///
/// struct Guestbook;
///
/// #[http_handler]
/// impl Guestbook {
///     fn do_POST(&self, form: FieldStorage) -> String {
///         let mut answer = String::new();
///         for field in &form {
///             match &field.filename {
///                 Some(filename) => {
///                     let bytes = field.file.len();
///                     answer += &format!("{}: {filename}, {bytes} bytes\n", field.name);
///                 }
///                 None => answer += &format!("{}={}\n", field.name, field.value()),
///             }
///         }
///         answer
///     }
/// }
/// ```
#[derive(Default)]
pub struct FieldStorage {
    pub(super) fields: Vec<Field>,
}

/// One field of a form: a text, or a file that was uploaded.
pub struct Field {
    /// The name of the field, decoded.
    pub name: String,
    /// The name that the client has for the file, as it was sent: it may be a path, and anything may
    /// be in it. `None` for a field that is no file, and where no file was chosen.
    ///
    /// For a name on your own disk see [`safe_filename`](Self::safe_filename).
    pub filename: Option<String>,
    /// The content, to be read and sought in; of a text its UTF-8.
    pub file: FieldFile,
    /// Whether all of it came: false only for the last field of a form that broke off, which
    /// [`FieldStorage::recover`] gives.
    pub done: bool,
    /// The header fields of the part, as lines.
    head: Vec<u8>,
    charset: Charset,
    /// The text, where it has to be read or repaired first.
    text: OnceLock<String>,
}

impl FieldStorage {
    /// The value of the first field of that name, as text (Python: `getvalue`, which makes a list of
    /// several).
    ///
    /// # Panics
    /// As [`Field::value`].
    pub fn getvalue(&self, name: &str) -> Option<&str> {
        self.get(name).map(Field::value)
    }

    /// The value of the first field of that name, as text (Python: `getfirst`).
    ///
    /// # Panics
    /// As [`Field::value`].
    pub fn getfirst(&self, name: &str) -> Option<&str> {
        self.getvalue(name)
    }

    /// The values of all fields of that name, as text; none for a name that is not there (Python:
    /// `getlist`).
    ///
    /// # Panics
    /// As [`Field::value`].
    pub fn getlist(&self, name: &str) -> Vec<&str> {
        self.get_all(name).map(Field::value).collect()
    }

    /// The first field of that name.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The first field of that name, to read its [`file`](Field::file).
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Field> {
        self.fields.iter_mut().find(|field| field.name == name)
    }

    /// All fields of that name, in their order.
    pub fn get_all<'n>(&self, name: &'n str) -> impl Iterator<Item = &Field> + use<'_, 'n> {
        self.fields.iter().filter(move |field| field.name == name)
    }

    /// The names, each once, in the order in which they first came (Python: `keys`).
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let mut seen = std::collections::HashSet::new();
        self.fields.iter().map(|field| &*field.name).filter(move |name| seen.insert(*name))
    }

    /// Whether there is a field of that name (Python: `name in form`).
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether there is a field of that name, under the word that [`Headers`] has for it.
    pub fn contains(&self, name: &str) -> bool {
        self.contains_key(name)
    }

    /// How many names there are, as in Python; [`iter`](Self::iter) may give more fields.
    pub fn len(&self) -> usize {
        self.keys().count()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// All fields, in their order.
    pub fn iter(&self) -> slice::Iter<'_, Field> {
        self.fields.iter()
    }

    /// All fields, in their order, to read their files.
    pub fn iter_mut(&mut self) -> slice::IterMut<'_, Field> {
        self.fields.iter_mut()
    }
}

/// The first field of a name, which must be there: `form["name"]`.
///
/// # Panics
/// Where the form has no such field. In a method the client then gets a 400 that names it, since it
/// is the client's mistake; [`FieldStorage::get`] asks first.
impl Index<&str> for FieldStorage {
    type Output = Field;

    fn index(&self, name: &str) -> &Field {
        self.get(name).unwrap_or_else(|| give_up(missing(name)))
    }
}

impl IndexMut<&str> for FieldStorage {
    fn index_mut(&mut self, name: &str) -> &mut Field {
        self.get_mut(name).unwrap_or_else(|| give_up(missing(name)))
    }
}

fn missing(name: &str) -> HttpError {
    HttpError::new(400).explain(format!("the form has no field {name:?}"))
}

/// Leaves the method with an error that becomes its answer, where there is no `Result` to carry it.
#[cold]
fn give_up(error: HttpError) -> ! {
    // Not `panic!`: nothing is wrong with the program, so the panic hook has nothing to tell.
    panic::resume_unwind(Box::new(error))
}

impl IntoIterator for FieldStorage {
    type Item = Field;
    type IntoIter = vec::IntoIter<Field>;

    fn into_iter(self) -> vec::IntoIter<Field> {
        self.fields.into_iter()
    }
}

impl<'f> IntoIterator for &'f FieldStorage {
    type Item = &'f Field;
    type IntoIter = slice::Iter<'f, Field>;

    fn into_iter(self) -> slice::Iter<'f, Field> {
        self.iter()
    }
}

impl<'f> IntoIterator for &'f mut FieldStorage {
    type Item = &'f mut Field;
    type IntoIter = slice::IterMut<'f, Field>;

    fn into_iter(self) -> slice::IterMut<'f, Field> {
        self.iter_mut()
    }
}

impl fmt::Debug for FieldStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.fields).finish()
    }
}

impl Field {
    /// The value as text (Python: `value`).
    ///
    /// Of an upload, bytes that are no UTF-8 become U+FFFD; its bytes are in [`file`](Self::file). A
    /// value in the temporary file is read into memory, once.
    ///
    /// # Panics
    /// Where the temporary file cannot be read, which takes a failing disk. In a method the client
    /// then gets a 500.
    pub fn value(&self) -> &str {
        match self.file.content() {
            Content::Text(text) => text,
            Content::Bytes(bytes) => match str::from_utf8(bytes) {
                Ok(text) => text,
                Err(_) => self.text.get_or_init(|| String::from_utf8_lossy(bytes).into_owned()),
            },
            Content::Spooled(stretch) => self.text.get_or_init(|| {
                let mut bytes = Vec::new();
                let read = stretch.read_through(|piece| -> io::Result<()> {
                    bytes.extend_from_slice(piece);
                    Ok(())
                });
                let decode = || self.charset.decode(bytes, TextErrors::Replace);
                let text = read.map_err(HttpError::from).and_then(|()| Ok(decode()?));
                text.unwrap_or_else(|error| give_up(error))
            }),
        }
    }

    /// `Content-Type` of the part (Python: `type`); `text/plain` where it has none (RFC 7578 §4.4),
    /// and `application/octet-stream` where it is no media type.
    pub fn content_type(&self) -> Mime {
        multipart::part_content_type(self.headers())
    }

    /// The header fields of the part; none for a field of a query or an urlencoded body.
    pub fn headers(&self) -> Headers<'_> {
        Headers::new(&self.head, None)
    }

    /// The last part of [`filename`](Self::filename) as a name that is safe to create: no path, no
    /// control characters, none that some system forbids, not hidden, no device, never empty
    /// (`upload` then), at most 255 bytes.
    ///
    /// Two uploads may have the same: whoever creates files of these names must expect that one is
    /// there already.
    pub fn safe_filename(&self) -> String {
        safe_filename(self.filename.as_deref().unwrap_or_default())
    }

    pub(super) fn of_pair(name: String, value: String) -> Field {
        Field {
            name,
            filename: None,
            file: FieldFile::new(Content::Text(value)),
            done: true,
            head: Vec::new(),
            charset: Charset::Utf8,
            text: OnceLock::new(),
        }
    }

    /// A field of a part, whose content may be decoded later.
    pub(super) fn of_part(part: &Part<'_>, content: Content, done: bool) -> Field {
        Field {
            name: part.name.to_owned(),
            filename: part.filename.map(str::to_owned),
            file: FieldFile::new(content),
            done,
            head: part.headers.lines().to_owned(),
            charset: Charset::Utf8,
            text: OnceLock::new(),
        }
    }

    /// Makes a text of the bytes that came; what is in the file is only looked through.
    pub(super) fn decode(&mut self, charset: Charset, errors: TextErrors) -> Result<()> {
        self.charset = charset;
        let content = self.file.content_mut();
        match content {
            Content::Bytes(bytes) => {
                *content = Content::Text(charset.decode(std::mem::take(bytes), errors)?);
            }
            Content::Spooled(stretch)
                if charset == Charset::Utf8 && errors == TextErrors::Refuse =>
            {
                let mut check = Utf8Check::default();
                stretch.read_through(|piece| check.add(piece).map_err(HttpError::from))?;
                check.end()?;
            }
            Content::Spooled(_) | Content::Text(_) => {}
        }
        Ok(())
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("name", &self.name)
            .field("filename", &self.filename)
            .field("file", &self.file)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_not_there_leaves_with_a_400() {
        let form = FieldStorage::default();
        let payload = panic::catch_unwind(|| form["a"].done).unwrap_err();
        assert_eq!(payload.downcast::<HttpError>().unwrap().status(), 400);
    }
}
