//! Where the data of a body is: by length, or between the lines of the chunked coding
//! (RFC 9112 §7.1).
//!
//! ```text
//!    Size ──▶ Extension ──▶ Data ──▶ DataEnd ──▶ Size        a chunk
//!      └─ 0 ──▶ Extension ──▶ Trailer … ──▶ Done             the last one
//!
//!    ; BeforeName ──▶ Name ──▶ AfterName ──▶ BeforeValue ──▶ Value ──▶ Behind ──▶ ;
//!                                                 └──▶ Quoted ⇄ Escaped ─┘
//! ```
//!
//! Nothing is copied: the decoder says how many bytes of framing to drop and how many bytes of data
//! follow them. What is not exactly the grammar is refused, since a lenient reader and a strict one
//! would see different requests behind it.

use super::bytes::{is_tchar, is_text};
use super::error::BadRequest;
use super::framing::BodyLength;

/// Finds the data in the bytes that follow a head.
#[derive(Clone, Debug)]
pub(crate) enum BodyDecoder {
    /// So many bytes of data are left.
    Length(u64),
    Chunked(ChunkedDecoder),
}

/// What stands at the front of the bytes, once `skip` bytes of framing are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framed {
    pub(crate) skip: usize,
    pub(crate) then: Then,
}

/// What follows the framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// So many bytes of data, at least one. Whoever takes some tells it to
    /// [`BodyDecoder::take`].
    Data(usize),
    /// Nothing yet: more bytes are needed.
    Starved,
    /// Nothing any more: the body is complete.
    End,
}

impl BodyDecoder {
    pub(crate) fn new(length: BodyLength) -> BodyDecoder {
        match length {
            BodyLength::Empty => BodyDecoder::Length(0),
            BodyLength::Known(bytes) => BodyDecoder::Length(bytes),
            BodyLength::Chunked => BodyDecoder::Chunked(ChunkedDecoder::default()),
        }
    }

    /// Reads framing at the front of `bytes`, up to data, to the end of the body, or to the end of
    /// `bytes`.
    pub(crate) fn frame(&mut self, bytes: &[u8]) -> Result<Framed, BadRequest> {
        self.frame_with(bytes, |_| {})
    }

    /// [`frame`](Self::frame), and each byte of a field line in the trailer section for `trailer`.
    pub(crate) fn frame_with(
        &mut self,
        bytes: &[u8],
        trailer: impl FnMut(u8),
    ) -> Result<Framed, BadRequest> {
        match self {
            BodyDecoder::Length(0) => Ok(Framed { skip: 0, then: Then::End }),
            BodyDecoder::Length(_) if bytes.is_empty() => {
                Ok(Framed { skip: 0, then: Then::Starved })
            }
            BodyDecoder::Length(left) => Ok(Framed { skip: 0, then: data(*left, bytes.len()) }),
            BodyDecoder::Chunked(decoder) => decoder.frame(bytes, trailer),
        }
    }

    /// Counts `bytes` of the data that [`frame`](Self::frame) announced as taken.
    pub(crate) fn take(&mut self, bytes: usize) {
        match self {
            BodyDecoder::Length(left) => *left -= bytes as u64,
            BodyDecoder::Chunked(decoder) => decoder.take(bytes as u64),
        }
    }

    /// Whether the body has ended.
    pub(crate) fn is_done(&self) -> bool {
        match self {
            BodyDecoder::Length(left) => *left == 0,
            BodyDecoder::Chunked(decoder) => decoder.step == Step::Done,
        }
    }

    /// How much data is surely still to come: all of it by length, the chunk under way otherwise.
    pub(crate) fn announced(&self) -> u64 {
        match self {
            BodyDecoder::Length(left) => *left,
            BodyDecoder::Chunked(ChunkedDecoder { step: Step::Data(left), .. }) => *left,
            BodyDecoder::Chunked(_) => 0,
        }
    }
}

fn data(left: u64, available: usize) -> Then {
    Then::Data(usize::try_from(left).map_or(available, |left| left.min(available)))
}

