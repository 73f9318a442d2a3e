//! `rfile`: the body of a request, ending where the body ends.
//!
//! What was received with the head is read in place. Beyond it, bytes come from the socket: into
//! the caller's own memory where it is large enough, else through a window.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::mem::needs_drop;

use crate::config::{Config, FormLimits};
use crate::http::buffer::Buffer;
use crate::http::chunked::{BodyDecoder, Then};
use crate::http::connection::{BodyLeft, BodyParts, BodyRest, is_bearable};
use crate::http::error::BadRequest;
use crate::http::headers::Headers;
use crate::http::trailers::Trailers;
use crate::http_error::HttpError;
use crate::socket::Socket;

/// Reads the body of a request (Python: `rfile`).
///
/// A method is called when its body is complete, or 64 KiB of it are there; only beyond those does
/// reading wait for the client, `Config::body_timeout` at most and longer only for a client that
/// keeps up `Config::min_body_rate`. (It may wait from the first byte on where the client waits for
/// `100 Continue` before a longer body, or where the method has raised the limit that the length of
/// the body exceeds.)
///
/// It ends where the body ends, however the client framed it: `read_to_end` never waits for
/// another request, and a chunked body is read without its framing.
///
/// Errors carry the status they deserve (408 for a body that comes too slowly, 413 for one over the
/// limit, 400 for one that breaks off or is malformed), so that `?` answers with it.
pub struct RequestReader<'a> {
    received: &'a [u8],
    /// `received` is all of the body.
    is_whole: bool,
    used: usize,
    /// Bytes read from the socket, once `received` is used up.
    window: Option<Buffer>,
    decoder: BodyDecoder,
    socket: &'a dyn Socket,
    taken: u64,
    max_bytes: u64,
    form_limits: &'a FormLimits,
    expects_continue: bool,
    failed: Option<BadRequest>,
    /// What has come of the trailer section; most bodies have none.
    trailers: Option<Box<Trailers>>,
}

impl<'a> RequestReader<'a> {
    #[inline]
    pub(crate) fn new(body: BodyParts<'a>, socket: &'a dyn Socket, config: &'a Config) -> Self {
        RequestReader {
            received: body.received,
            is_whole: body.is_whole,
            used: 0,
            window: None,
            decoder: body.decoder,
            socket,
            taken: 0,
            max_bytes: config.max_body_bytes,
            form_limits: &config.form_limits,
            expects_continue: body.expects_continue,
            failed: None,
            trailers: None,
        }
    }

    /// Sets how long this body may be, in bytes; `Config::max_body_bytes` until then.
    ///
    /// It is looked at when the body is read, so a method can raise it before it reads.
    pub fn set_max_bytes(&mut self, max_bytes: u64) {
        self.max_bytes = max_bytes;
    }

