//! What a field holds: in memory where it is short, else in the temporary file of its form.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

/// The content of a field (Python: `file`): reads and seeks, wherever it is kept.
///
/// It starts at its front. Short contents are in memory, long ones in a temporary file that has no
/// name and vanishes with the form, whatever happens to the program.
///
/// ```
/// use std::fs::File;
/// use std::io;
/// use basehttp::{FieldStorage, Result, http_handler};
///
/// struct Album;
///
/// #[http_handler]
/// impl Album {
///     fn do_POST(&self, mut form: FieldStorage) -> Result<String> {
///         let picture = &mut form["picture"];
///         let mut stored = File::create(format!("album/{}", picture.safe_filename()))?;
///         let bytes = io::copy(&mut picture.file, &mut stored)?;
///         Ok(format!("thank you for {bytes} bytes"))
///     }
/// }
/// ```
pub struct FieldFile {
    content: Content,
    position: u64,
}

pub(crate) enum Content {
    Text(String),
    Bytes(Vec<u8>),
    Spooled(Stretch),
}

/// A piece of a spool.
pub(crate) struct Stretch {
    file: Arc<File>,
    start: u64,
    len: u64,
}

impl FieldFile {
    pub(crate) fn new(content: Content) -> FieldFile {
        FieldFile { content, position: 0 }
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    pub(crate) fn content_mut(&mut self) -> &mut Content {
        &mut self.content
    }

    /// How many bytes it has.
    pub fn len(&self) -> u64 {
        match &self.content {
            Content::Text(text) => text.len() as u64,
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Spooled(stretch) => stretch.len,
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is kept in memory, and not in a temporary file.
    pub fn is_in_memory(&self) -> bool {
        !matches!(self.content, Content::Spooled(_))
    }
}

impl Read for FieldFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = match &self.content {
            Content::Text(text) => text.as_bytes(),
            Content::Bytes(bytes) => bytes,
            Content::Spooled(stretch) => {
                let count = stretch.read_at(into, self.position)?;
                self.position += count as u64;
                return Ok(count);
            }
        };
        let rest = usize::try_from(self.position).ok().and_then(|at| bytes.get(at..));
        let count = rest.unwrap_or_default().read(into)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for FieldFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(offset) => self.len().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let negative = || io::Error::new(io::ErrorKind::InvalidInput, "a seek to before the front");
        self.position = place.ok_or_else(negative)?;
        Ok(self.position)
    }
}

impl fmt::Debug for FieldFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldFile")
            .field("len", &self.len())
            .field("is_in_memory", &self.is_in_memory())
            .finish_non_exhaustive()
    }
}

impl Stretch {
    /// Reads from that place on; 0 at the end.
    pub(crate) fn read_at(&self, into: &mut [u8], place: u64) -> io::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(place)).unwrap_or(usize::MAX);
        let most = left.min(into.len());
        match read_at(&self.file, &mut into[..most], self.start.saturating_add(place))? {
            0 if most > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }

    /// Hands all of it to `take`, a piece at a time.
    pub(crate) fn read_through<E: From<io::Error>>(
        &self,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut piece = vec![0; 64 * 1024];
        let mut place = 0;
        while place < self.len {
            let count = self.read_at(&mut piece, place)?;
            take(&piece[..count])?;
            place += count as u64;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], place: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, place)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], place: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, place)
}

/// The temporary file of a form, made when it is first needed.
///
/// One for all fields: a thousand fields must not cost a thousand descriptors.
#[derive(Default)]
pub(crate) struct Spool {
    file: Option<Arc<File>>,
    len: u64,
    /// Where the field under way began.
    start: u64,
}

impl Spool {
    /// Adds to the field under way.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(Arc::new(tempfile::tempfile()?)),
        };
        (&mut &**file).write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Ends the field under way, if any of it was written.
    pub(crate) fn take(&mut self) -> Option<Stretch> {
        let (start, len) = (self.start, self.len - self.start);
        self.start = self.len;
        let file = self.file.clone().filter(|_| len > 0)?;
        Some(Stretch { file, start, len })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_file_read_and_seek_alike() {
        let text = "0123456789";
        let mut spool = Spool::default();
        spool.write(b"before").unwrap();
        assert_eq!(spool.take().map(|stretch| stretch.len), Some(6));
        spool.write(b"01234").unwrap();
        spool.write(b"56789").unwrap();
        let stretch = spool.take().unwrap();
        spool.write(b"behind").unwrap();
        assert!(spool.take().is_some() && spool.take().is_none());
        for content in
            [Content::Text(text.to_owned()), Content::Bytes(text.into()), Content::Spooled(stretch)]
        {
            let mut file = FieldFile::new(content);
            let mut read = String::new();
            assert_eq!((file.len(), file.is_empty()), (10, false));
            file.read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
            assert_eq!(file.read(&mut [0; 4]).unwrap(), 0);
            for (to, place, rest) in [
                (SeekFrom::Start(3), 3, "3456789"),
                (SeekFrom::End(-2), 8, "89"),
                (SeekFrom::Current(-10), 0, text),
                (SeekFrom::Start(99), 99, ""),
            ] {
                assert_eq!(file.seek(to).unwrap(), place);
                read.clear();
                file.read_to_string(&mut read).unwrap();
                assert_eq!(read, rest, "{to:?}");
            }
            assert!(file.seek(SeekFrom::End(-11)).is_err());
        }
    }
}