/// Reads the chunked coding: what is plain at once, and the rest byte by byte outside of the data.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChunkedDecoder {
    step: Step,
    /// Bytes of extensions so far, less the data that came with them.
    extension_bytes: u64,
    trailer_bytes: u32,
    trailer_fields: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    /// Before the first digit of a chunk size.
    #[default]
    SizeStart,
    /// Within a chunk size, and how many digits it may still have.
    Size(u64, u8),
    /// Behind a chunk size and a blank, or behind the `;` of an extension.
    Extension(u64, InExtension),
    /// Behind the CR of a chunk-size line.
    SizeEnd(u64),
    /// So many bytes of chunk data are left.
    Data(u64),
    /// Behind the data: CR, then LF.
    DataCr,
    DataLf,
    /// At the start of a trailer line.
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    /// Behind the CR of the empty line that ends the body.
    LastLf,
    Done,
}

/// Where in `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` (RFC 9112 §7.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InExtension {
    /// Behind a blank: nothing but another `;` may follow.
    Behind,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Value,
    Quoted,
    Escaped,
    /// Behind the quote that ends a value.
    Closed,
}

impl InExtension {
    /// What follows over `byte`; the line end is not for this to see.
    fn next(self, byte: u8) -> Result<InExtension, BadRequest> {
        use InExtension::*;
        Ok(match (self, byte) {
            (Behind, b' ' | b'\t') => Behind,
            (BeforeName, b' ' | b'\t') => BeforeName,
            (Name | AfterName, b' ' | b'\t') => AfterName,
            (BeforeValue, b' ' | b'\t') => BeforeValue,
            (Value | Closed, b' ' | b'\t') => Behind,
            (Behind | Name | AfterName | Value | Closed, b';') => BeforeName,
            (Name | AfterName, b'=') => BeforeValue,
            (BeforeName | Name, _) if is_tchar(byte) => Name,
            (BeforeValue | Value, _) if is_tchar(byte) => Value,
            (BeforeValue, b'"') => Quoted,
            (Quoted, b'"') => Closed,
            (Quoted, b'\\') => Escaped,
            (Quoted | Escaped, _) if is_text(byte) => Quoted,
            _ => return Err(BadRequest::Chunk),
        })
    }

    /// Whether the line may end here.
    fn is_whole(self) -> bool {
        matches!(self, InExtension::Name | InExtension::Value | InExtension::Closed)
    }
}

impl ChunkedDecoder {
    fn frame(&mut self, bytes: &[u8], mut trailer: impl FnMut(u8)) -> Result<Framed, BadRequest> {
        let plain = self.read_plain(bytes);
        for (skip, &byte) in bytes.iter().enumerate().skip(plain) {
            match self.step {
                Step::Data(left) => {
                    return Ok(Framed { skip, then: data(left, bytes.len() - skip) });
                }
                Step::Done => return Ok(Framed { skip, then: Then::End }),
                before => {
                    self.step = self.next(byte)?;
                    if before == Step::TrailerLf || self.step.is_in_trailer() {
                        trailer(byte);
                    }
                }
            }
        }
        let then = if self.step == Step::Done { Then::End } else { Then::Starved };
        Ok(Framed { skip: bytes.len(), then })
    }

    /// Reads at once what mostly stands between two pieces of data, and at the end, where all of it
    /// is there: how many bytes that is. What it leaves is read byte by byte.
    fn read_plain(&mut self, bytes: &[u8]) -> usize {
        let line = match (self.step, bytes) {
            (Step::SizeStart, line) => line,
            (Step::DataCr, [b'\r', b'\n', line @ ..]) => line,
            _ => return 0,
        };
        let Some((size, behind)) = plain_size(line) else { return 0 };
        let (step, left) = match (size, behind) {
            (0, [b'\r', b'\n', left @ ..]) => (Step::Done, left),
            (0, _) => (Step::TrailerStart, behind),
            _ => (Step::Data(size), behind),
        };
        self.step = step;
        bytes.len() - left.len()
    }

    fn take(&mut self, bytes: u64) {
        self.extension_bytes = self.extension_bytes.saturating_sub(bytes);
        if let Step::Data(left) = self.step {
            self.step = if left > bytes { Step::Data(left - bytes) } else { Step::DataCr };
        }
    }