    /// How long this body may be, in bytes.
    pub fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// The fields that came behind a chunked body (RFC 9112 §7.1.2), once the body has been read to
    /// its end; until then, and behind any other body, there are none.
    ///
    /// They are the client's word like the header fields, which they never replace. Fields that
    /// frame, route, authenticate or describe a message are not among them: RFC 9110 §6.5.1 forbids
    /// them there. More than 100 fields, or 16 KiB, are refused with a 400.
    ///
    /// ```
    /// use std::io;
    /// use basehttp::{Exchange, http_handler};
    ///
    /// struct Upload;
    ///
    /// #[http_handler]
    /// impl Upload {
    ///     fn do_PUT(&self, http: &mut Exchange) -> io::Result<String> {
    ///         let body = http.body()?;
    ///         let sum = http.rfile.trailers().get("x-checksum").unwrap_or("none");
    ///         Ok(format!("{} bytes, checksum {sum}", body.len()))
    ///     }
    /// }
    /// ```
    pub fn trailers(&self) -> Headers<'_> {
        self.trailers.as_ref().map_or(Headers::empty(), |trailers| trailers.fields())
    }

    /// What a form in this body may come to.
    pub(crate) fn form_limits(&self) -> &'a FormLimits {
        self.form_limits
    }

    /// How large a form's window is worth its memory: no larger than the rest of the body.
    pub(crate) fn form_window_bytes(&self) -> usize {
        let rest = match self.decoder {
            BodyDecoder::Length(left) => usize::try_from(left).unwrap_or(FORM_WINDOW),
            _ => FORM_WINDOW,
        };
        rest.saturating_add(SLACK).min(FORM_WINDOW)
    }

    /// Whether the client waits to be told that its body is welcome.
    pub(crate) fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// The client was told that its body is welcome; it must not be told again.
    pub(crate) fn mark_continued(&mut self) {
        self.expects_continue = false;
    }

    /// Whether the client has ended its side, as far as can be seen past what it sent before.
    pub(crate) fn is_client_gone(&self) -> bool {
        self.socket.is_peer_gone()
    }

    /// How many bytes are at hand, framing included: about what to make room for.
    pub(crate) fn received_bytes(&self) -> usize {
        self.received.len()
    }

    /// Whether the connection can go on behind this body as it is now.
    pub(crate) fn is_rest_bearable(&self) -> bool {
        let is_rest_bearable = self.is_whole || is_bearable(&self.decoder, self.expects_continue);
        is_rest_bearable && self.failed.is_none()
    }

    /// What goes back to the connection.
    #[inline]
    pub(crate) fn take_rest(&mut self) -> BodyLeft {
        match self.failed {
            Some(_) => BodyLeft::Broken,
            None if self.is_whole => BodyLeft::Whole,
            None => BodyLeft::Rest(self.rest()),
        }
    }

    /// Whether there is anything to drop: each field has its say here.
    #[inline]
    pub(crate) fn holds_memory(&self) -> bool {
        const { assert!(!needs_drop::<BodyDecoder>() && !needs_drop::<BadRequest>()) }
        let RequestReader {
            window,
            trailers,
            received: _,
            is_whole: _,
            used: _,
            decoder: _,
            socket: _,
            taken: _,
            max_bytes: _,
            form_limits: _,
            expects_continue: _,
            failed: _,
        } = self;
        window.is_some() || trailers.is_some()
    }

    /// What is left of a body that was not all there.
    #[inline(never)]
    fn rest(&mut self) -> Box<BodyRest> {
        Box::new(BodyRest {
            decoder: self.decoder.clone(),
            used: self.used,
            unused: self.window.take(),
            unasked: self.expects_continue,
        })
    }

    /// The bytes at hand.
    fn source(&self) -> &[u8] {
        match &self.window {
            Some(window) => window.bytes(),
            None => self.received.get(self.used..).unwrap_or_default(),
        }
    }

    fn drop_source(&mut self, bytes: usize) {
        match &mut self.window {
            Some(window) => window.consume(bytes),
            None => self.used += bytes,
        }
    }

    /// Comes to the next data: so many bytes at the front of the source, or none at the end.
    ///
    /// `Starved` only if `wait` is false: then nothing was read from the socket.
    fn find_data(&mut self, wait: bool) -> Result<Then, BadRequest> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        loop {
            let source = match &self.window {
                Some(window) => window.bytes(),
                None => self.received.get(self.used..).unwrap_or_default(),
            };
            let was_done = self.decoder.is_done();
            let framed = self.decoder.frame_with(source, |byte| {
                self.trailers.get_or_insert_default().push(byte);
            })?;
            self.drop_source(framed.skip);
            self.check_size()?;
            match framed.then {
                Then::Starved if wait => self.refill()?,
                Then::End if !was_done => {
                    if let Some(trailers) = &mut self.trailers {
                        trailers.complete();
                    }
                    return Ok(Then::End);
                }
                then => return Ok(then),
            }
        }
    }

    /// A length is refused before its bytes come; so is each chunk.
    fn check_size(&self) -> Result<(), BadRequest> {
        let is_too_large = self.taken.saturating_add(self.decoder.announced()) > self.max_bytes;
        if is_too_large { Err(BadRequest::BodyTooLarge) } else { Ok(()) }
    }

    /// Waits for more bytes in the window.
    fn refill(&mut self) -> Result<(), BadRequest> {
        self.ask_for_body()?;
        let window = self.window.get_or_insert_with(|| Buffer::with_storage(vec![0; WINDOW]));
        let received = self.socket.read(window.room()).map_err(broken)?;
        window.fill(received);
        if received == 0 { Err(BadRequest::BodyCutShort) } else { Ok(()) }
    }

    /// `100 Continue`, at the first time that bytes are waited for (RFC 9110 §10.1.1).
    ///
    /// Once the answer itself has begun it is too late, and the client knows by that.
    fn ask_for_body(&mut self) -> Result<(), BadRequest> {
        if std::mem::take(&mut self.expects_continue) && !self.socket.has_written() {
            self.socket.write_all(CONTINUE).map_err(broken)?;
        }
        Ok(())
    }

    fn taken(&mut self, bytes: usize) {
        self.decoder.take(bytes);
        self.taken += bytes as u64;
    }

    /// Remembers what broke the body, so that it stays broken, and wraps it.
    fn fail(&mut self, refused: BadRequest) -> io::Error {
        self.failed = Some(refused);
        HttpError::from(refused).into()
    }

    fn read_data(&mut self, into: &mut [u8]) -> Result<usize, BadRequest> {
        // Bytes that are surely data go straight into a large enough piece of the caller's memory.
        let is_direct = into.len() >= DIRECT;
        loop {
            let count = match self.find_data(!is_direct)? {
                Then::End => return Ok(0),
                Then::Data(available) => return Ok(self.take_data(available, into)),
                Then::Starved if self.decoder.announced() == 0 => {
                    self.refill()?;
                    continue;
                }
                Then::Starved => self.read_directly(into)?,
            };
            self.taken(count);
            return Ok(count);
        }
    }

    /// Copies what is at hand: so many bytes of data, and those of the chunks behind them.
    ///
    /// However short its chunks are, a body must not be read, and then written, byte by byte.
    fn take_data(&mut self, mut available: usize, into: &mut [u8]) -> usize {
        let mut copied = 0;
        loop {
            let count = available.min(into.len() - copied);
            into[copied..copied + count].copy_from_slice(&self.source()[..count]);
            self.drop_source(count);
            self.taken(count);
            copied += count;
            if copied == into.len() {
                return copied;
            }
            available = match self.find_data(false) {
                Ok(Then::Data(more)) => more,
                // The limit may be raised before more is asked for.
                Ok(_) | Err(BadRequest::BodyTooLarge) => return copied,
                Err(refused) => {
                    self.failed = Some(refused);
                    return copied;
                }
            };
        }
    }

    /// Reads what is announced, and no more, past the window.
    fn read_directly(&mut self, into: &mut [u8]) -> Result<usize, BadRequest> {
        self.ask_for_body()?;
        let announced = usize::try_from(self.decoder.announced()).unwrap_or(usize::MAX);
        let most = announced.min(into.len());
        match self.socket.read(&mut into[..most]).map_err(broken)? {
            0 => Err(BadRequest::BodyCutShort),
            count => Ok(count),
        }
    }
}

