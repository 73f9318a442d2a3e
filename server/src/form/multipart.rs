//! `multipart/form-data`, one part at a time (RFC 7578).

use std::fmt;
use std::io::{self, BufRead, Read, Write};

use mime::Mime;

use super::error::BadForm;
use super::filename::safe_filename;
use super::parameters;
use super::part_head::PartHead;
use super::splitter::{Splitter, is_boundary};
use super::text::TextErrors;
use crate::config::FormLimits;
use crate::http::headers::Headers;
use crate::http_error::Result;
use crate::rfile::RequestReader;

/// The parts of a `multipart/form-data` body, one at a time and in their order on the wire.
///
/// Nothing of a part is kept: an upload of any size goes to its place through a window of
/// 128 KiB at most.
/// Made by [`Exchange::multipart`](crate::Exchange::multipart), or from the body and the headers,
/// so that the exchange stays free for an answer that begins meanwhile.
///
/// The whole body may be as long as [`Config::max_body_bytes`](crate::Config::max_body_bytes) says,
/// unless the method raises it before it reads:
///
/// ```
/// use std::fs::File;
/// use basehttp::{Exchange, Result, http_handler};
///
/// struct Archive;
///
/// #[http_handler]
/// impl Archive {
///     fn do_POST(&self, http: &mut Exchange) -> Result<String> {
///         http.rfile.set_max_bytes(10 << 30);
///         let mut bytes = 0;
///         let mut parts = http.multipart()?;
///         while let Some(mut part) = parts.next_part()? {
///             // Parts that are not read are skipped.
///             if part.filename.is_some() {
///                 let mut file = File::create(format!("archive/{}", part.safe_filename()))?;
///                 bytes += part.copy_to(&mut file)?;
///             }
///         }
///         Ok(format!("kept {bytes} bytes"))
///     }
/// }
/// ```
pub struct Multipart<'r, 'a> {
    source: &'r mut RequestReader<'a>,
    parts: Parts,
}

impl<'r, 'a> Multipart<'r, 'a> {
    /// Reads the body that `headers` describe: `Multipart::new(&mut http.rfile, http.headers)`.
    ///
    /// The limits are those of [`Config::form_limits`](crate::Config::form_limits).
    ///
    /// # Errors
    /// 415 ([`BadForm::MediaType`]) for a body that is no `multipart/form-data`, 400
    /// ([`BadForm::Boundary`]) for one without a boundary.
    pub fn new(rfile: &'r mut RequestReader<'a>, headers: Headers<'_>) -> Result<Self> {
        let boundary = boundary(content_type(headers)?)?;
        let (limits, window) = (rfile.form_limits().clone(), rfile.form_window_bytes());
        let parts = Parts::new(&boundary, window, limits, TextErrors::Refuse);
        Ok(Multipart { source: rfile, parts })
    }

    /// The next part; what was left of the one before is skipped. `None` behind the last.
    ///
    /// # Errors
    /// 400, 413, 415 or 431 for a part that is [refused](BadForm), 400 for a body that breaks off or
    /// ends before its last boundary, 408 for one that comes too slowly, 413 for one that is too
    /// long. The parts before have been read by then.
    pub fn next_part(&mut self) -> Result<Option<Part<'_>>> {
        self.parts.next(self.source)
    }
}

impl fmt::Debug for Multipart<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart").field("parts", &self.parts.count).finish_non_exhaustive()
    }
}

/// A part of a form: its name, its header fields, and its content to be read.
///
/// `Read` and `BufRead` end where the part ends. Their errors carry the status they deserve, so that
/// `?` answers with it.
pub struct Part<'m> {
    /// The name of the field.
    pub name: &'m str,
    /// The name that the client has for the file, as it was sent: it may be a path, and anything may
    /// be in it. `None` for a field that is no file, and where no file was chosen.
    ///
    /// For a name on your own disk see [`safe_filename`](Self::safe_filename).
    pub filename: Option<&'m str>,
    /// The header fields of the part.
    pub headers: Headers<'m>,
    pub(super) is_text: bool,
    splitter: &'m mut Splitter,
    source: &'m mut dyn Read,
}