    fn next(&mut self, byte: u8) -> Result<Step, BadRequest> {
        match (self.step, byte) {
            (Step::SizeStart, _) => Ok(Step::Size(hex_digit(byte)?, MAX_DIGITS - 1)),
            (Step::Size(size, _), b'\r') => Ok(Step::SizeEnd(size)),
            (Step::Size(size, _), b';') => self.extend(size, InExtension::BeforeName),
            (Step::Size(size, _), b' ' | b'\t') => self.extend(size, InExtension::Behind),
            // So many digits fit 64 bits, and leading zeros cannot go on for ever.
            (Step::Size(_, 0), _) => Err(BadRequest::Chunk),
            (Step::Size(size, more), _) => Ok(Step::Size(size << 4 | hex_digit(byte)?, more - 1)),
            (Step::Extension(size, at), b'\r') if at.is_whole() => Ok(Step::SizeEnd(size)),
            (Step::Extension(size, at), _) => self.extend(size, at.next(byte)?),
            (Step::SizeEnd(0), b'\n') => Ok(Step::TrailerStart),
            (Step::SizeEnd(size), b'\n') => Ok(Step::Data(size)),
            (Step::DataCr, b'\r') => Ok(Step::DataLf),
            (Step::DataLf, b'\n') => Ok(Step::SizeStart),
            (Step::TrailerStart, b'\r') => Ok(Step::LastLf),
            (Step::TrailerStart, _) if is_tchar(byte) => self.begin_trailer_field(),
            (Step::TrailerName, b':') => self.trail(Step::TrailerValue),
            (Step::TrailerName, _) if is_tchar(byte) => self.trail(Step::TrailerName),
            (Step::TrailerValue, b'\r') => self.trail(Step::TrailerLf),
            (Step::TrailerValue, _) if is_text(byte) => self.trail(Step::TrailerValue),
            (Step::TrailerLf, b'\n') => Ok(Step::TrailerStart),
            (Step::LastLf, b'\n') => Ok(Step::Done),
            _ => Err(BadRequest::Chunk),
        }
    }

    /// Goes on over a byte of an extension.
    fn extend(&mut self, size: u64, at: InExtension) -> Result<Step, BadRequest> {
        self.extension_bytes += 1;
        match self.extension_bytes > MAX_EXTENSION_BYTES {
            true => Err(BadRequest::ChunkOverhead),
            false => Ok(Step::Extension(size, at)),
        }
    }

    fn begin_trailer_field(&mut self) -> Result<Step, BadRequest> {
        self.trailer_fields += 1;
        match self.trailer_fields > MAX_TRAILER_FIELDS {
            true => Err(BadRequest::ChunkOverhead),
            false => self.trail(Step::TrailerName),
        }
    }

    /// Goes on over a byte of the trailer section.
    fn trail(&mut self, step: Step) -> Result<Step, BadRequest> {
        self.trailer_bytes += 1;
        match self.trailer_bytes > MAX_TRAILER_BYTES {
            true => Err(BadRequest::ChunkOverhead),
            false => Ok(step),
        }
    }
}

impl Step {
    /// Whether the byte that led here is one of a field line.
    fn is_in_trailer(self) -> bool {
        matches!(self, Step::TrailerName | Step::TrailerValue | Step::TrailerLf)
    }
}

/// The size in a line that has nothing else and is all there, and what follows that line.
fn plain_size(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut size = 0;
    // Fewer digits than there may be, so that none of the rules about them is touched.
    for (at, &byte) in bytes.iter().enumerate().take(MAX_DIGITS as usize / 2) {
        match hex_digit(byte) {
            Ok(digit) => size = size << 4 | digit,
            Err(_) => {
                let behind = bytes.get(at..)?.strip_prefix(b"\r\n")?;
                return (at > 0).then_some((size, behind));
            }
        }
    }
    None
}

fn hex_digit(byte: u8) -> Result<u64, BadRequest> {
    char::from(byte).to_digit(16).map(u64::from).ok_or(BadRequest::Chunk)
}

/// Hexadecimal digits of a chunk size: as many as 64 bits have.
const MAX_DIGITS: u8 = 16;

/// Bytes of extensions beyond the bytes of data that came before them. Whoever signs each chunk
/// stays far below; whoever sends nothing else is stopped.
const MAX_EXTENSION_BYTES: u64 = 16 * 1024;

/// Bytes of a trailer section, which is kept for the handler: a checksum or two, and room.
const MAX_TRAILER_BYTES: u32 = 16 * 1024;