impl fmt::Debug for RequestReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestReader").field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl Read for RequestReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        self.read_data(into).map_err(|refused| self.fail(refused))
    }

    /// What is at hand is taken at once; most bodies are all there. What has to be waited for is
    /// read as any other reader's.
    fn read_to_end(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        let before = into.len();
        loop {
            match self.find_data(false) {
                Ok(Then::Data(available)) => {
                    into.extend_from_slice(&self.source()[..available]);
                    self.drop_source(available);
                    self.taken(available);
                    if self.decoder.is_done() {
                        break;
                    }
                }
                Ok(Then::End) => break,
                Ok(Then::Starved) => {
                    self.take(u64::MAX).read_to_end(into)?;
                    break;
                }
                Err(refused) => return Err(self.fail(refused)),
            }
        }
        Ok(into.len() - before)
    }
}

impl BufRead for RequestReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.find_data(true) {
            Ok(Then::Data(available)) => Ok(&self.source()[..available]),
            Ok(_) => Ok(&[]),
            Err(refused) => Err(self.fail(refused)),
        }
    }

    fn consume(&mut self, bytes: usize) {
        // More than `fill_buf` gave cannot be consumed.
        let bytes = match self.find_data(false) {
            Ok(Then::Data(available)) => bytes.min(available),
            _ => 0,
        };
        self.drop_source(bytes);
        self.taken(bytes);
    }
}

/// What a failing socket means for a body.
fn broken(error: io::Error) -> BadRequest {
    match error.kind() {
        io::ErrorKind::TimedOut => BadRequest::BodyTimeout,
        _ => BadRequest::BodyCutShort,
    }
}

/// Tells a client that its body is welcome.
pub(crate) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Bytes read from the socket at a time where the caller asks for less.
const WINDOW: usize = 64 * 1024;

/// The largest window over a form. Twice [`WINDOW`] has the client wait for room half as often; more
/// than that gains nothing.
const FORM_WINDOW: usize = 128 * 1024;

/// What a reader of forms puts into its window beside the body.
const SLACK: usize = 16;