impl Part<'_> {
    /// `Content-Type` of the part; `text/plain` where it has none (RFC 7578 §4.4), and
    /// `application/octet-stream` where it is no media type.
    pub fn content_type(&self) -> Mime {
        part_content_type(self.headers)
    }

    /// The last part of [`filename`](Self::filename) as a name that is safe to create: no path, no
    /// control characters, none that some system forbids, not hidden, no device, never empty
    /// (`upload` then), at most 255 bytes.
    ///
    /// Two uploads may have the same: whoever creates files of these names must expect that one is
    /// there already.
    pub fn safe_filename(&self) -> String {
        safe_filename(self.filename.unwrap_or_default())
    }

    /// Writes all that is left of the part to `out`, from the window and without another copy;
    /// returns how many bytes that were.
    ///
    /// # Errors
    /// Those of the body, which carry a status, and those of `out`.
    pub fn copy_to(&mut self, out: &mut (impl Write + ?Sized)) -> io::Result<u64> {
        self.copy_each(|data| out.write_all(data))
    }

    /// Hands all that is left to `take`, a piece at a time.
    pub(super) fn copy_each(
        &mut self,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<u64> {
        let mut copied = 0;
        loop {
            let data = self.fill_buf()?;
            if data.is_empty() {
                return Ok(copied);
            }
            take(data)?;
            let count = data.len();
            copied += count as u64;
            self.consume(count);
        }
    }
}

impl Read for Part<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Part<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.splitter.data(self.source).map_err(io::Error::from)
    }

    fn consume(&mut self, bytes: usize) {
        self.splitter.consume(bytes);
    }
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("name", &self.name)
            .field("filename", &self.filename)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// What is known of a body between two parts, wherever it comes from.
pub(super) struct Parts {
    splitter: Splitter,
    head: PartHead,
    limits: FormLimits,
    errors: TextErrors,
    count: usize,
}

impl Parts {
    pub(super) fn new(
        boundary: &str,
        window_bytes: usize,
        limits: FormLimits,
        errors: TextErrors,
    ) -> Parts {
        let splitter = Splitter::new(boundary, window_bytes, limits.max_part_head_bytes);
        Parts { splitter, head: PartHead::default(), limits, errors, count: 0 }
    }

    pub(super) fn next<'m>(&'m mut self, source: &'m mut dyn Read) -> Result<Option<Part<'m>>> {
        let Parts { splitter, head, limits, errors, count } = self;
        let Some(at_hand) = splitter.reach_head(source)? else {
            return Ok(None);
        };
        let is_too_many = *count == limits.max_fields;
        let common = if is_too_many { None } else { head.read_common(at_hand, limits) };
        let len = match common {
            Some(len) => len,
            None => {
                let lines = splitter.whole_head(source)?;
                let len = lines.len();
                let read = match is_too_many {
                    true => Err(BadForm::TooManyFields),
                    false => head.read(lines, limits, *errors),
                };
                read.map_err(|bad| splitter.refuse(bad))?;
                len
            }
        };
        splitter.pass_head(len);
        *count += 1;
        Ok(Some(Part {
            name: head.name(),
            filename: head.filename().filter(|name| !name.is_empty()),
            headers: head.headers(),
            is_text: head.filename().is_none(),
            splitter,
            source,
        }))
    }
}

/// The one `Content-Type` of a form.
pub(super) fn content_type(headers: Headers<'_>) -> Result<&str, BadForm> {
    let mut all = headers.get_all("content-type");
    match (all.next(), all.next()) {
        (Some(value), None) => Ok(value),
        // Of two, one reader takes the first and another the last.
        _ => Err(BadForm::MediaType),
    }
}

/// The boundary that `content_type` tells (RFC 2046 §5.1.1).
pub(super) fn boundary(content_type: &str) -> Result<String, BadForm> {
    let (media_type, parameters) = parameters::split(content_type);
    if !media_type.eq_ignore_ascii_case("multipart/form-data") {
        return Err(BadForm::MediaType);
    }
    let boundary = parameters.get("boundary").ok().flatten();
    boundary.filter(|boundary| is_boundary(boundary)).ok_or(BadForm::Boundary)
}

pub(super) fn part_content_type(headers: Headers<'_>) -> Mime {
    match headers.get("content-type") {
        None => mime::TEXT_PLAIN,
        Some(value) => value.parse().unwrap_or(mime::APPLICATION_OCTET_STREAM),
    }
}