/// Fields of a trailer section: as many as Python allows in a head.
const MAX_TRAILER_FIELDS: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of a body delivered in pieces, and how many bytes of the input belonged to it.
    fn decode<'p>(
        pieces: impl IntoIterator<Item = &'p [u8]>,
    ) -> Result<(Vec<u8>, usize, bool), BadRequest> {
        let mut decoder = BodyDecoder::new(BodyLength::Chunked);
        let (mut out, mut used) = (Vec::new(), 0);
        for mut piece in pieces {
            loop {
                let framed = decoder.frame(piece)?;
                piece = &piece[framed.skip..];
                used += framed.skip;
                let Then::Data(len) = framed.then else { break };
                out.extend_from_slice(&piece[..len]);
                piece = &piece[len..];
                used += len;
                decoder.take(len);
            }
        }
        Ok((out, used, decoder.is_done()))
    }

    /// Delivers the body at once, byte by byte and cut at each place.
    fn delivered(body: &str) -> Result<(String, usize, bool), BadRequest> {
        let bytes = body.as_bytes();
        let at_once = decode([bytes]);
        assert_eq!(decode(bytes.chunks(1)), at_once, "byte by byte: {body:?}");
        for cut in 1..bytes.len() {
            assert_eq!(decode([&bytes[..cut], &bytes[cut..]]), at_once, "{body:?} cut at {cut}");
        }
        at_once.map(|(data, used, done)| (String::from_utf8(data).unwrap(), used, done))
    }

    #[test]
    fn data_is_found_between_the_lines() {
        for (body, data) in [
            ("0\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\n\r\n", "hello"),
            ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
            ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
            ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
            ("005\r\nhello\r\n000\r\n\r\n", "hello"),
            ("5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n", "hello"),
            ("5 \t; a\t=  b  ;c;d=\"\"\r\nhello\r\n0;x;y\r\n\r\n", "hello"),
            ("5;a=\"\\\"\\\\;\u{e9}\t\" ;b\r\nhello\r\n0\r\n\r\n", "hello"),
            ("5\r\nhello\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", "hello"),
            ("7\r\n1\r\n2\r\n3\r\n0\r\n\r\n", "1\r\n2\r\n3"),
        ] {
            let expected = Ok((data.to_owned(), body.len(), true));
            assert_eq!(delivered(body), expected, "{body:?}");
            // What follows belongs to the next request.
            let (decoded, used, done) = delivered(&format!("{body}GET /")).unwrap();
            assert_eq!((decoded.as_str(), used, done), (data, body.len(), true), "{body:?}");
        }
    }

    #[test]
    fn an_incomplete_body_is_starved_and_not_done() {
        for body in ["", "5", "5\r", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "0\r\n", "0\r\n\r"]
        {
            let (_, used, done) = delivered(body).unwrap();
            assert_eq!((used, done), (body.len(), false), "{body:?}");
        }
    }

    #[test]
    fn what_is_not_the_grammar_is_refused() {
        for body in [
            "\r\n",
            "-5\r\nhello\r\n",
            "+5\r\nhello\r\n",
            "0x5\r\nhello\r\n",
            " 5\r\nhello\r\n",
            "5 \r\nhello\r\n",
            "5\t\r\nhello\r\n",
            "5\nhello\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhelloX\r\n",
            "5\r\nhell\r\n0\r\n\r\n",
            "0_2\r\nab\r\n",
            "g\r\n",
            "5\rXhello",
            "10000000000000000\r\n",
            "fffffffffffffffff\r\n",
            "00000000000000005\r\nhello\r\n",
            "5;a\nhello\r\n0\r\n\r\n",
            "5;\r\nhello\r\n0\r\n\r\n",
            "5; \r\nhello\r\n0\r\n\r\n",
            "5;;a\r\nhello\r\n0\r\n\r\n",
            "5;a \r\nhello\r\n0\r\n\r\n",
            "5;a=\r\nhello\r\n0\r\n\r\n",
            "5;a=;b\r\nhello\r\n0\r\n\r\n",
            "5;=b\r\nhello\r\n0\r\n\r\n",
            "5;a b\r\nhello\r\n0\r\n\r\n",
            "5;a=b c\r\nhello\r\n0\r\n\r\n",
            "5;a=\"b\r\nhello\r\n0\r\n\r\n",
            "5;a=\"b\\\r\nhello\r\n0\r\n\r\n",
            "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n",
            "5;a=b\"c\"\r\nhello\r\n0\r\n\r\n",
            "5;a=\"\0\"\r\nhello\r\n0\r\n\r\n",
            "5;a@b\r\nhello\r\n0\r\n\r\n",
            "5 a\r\nhello\r\n0\r\n\r\n",
            "5;\0\r\nhello\r\n",
            "0\r\nno colon\r\n\r\n",
            "0\r\n: x\r\n\r\n",
            "0\r\nA : b\r\n\r\n",
            "0\r\n folded\r\n\r\n",
            "0\r\nA: b\nB: c\r\n\r\n",
            "0\r\nA: \0\r\n\r\n",
            "0\r\n\n",
            ";\r\n",
        ] {
            assert_eq!(delivered(body), Err(BadRequest::Chunk), "{body:?}");
        }
    }

    #[test]
    fn overhead_is_bounded_however_it_is_spread() {
        assert_eq!(
            (MAX_EXTENSION_BYTES, MAX_TRAILER_BYTES, MAX_TRAILER_FIELDS),
            (16384, 16384, 100)
        );
        let last = |trailers: &str| format!("0\r\n{trailers}\r\n");
        let extension = |len: usize| format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(len));
        let field = |len: usize| last(&format!("A:{}\r\n", "b".repeat(len)));
        let fields = |count: usize| last(&"A: b\r\n".repeat(count));
        let extensions = |count: usize| "1;abcdefgh\r\nx\r\n".repeat(count) + &last("");
        // What is just bearable, and what is just not. The semicolon counts; line ends of chunks
        // do not; the LF behind a field is not waited for.
        let extension_bytes = MAX_EXTENSION_BYTES as usize;
        for (bearable, too_much) in [
            (extension(extension_bytes - 1), extension(extension_bytes)),
            (field(MAX_TRAILER_BYTES as usize - 3), field(MAX_TRAILER_BYTES as usize - 2)),
            (fields(100), fields(101)),
            (extensions(extension_bytes / 8 - 1), extensions(extension_bytes / 8)),
        ] {
            assert!(decode([bearable.as_bytes()]).is_ok_and(|(_, _, is_done)| is_done));
            assert_eq!(decode([too_much.as_bytes()]), Err(BadRequest::ChunkOverhead));
        }
        let signed = "40;chunk-signature=0123456789abcdef0123456789abcdef\r\n".to_owned();
        let signed = (signed + &"x".repeat(64) + "\r\n").repeat(10_000) + "0\r\n\r\n";
        assert!(
            decode([signed.as_bytes()]).is_ok_and(|(data, _, done)| done && data.len() == 640_000)
        );
    }

    #[test]
    fn what_is_plain_is_read_at_once() {
        for (step, text, len, then) in [
            (Step::SizeStart, "1F\r\nab", 4, Step::Data(31)),
            (Step::SizeStart, "12345678\r\n", 0, Step::SizeStart),
            (Step::SizeStart, "5;a\r\nhello", 0, Step::SizeStart),
            (Step::DataCr, "\r\n5\r\n", 5, Step::Data(5)),
            (Step::DataCr, "\r\n5\r", 0, Step::DataCr),
            (Step::DataCr, "\r\n0\r\nA: b\r\n\r\n", 5, Step::TrailerStart),
            (Step::DataCr, "\r\n0\r\n\r\nGET /", 7, Step::Done),
            (Step::TrailerStart, "5\r\n", 0, Step::TrailerStart),
        ] {
            let mut decoder = ChunkedDecoder { step, ..ChunkedDecoder::default() };
            assert_eq!(
                (decoder.read_plain(text.as_bytes()), decoder.step),
                (len, then),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_trailer_section_is_told_from_what_is_around_it() {
        let body = b"5;a=b\r\nhello\r\n0;c\r\nX-Sum: 1\r\nY:\r\n\r\nGET /";
        for step in 1..body.len() {
            let mut decoder = BodyDecoder::new(BodyLength::Chunked);
            let mut trailer = Vec::new();
            for mut piece in body.chunks(step) {
                loop {
                    let framed = decoder.frame_with(piece, |byte| trailer.push(byte)).unwrap();
                    piece = &piece[framed.skip..];
                    let Then::Data(len) = framed.then else { break };
                    decoder.take(len);
                    piece = &piece[len..];
                }
            }
            assert_eq!(String::from_utf8(trailer).unwrap(), "X-Sum: 1\r\nY:\r\n", "by {step}");
        }
    }

    #[test]
    fn a_body_by_length_is_all_data() {
        let mut decoder = BodyDecoder::new(BodyLength::Known(5));
        assert_eq!(decoder.frame(b"").unwrap().then, Then::Starved);
        assert_eq!(decoder.frame(b"hel").unwrap().then, Then::Data(3));
        decoder.take(3);
        assert_eq!(decoder.frame(b"loGET").unwrap().then, Then::Data(2));
        decoder.take(2);
        assert_eq!(decoder.frame(b"GET").unwrap().then, Then::End);
        assert!(decoder.is_done());
    }
}