/// From this size on, a caller's own memory serves as the window.
const DIRECT: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::VecDeque;
    use std::io::IoSlice;

    use super::*;
    use crate::http::framing::BodyLength;

    /// Gives out prepared pieces, then the peer's end.
    #[derive(Default)]
    struct Pieces {
        pieces: RefCell<VecDeque<Vec<u8>>>,
        continued: Cell<bool>,
    }

    impl Pieces {
        fn of(bytes: &[u8], size: usize) -> Pieces {
            let pieces = bytes.chunks(size).map(<[u8]>::to_vec).collect();
            Pieces { pieces: RefCell::new(pieces), continued: Cell::new(false) }
        }
    }

    impl Socket for Pieces {
        fn read(&self, into: &mut [u8]) -> io::Result<usize> {
            let mut pieces = self.pieces.borrow_mut();
            let Some(mut piece) = pieces.pop_front() else { return Ok(0) };
            let count = piece.len().min(into.len());
            into[..count].copy_from_slice(&piece[..count]);
            if count < piece.len() {
                pieces.push_front(piece.split_off(count));
            }
            Ok(count)
        }

        fn is_peer_gone(&self) -> bool {
            false
        }

        fn has_written(&self) -> bool {
            false
        }

        fn try_write(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
            panic!("a reader does not answer")
        }

        fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
            assert_eq!(bytes, CONTINUE);
            assert!(!self.continued.replace(true), "100 Continue twice");
            Ok(())
        }
    }

    fn reader<'a>(received: &'a [u8], length: BodyLength, socket: &'a Pieces) -> RequestReader<'a> {
        let decoder = BodyDecoder::new(length);
        let body = BodyParts { received, is_whole: false, decoder, expects_continue: false };
        let config = Config { max_body_bytes: 1 << 20, ..Config::default() };
        RequestReader::new(body, socket, Box::leak(Box::new(config)))
    }

    fn rest(mut rfile: RequestReader<'_>) -> BodyRest {
        let BodyLeft::Rest(rest) = rfile.take_rest() else { panic!("the body broke") };
        *rest
    }

    fn status(error: io::Error) -> u16 {
        HttpError::from(error).status().code()
    }

    #[test]
    fn short_chunks_that_are_at_hand_are_read_together_up_to_what_is_wrong() {
        for (behind, end) in [("0\r\n\r\n", Ok(0)), ("x", Err(400)), ("200000\r\n", Err(413))] {
            let (socket, chunks) = (Pieces::default(), "1\r\na\r\n".repeat(100) + behind);
            let mut rfile = reader(chunks.as_bytes(), BodyLength::Chunked, &socket);
            let mut into = [0; 200];
            assert_eq!(rfile.read(&mut into[..30]).unwrap(), 30);
            assert_eq!(rfile.read(&mut into).unwrap(), 70, "{behind:?}");
            assert_eq!(rfile.read(&mut into).map_err(status), end, "{behind:?}");
        }
    }

    #[test]
    fn a_limit_that_is_raised_between_two_reads_counts_for_the_next_chunk() {
        let socket = Pieces::default();
        let mut rfile = reader(b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", BodyLength::Chunked, &socket);
        rfile.set_max_bytes(1);
        let mut into = [0; 8];
        assert_eq!(rfile.read(&mut into).unwrap(), 1);
        rfile.set_max_bytes(3);
        assert_eq!(rfile.read(&mut into).unwrap(), 2);
    }

    #[test]
    fn a_body_is_the_same_however_it_arrives_and_is_read() {
        let data: Vec<u8> = (0..40_000u32).map(|n| n as u8).collect();
        let mut chunked = Vec::new();
        for piece in data.chunks(15_000) {
            chunked.extend_from_slice(format!("{:x};ext\r\n", piece.len()).as_bytes());
            chunked.extend_from_slice(piece);
            chunked.extend_from_slice(b"\r\n");
        }
        chunked.extend_from_slice(b"0\r\nA: b\r\n\r\n");
        for (length, body) in [(BodyLength::Known(40_000), &data), (BodyLength::Chunked, &chunked)]
        {
            for received in [0, 1, 7, 20_000, body.len() - 1, body.len()] {
                for (piece, step) in [(1000, 100), (1000, 20_000), (30_000, 9_000), (7, 40_000)] {
                    let socket = Pieces::of(&body[received..], piece);
                    let mut rfile = reader(&body[..received], length, &socket);
                    let mut out = Vec::new();
                    let mut chunk = vec![0; step];
                    loop {
                        match rfile.read(&mut chunk).unwrap() {
                            0 => break,
                            count => out.extend_from_slice(&chunk[..count]),
                        }
                    }
                    assert!(out == data, "{length:?} {received} {piece} {step}");
                    let socket = Pieces::of(&body[received..], piece);
                    let mut out = b"before".to_vec();
                    let count = reader(&body[..received], length, &socket).read_to_end(&mut out);
                    assert_eq!(count.unwrap(), data.len(), "to its end");
                    assert!(out.strip_prefix(b"before") == Some(&data[..]), "to its end");
                    assert!(rest(rfile).decoder.is_done());
                }
            }
        }
    }

    #[test]
    fn lines_can_be_read() {
        let socket = Pieces::of(b"wo\nthr", 1);
        let mut rfile = reader(b"one\nt", BodyLength::Known(9), &socket);
        let mut line = String::new();
        rfile.read_line(&mut line).unwrap();
        rfile.read_line(&mut line).unwrap();
        rfile.read_line(&mut line).unwrap();
        assert_eq!(line, "one\ntwo\nt");
    }

    #[test]
    fn the_window_of_a_form_is_no_larger_than_what_is_left_needs() {
        let nothing = Pieces::default();
        let most = FORM_WINDOW as u64;
        for (length, window) in [
            (BodyLength::Known(5), 3 + SLACK),
            (BodyLength::Known(most - 20), FORM_WINDOW - 22 + SLACK),
            (BodyLength::Known(most), FORM_WINDOW),
            (BodyLength::Known(u64::MAX), FORM_WINDOW),
            (BodyLength::Chunked, FORM_WINDOW),
        ] {
            let mut rfile = reader(b"2\r\nab", length, &nothing);
            rfile.set_max_bytes(u64::MAX);
            rfile.read_exact(&mut [0; 2]).unwrap();
            assert_eq!(rfile.form_window_bytes(), window, "{length:?}");
        }
    }

    #[test]
    fn what_follows_the_body_goes_back() {
        let socket = Pieces::of(b"lo\r\n0\r\n\r\nGET / HTTP/1.1", 100);
        let mut rfile = reader(b"5\r\nhel", BodyLength::Chunked, &socket);
        let mut text = String::new();
        rfile.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        assert_eq!(rest(rfile).unused.unwrap().bytes(), b"GET / HTTP/1.1");
    }

    #[test]
    fn trailers_are_there_when_the_body_has_been_read() {
        let body = b"5\r\nhello\r\n0\r\nX-Sum: 7\r\nHost: evil\r\n\r\nGET /";
        for received in 0..=body.len() {
            let socket = Pieces::of(&body[received..], 3);
            let mut rfile = reader(&body[..received], BodyLength::Chunked, &socket);
            rfile.read_exact(&mut [0; 5]).unwrap();
            assert!(rfile.trailers().is_empty(), "not before the end");
            assert_eq!(rfile.read(&mut [0; 5]).unwrap(), 0);
            assert_eq!(rfile.read(&mut [0; 5]).unwrap(), 0, "and again");
            let shown: Vec<_> = rfile.trailers().iter().collect();
            assert_eq!(shown, [("X-Sum", "7")], "{received} bytes at once");
        }
    }

    #[test]
    fn a_broken_body_carries_its_status_and_stays_broken() {
        let nothing = Pieces::default();
        for (received, length, code) in [
            (&b"hel"[..], BodyLength::Known(5), 400),
            (b"5\r\nhel", BodyLength::Chunked, 400),
            (b"xyz", BodyLength::Chunked, 400),
            (b"", BodyLength::Known(1 << 21), 413),
            (b"200000\r\n", BodyLength::Chunked, 413),
        ] {
            let mut rfile = reader(received, length, &nothing);
            let mut out = Vec::new();
            assert_eq!(status(rfile.read_to_end(&mut out).unwrap_err()), code, "{length:?}");
            assert_eq!(status(rfile.read_to_end(&mut out).unwrap_err()), code, "again");
            assert!(matches!(rfile.take_rest(), BodyLeft::Broken));
        }
    }

    #[test]
    fn a_method_can_raise_the_limit_before_it_reads() {
        let nothing = Pieces::default();
        let mut rfile = reader(b"hello", BodyLength::Known(5), &nothing);
        rfile.set_max_bytes(4);
        assert_eq!(rfile.max_bytes(), 4);
        let mut rfile = reader(b"hello", BodyLength::Known(5), &nothing);
        rfile.set_max_bytes(5);
        let mut text = String::new();
        rfile.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }

    #[test]
    fn the_client_is_asked_once_and_only_when_bytes_are_missing() {
        for (received, asked) in [(&b"hello"[..], false), (b"hel", true)] {
            let socket = Pieces::of(&b"hello"[received.len()..], 1);
            let mut rfile = reader(received, BodyLength::Known(5), &socket);
            rfile.expects_continue = true;
            let mut text = String::new();
            rfile.read_to_string(&mut text).unwrap();
            assert_eq!((text.as_str(), socket.continued.get()), ("hello", asked));
        }
    }
}
