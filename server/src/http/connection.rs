//! One conversation: bytes in, requests out.
//!
//! ```text
//!        body to come     body or 64 KiB there  answered, keep-alive
//!   Head ──────▶ Body ────────────▶ Request ──────────────────────▶ Head
//!    │ │          │                  ▲ │ └── body left over ──▶ Rest ─┤
//!    │ └───────── │ ──── no body ────┘ │                              │
//!    │            │                    └──── answered, close ──▶ Closed
//!    └────────────┴──▶ Refused: 400, 408, 414, 417, 431, 501, 505 ──▶ Closed
//! ```
//!
//! A head that is wrong, but that a switch may forgive, is collected in `Forgiving` in the place of
//! `Head`.
//!
//! [`Connection::advance`] runs until something is needed from outside and says what. It borrows
//! nothing; [`Connection::parts`] then lends the request.

use super::buffer::Buffer;
use super::bytes::is_same;
use super::chunked::{BodyDecoder, Then};
use super::error::BadRequest;
use super::framing::{BodyLength, Framing, Persistence};
use super::head::{HeadLimits, HeadReader, HeadView, RequestHead};
use super::lenient::{Forgiven, LenientScan};
use crate::rarely::rarely;

/// What a conversation needs before it can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// More bytes from the peer.
    Bytes,
    /// Somebody to say whether the body is welcome; then [`Connection::welcome_body`].
    Expectation,
    /// A handler; then [`Connection::answered`].
    Handler,
    /// An answer that says no; nothing more is read.
    Refusal(BadRequest),
    /// The end.
    Close,
}

/// What the peer owes or is owed, for choosing a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No request under way.
    Idle,
    /// A head has begun.
    Head,
    /// A body has begun.
    Body,
}

/// One side of an HTTP/1.1 connection.
pub(crate) struct Connection {
    /// What was received and belongs to no finished request.
    pub(crate) input: Buffer,
    state: State,
    /// The head of the request under way.
    head: RequestHead,
    /// The text of fields that are not UTF-8, while they are lent.
    other_text: Option<Box<str>>,
}

enum State {
    /// Collecting a head.
    Head { reader: HeadReader, is_behind_empty_line: bool },
    /// Collecting a head that is not right, but may be forgiven.
    Forgiving { scan: LenientScan },
    /// Collecting the start of the body behind the head.
    Body { probe: BodyProbe, expectation: Expectation },
    /// A handler has the request.
    Request { body: BodyInBuffer, expects_continue: bool },
    /// Dropping what a handler left of its body.
    Rest { decoder: BodyDecoder, budget: u64 },
    /// What came is refused; the answer that says so is still to be made.
    Refused(BadRequest),
    /// Nothing more is read or answered; `is_clean` if all that came has been.
    Closed { is_clean: bool },
}

impl Default for State {
    fn default() -> State {
        State::Head { reader: HeadReader::default(), is_behind_empty_line: false }
    }
}

/// Whether the client waits for `100 Continue`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expectation {
    None,
    /// It waits, and nobody has been asked.
    Open,
    /// It waits for a body that the handler will ask for.
    Settled,
}

/// How far a body has been looked at while it is buffered.
struct BodyProbe {
    decoder: BodyDecoder,
    /// Bytes behind the head that the decoder has seen.
    seen: usize,
}

/// How much of a body stood in the receive buffer when its handler got it.
#[derive(Clone, Copy, Debug)]
enum BodyInBuffer {
    /// All of it, so many bytes with their framing.
    Whole(usize),
    /// Only a start; the rest is the handler's to read.
    Start,
}

/// A request as lent to its handler.
pub(crate) struct Parts<'a> {
    pub(crate) head: HeadView<'a>,
    pub(crate) persistence: Persistence,
    pub(crate) body: BodyParts<'a>,
}

/// The requests behind one without a body that repeat it. The same bytes are the same request, and a
/// client that pipelines mostly repeats itself: they need not be read again.
#[derive(Clone, Copy)]
pub(crate) struct Repeats<'a> {
    head: &'a [u8],
    behind: &'a [u8],
    count: usize,
}

impl Repeats<'_> {
    /// Goes on to the next one, if there is one.
    #[inline(always)] // asked once a request
    pub(crate) fn next(&mut self) -> bool {
        match self.behind.split_at_checked(self.head.len()) {
            Some((next, behind)) if is_same(next, self.head) => {
                self.behind = behind;
                self.count += 1;
                true
            }
            _ => false,
        }
    }

    /// How many there have been.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

/// The body of a request as lent to its handler.
#[derive(Clone)]
pub(crate) struct BodyParts<'a> {
    /// What is there of the body, framing included, and perhaps of the requests behind it.
    pub(crate) received: &'a [u8],
    /// All of it is there.
    pub(crate) is_whole: bool,
    pub(crate) decoder: BodyDecoder,
    /// The client waits for `100 Continue` before it sends the rest.
    pub(crate) expects_continue: bool,
}

/// What a handler left of its body.
pub(crate) enum BodyLeft {
    /// Nothing but what was there before it began.
    Whole,
    /// Boxed, since hardly any body has one.
    Rest(Box<BodyRest>),
    /// It broke, and the connection with it.
    Broken,
}

/// A body that was not all there when its handler began.
pub(crate) struct BodyRest {
    pub(crate) decoder: BodyDecoder,
    /// How much of [`BodyParts::received`] was used.
    pub(crate) used: usize,
    /// Bytes that were read from the socket beyond that, and not used.
    pub(crate) unused: Option<Buffer>,
    /// The client still waits for `100 Continue`, so its body may never come.
    pub(crate) unasked: bool,
}

impl Default for Connection {
    fn default() -> Connection {
        Connection {
            input: Buffer::default(),
            state: State::default(),
            head: RequestHead::NONE,
            other_text: None,
        }
    }
}

/// Whether a connection can go on behind a body: it has ended, or what is left is little enough to
/// be dropped. One that was never asked for may come, or not: nobody can tell what follows.
pub(crate) fn is_bearable(rest: &BodyDecoder, is_unasked: bool) -> bool {
    rest.is_done() || (rest.announced() <= MAX_REST && !is_unasked)
}

impl Connection {
    /// Goes on until something is needed from outside. To ask twice is harmless.
    #[inline(always)] // mostly nothing is there, or a head
    pub(crate) fn advance(&mut self, limits: &HeadLimits) -> Want {
        let State::Head { .. } = self.state else {
            rarely();
            return self.go_on(limits);
        };
        if self.input.is_empty() {
            return Want::Bytes;
        }
        match self.collect_head(limits) {
            Ok(Some(want)) => want,
            Ok(None) => self.go_on(limits),
            Err(refused) => {
                rarely();
                self.state = State::Refused(refused);
                self.go_on(limits)
            }
        }
    }

    /// [`advance`](Self::advance) from whatever state.
    #[inline(never)] // a state for each body is a jump that no processor foresees
    fn go_on(&mut self, limits: &HeadLimits) -> Want {
        loop {
            let step = match &mut self.state {
                State::Head { .. } if self.input.is_empty() => Ok(Some(Want::Bytes)),
                State::Head { .. } => self.collect_head(limits),
                State::Forgiving { .. } => self.forgive_head(limits),
                State::Body { .. } => self.collect_body(limits),
                State::Request { .. } => Ok(Some(Want::Handler)),
                State::Rest { .. } => Ok(self.drop_rest()),
                State::Refused(refused) => Ok(Some(Want::Refusal(*refused))),
                State::Closed { .. } => Ok(Some(Want::Close)),
            };
            match step {
                Ok(None) => {}
                Ok(Some(want)) => return want,
                Err(refused) => self.state = State::Refused(refused),
            }
        }
    }

    /// What kind of patience the peer deserves.
    pub(crate) fn phase(&self) -> Phase {
        match &self.state {
            State::Head { .. } if self.input.is_empty() => Phase::Idle,
            State::Head { .. } | State::Forgiving { .. } => Phase::Head,
            State::Body { .. } | State::Request { .. } | State::Rest { .. } => Phase::Body,
            State::Refused(_) | State::Closed { .. } => Phase::Body,
        }
    }

    /// The line that a refused request begins with, as far as it came.
    pub(crate) fn first_line(&self) -> &[u8] {
        let bytes = self.input.bytes();
        let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
        bytes[..end].trim_ascii_end()
    }

    /// Lends the request that [`Want::Handler`] or [`Want::Expectation`] announced, and those that
    /// repeat it.
    #[inline(always)] // parts are better made in their place than moved there
    pub(crate) fn parts(&mut self) -> Option<(Parts<'_>, Repeats<'_>)> {
        let (body, expects_continue) = match &self.state {
            State::Body { expectation, .. } => {
                (BodyInBuffer::Start, *expectation != Expectation::None)
            }
            State::Request { body, expects_continue } => (*body, *expects_continue),
            _ => return None,
        };
        let head = &self.head;
        let (head_bytes, behind) = self.input.bytes().split_at_checked(head.len())?;
        let (received, is_whole) = match body {
            BodyInBuffer::Whole(len) => (behind.get(..len)?, true),
            BodyInBuffer::Start => (behind, false),
        };
        // Behind a body stands what is no request yet.
        let behind = if is_whole && received.is_empty() { behind } else { &[] };
        let repeats = Repeats { head: head_bytes, behind, count: 0 };
        let parts = Parts {
            head: head.view(head_bytes, &mut self.other_text)?,
            persistence: head.framing.persistence,
            body: BodyParts {
                received,
                is_whole,
                decoder: BodyDecoder::new(head.framing.body),
                expects_continue,
            },
        };
        Some((parts, repeats))
    }

    /// Whether the body is not complete, so that its handler may have to wait for the peer.
    pub(crate) fn body_is_open(&self) -> bool {
        matches!(self.state, State::Request { body: BodyInBuffer::Start, .. })
    }

    /// The expectation was heard: the body is collected like any other.
    pub(crate) fn welcome_body(&mut self) {
        if let State::Body { expectation, .. } = &mut self.state {
            *expectation = Expectation::Settled;
        }
    }

    /// The request has its answer, and so have so many of its [`Repeats`]; `left` is what the handler
    /// left of the body, which is nothing where there are repeats.
    #[inline(always)] // for one caller that matters, which knows what is left
    pub(crate) fn answered(&mut self, repeats: usize, left: BodyLeft, persistence: Persistence) {
        let (State::Request { body: BodyInBuffer::Whole(len), .. }, BodyLeft::Whole) =
            (&self.state, &left)
        else {
            debug_assert_eq!(repeats, 0, "only whole requests are repeated");
            return self.answered_early(left, persistence);
        };
        debug_assert!(repeats == 0 || *len == 0, "a request with a body has no repeats");
        self.input.consume(self.head.len() * (1 + repeats) + len);
        self.state = match persistence {
            Persistence::KeepAlive => State::default(),
            Persistence::Close => State::Closed { is_clean: self.input.is_empty() },
        };
    }

    /// The request has its answer, and its handler had to read some of the body, or could have.
    #[inline(never)]
    fn answered_early(&mut self, left: BodyLeft, persistence: Persistence) {
        let State::Request { body: BodyInBuffer::Start, .. } = self.state else {
            return self.close();
        };
        let BodyLeft::Rest(rest) = left else { return self.close() };
        match rest.unused {
            Some(unused) => self.input = unused,
            None => self.input.consume(self.head.len() + rest.used),
        }
        let keeps = persistence == Persistence::KeepAlive;
        self.state = if keeps && is_bearable(&rest.decoder, rest.unasked) {
            State::Rest { decoder: rest.decoder, budget: MAX_REST }
        } else {
            State::Closed { is_clean: rest.decoder.is_done() && self.input.is_empty() }
        };
    }

    /// The peer has ended its side: nothing more will come. True if that is to be answered.
    pub(crate) fn end_of_input(&mut self) -> bool {
        self.break_off(BadRequest::HeadCutShort, BadRequest::BodyCutShort)
    }

    /// The peer took too long over what [`phase`](Self::phase) says. True if that is to be answered.
    pub(crate) fn time_out(&mut self) -> bool {
        self.break_off(BadRequest::HeadTimeout, BadRequest::BodyTimeout)
    }

    /// Refuses what was under way, by what it was; nobody is told where nothing was.
    fn break_off(&mut self, in_head: BadRequest, in_body: BadRequest) -> bool {
        self.state = match &self.state {
            State::Head { .. } if !self.input.is_empty() => State::Refused(in_head),
            State::Forgiving { .. } => State::Refused(in_head),
            State::Body { .. } => State::Refused(in_body),
            _ => State::CLOSED,
        };
        matches!(self.state, State::Refused(_))
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// Whether all that came has been read, so that nothing is lost by closing at once.
    pub(crate) fn is_clean(&self) -> bool {
        matches!(self.state, State::Closed { is_clean: true })
    }

    /// The connection ends with the request under way, whatever its head says.
    pub(crate) fn end_with_this(&mut self) {
        self.head.framing.persistence = Persistence::Close;
    }

    /// Nothing more is read or answered.
    pub(crate) fn close(&mut self) {
        self.state = State::CLOSED;
    }

    /// Reads a head of which there is something.
    #[inline(never)] // all of the reader is in it
    fn collect_head(&mut self, limits: &HeadLimits) -> Result<Option<Want>, BadRequest> {
        let State::Head { reader, is_behind_empty_line } = &mut self.state else {
            return Ok(None);
        };
        // RFC 9112 §2.2: one empty line in front of a request line is forgiven.
        if self.input.bytes().first() == Some(&b'\r') && !*is_behind_empty_line {
            rarely();
            match self.input.bytes() {
                [b'\r', b'\n', ..] => {
                    self.input.consume(2);
                    *is_behind_empty_line = true;
                }
                [b'\r'] => return Ok(Some(Want::Bytes)),
                _ => {}
            }
            if self.input.is_empty() {
                return Ok(Some(Want::Bytes));
            }
        }
        match reader.read(self.input.bytes(), limits) {
            Ok(Some(head)) => self.head = head,
            Ok(None) => {
                rarely();
                return Ok(Some(Want::Bytes));
            }
            Err(refused) => return self.refuse_head(refused, limits),
        }
        self.begin_request()
    }

    /// What is wrong with a head may be forgiven.
    #[cold]
    fn refuse_head(
        &mut self,
        refused: BadRequest,
        limits: &HeadLimits,
    ) -> Result<Option<Want>, BadRequest> {
        if !limits.leniency.may_forgive(refused) {
            return Err(refused);
        }
        self.state = State::Forgiving { scan: LenientScan::default() };
        Ok(None)
    }

    /// Collects a head that is not right, and reads what it stands for in its place.
    #[cold]
    fn forgive_head(&mut self, limits: &HeadLimits) -> Result<Option<Want>, BadRequest> {
        let State::Forgiving { scan } = &mut self.state else { return Ok(None) };
        let Some(Forgiven { strict, len, is_old }) =
            scan.read(self.input.bytes(), limits.leniency)?
        else {
            return match self.input.len() >= limits.head_bytes {
                true => Err(BadRequest::HeadTooLarge),
                false => Ok(Some(Want::Bytes)),
            };
        };
        self.input.replace(len, &strict);
        self.head = match is_old {
            true => RequestHead::parse_old(&strict, limits)?,
            false => {
                let read = HeadReader::default().read(&strict, limits)?;
                read.ok_or(BadRequest::RequestLine)?
            }
        };
        self.begin_request()
    }

    /// The head is read: what follows is its body, or nothing that belongs to it.
    fn begin_request(&mut self) -> Result<Option<Want>, BadRequest> {
        let Framing { body, expects_continue, .. } = self.head.framing;
        let behind_head = self.input.len().saturating_sub(self.head.len());
        match body {
            BodyLength::Empty => {
                self.state = State::REQUEST_WITHOUT_BODY;
                return Ok(Some(Want::Handler));
            }
            // Most bodies are short, and come with their heads.
            BodyLength::Known(length) if length <= behind_head as u64 => {
                let body = BodyInBuffer::Whole(length as usize);
                self.state = State::Request { body, expects_continue: false };
                return Ok(Some(Want::Handler));
            }
            _ => {}
        }
        let expectation = if expects_continue { Expectation::Open } else { Expectation::None };
        self.state = State::Body { probe: BodyProbe::new(body), expectation };
        Ok(None)
    }

    /// Collects a body until it is complete, or as much of it is there as is worth waiting for.
    #[inline(never)]
    fn collect_body(&mut self, limits: &HeadLimits) -> Result<Option<Want>, BadRequest> {
        let State::Body { probe, expectation } = &mut self.state else { return Ok(None) };
        let behind_head = self.input.bytes().get(self.head.len()..).unwrap_or_default();
        let is_whole = probe.advance(behind_head)?;
        let waits = !is_whole && *expectation == Expectation::Open;
        let announced = (probe.seen as u64).saturating_add(probe.decoder.announced());
        let is_long = announced > MAX_BUFFERED;
        if waits && !is_long {
            return Ok(Some(Want::Expectation));
        }
        // What is announced says nothing about when it comes: a handler's thread is worth only what
        // is there. But a body over the limit is mostly refused unread, and one that the client
        // keeps back until it is asked for will not come before.
        let is_enough = probe.seen as u64 >= MAX_BUFFERED || announced > limits.body_bytes || waits;
        if !is_whole && !is_enough {
            return Ok(Some(Want::Bytes));
        }
        let body = if is_whole { BodyInBuffer::Whole(probe.seen) } else { BodyInBuffer::Start };
        self.state = State::Request { body, expects_continue: waits };
        Ok(None)
    }

    /// Drops what a handler left of its body, if that is not too much.
    #[inline(never)]
    fn drop_rest(&mut self) -> Option<Want> {
        let State::Rest { decoder, budget } = &mut self.state else { return None };
        loop {
            // A body that breaks behind its answer gets no second one: the connection just ends.
            let Ok(framed) = decoder.frame(self.input.bytes()) else {
                self.state = State::CLOSED;
                return None;
            };
            self.input.consume(framed.skip);
            match framed.then {
                Then::Data(len) if len as u64 <= *budget => {
                    decoder.take(len);
                    self.input.consume(len);
                    *budget -= len as u64;
                }
                Then::Starved => return Some(Want::Bytes),
                Then::Data(_) => {
                    self.state = State::CLOSED;
                    return None;
                }
                Then::End => {
                    self.state = State::default();
                    return None;
                }
            }
        }
    }
}

impl State {
    const CLOSED: State = State::Closed { is_clean: false };
    const REQUEST_WITHOUT_BODY: State =
        State::Request { body: BodyInBuffer::Whole(0), expects_continue: false };
}

impl BodyProbe {
    fn new(length: BodyLength) -> BodyProbe {
        BodyProbe { decoder: BodyDecoder::new(length), seen: 0 }
    }

    /// Looks at what has come; true once the body is complete.
    fn advance(&mut self, behind_head: &[u8]) -> Result<bool, BadRequest> {
        loop {
            let framed = self.decoder.frame(behind_head.get(self.seen..).unwrap_or_default())?;
            self.seen += framed.skip;
            match framed.then {
                Then::Data(len) => {
                    self.decoder.take(len);
                    self.seen += len;
                }
                Then::Starved => return Ok(false),
                Then::End => return Ok(true),
            }
        }
    }
}

/// So much of a body is collected before its handler is called: up to this size it never waits for
/// its client.
pub(crate) const MAX_BUFFERED: u64 = 64 * 1024;

/// What a handler left of its body is dropped up to this size; beyond, the connection closes.
const MAX_REST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::lenient::Leniency;

    const LIMITS: HeadLimits = HeadLimits {
        head_bytes: 4096,
        target_bytes: 1000,
        fields: 20,
        body_bytes: 1 << 20,
        leniency: Leniency::NONE,
    };

    /// A request as a handler would have seen it, or how the conversation ended.
    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Seen {
        Request { line: String, body: String },
        Refused(BadRequest),
        Closed,
    }

    fn request(line: &str, body: &str) -> Seen {
        Seen::Request { line: line.into(), body: body.into() }
    }

    /// What comes out when `pieces` go in; each request is answered at once, and read whole.
    fn deliver<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Seen> {
        let mut connection = Connection::default();
        let mut seen = Vec::new();
        for mut piece in pieces {
            while !piece.is_empty() {
                let room = connection.input.room();
                let count = room.len().min(piece.len());
                room[..count].copy_from_slice(&piece[..count]);
                connection.input.fill(count);
                piece = &piece[count..];
                if let Some(end) = run(&mut connection, &mut seen) {
                    seen.push(end);
                    return seen;
                }
            }
        }
        seen
    }

    fn run(connection: &mut Connection, seen: &mut Vec<Seen>) -> Option<Seen> {
        loop {
            match connection.advance(&LIMITS) {
                Want::Bytes => return None,
                Want::Close => return Some(Seen::Closed),
                Want::Refusal(refused) => return Some(Seen::Refused(refused)),
                Want::Expectation => connection.welcome_body(),
                Want::Handler => {
                    let Some((parts, mut repeats)) = connection.parts() else {
                        panic!("no request to lend")
                    };
                    let BodyParts { received, is_whole, mut decoder, .. } = parts.body;
                    let (mut body, mut used) = (Vec::new(), 0);
                    loop {
                        let framed = decoder.frame(&received[used..]).unwrap();
                        used += framed.skip;
                        let Then::Data(len) = framed.then else { break };
                        body.extend_from_slice(&received[used..used + len]);
                        decoder.take(len);
                        used += len;
                    }
                    let body = String::from_utf8(body).unwrap();
                    let request = request(parts.head.requestline, &body);
                    seen.push(request.clone());
                    let persistence = parts.persistence;
                    while persistence == Persistence::KeepAlive && repeats.next() {
                        seen.push(request.clone());
                    }
                    let repeated = repeats.count();
                    let rest = BodyRest { decoder, used, unused: None, unasked: false };
                    let left =
                        if is_whole { BodyLeft::Whole } else { BodyLeft::Rest(Box::new(rest)) };
                    connection.answered(repeated, left, persistence);
                }
            }
        }
    }

    /// Delivers `bytes` in every way a network may (at once, byte by byte, cut at each place) and
    /// insists that the same requests come out.
    fn requests(bytes: &str) -> Vec<Seen> {
        let bytes = bytes.as_bytes();
        let expected = deliver([bytes]);
        assert_eq!(deliver(bytes.chunks(1)), expected, "byte by byte");
        for cut in 1..bytes.len() {
            assert_eq!(deliver([&bytes[..cut], &bytes[cut..]]), expected, "cut at {cut}");
        }
        expected
    }

    #[test]
    fn pipelined_requests_come_out_in_order_with_their_bodies() {
        let text = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n\
            POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello\
            POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
            GET /4 HTTP/1.1\r\nHost: x\r\n\r\n";
        let expected = [
            request("GET /1 HTTP/1.1", ""),
            request("POST /2 HTTP/1.1", "hello"),
            request("POST /3 HTTP/1.1", "abc"),
            request("GET /4 HTTP/1.1", ""),
        ];
        assert_eq!(requests(text), expected);
    }

    #[test]
    fn nothing_is_read_after_the_last_answer() {
        let text = "GET /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\n";
        assert_eq!(requests(text), [request("GET /1 HTTP/1.1", ""), Seen::Closed]);
        let text = "GET /1 HTTP/1.0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n";
        assert_eq!(requests(text), [request("GET /1 HTTP/1.0", ""), Seen::Closed]);
    }

    #[test]
    fn one_empty_line_in_front_of_a_request_is_forgiven() {
        let text = "\r\nGET /1 HTTP/1.1\r\nHost: x\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n";
        let expected = [request("GET /1 HTTP/1.1", ""), request("GET /2 HTTP/1.1", "")];
        assert_eq!(requests(text), expected);
        let twice = "\r\n\r\nGET /1 HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_eq!(requests(twice), [Seen::Refused(BadRequest::RequestLine)]);
    }

    #[test]
    fn a_refused_head_ends_the_conversation() {
        let text = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";
        let expected = [request("GET /1 HTTP/1.1", ""), Seen::Refused(BadRequest::Host)];
        assert_eq!(requests(text), expected);
        // Its end is waited for only if a switch may forgive it.
        let refused = [Seen::Refused(BadRequest::UnsupportedVersion)];
        assert_eq!(requests("GET /1 HTTP/3.0\r\nHost"), refused);
    }

    #[test]
    fn a_malformed_chunk_is_refused_before_the_handler_is_asked() {
        let text = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello";
        assert_eq!(requests(text), [Seen::Refused(BadRequest::Chunk)]);
    }

    #[test]
    fn an_awaited_body_asks_first_and_only_while_it_is_missing() {
        let head =
            "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
        let mut connection = Connection::default();
        assert_eq!(receive(&mut connection, head.as_bytes()), Want::Expectation);
        assert!(connection.parts().unwrap().0.body.expects_continue);
        connection.welcome_body();
        assert_eq!(connection.advance(&LIMITS), Want::Bytes);
        assert_eq!(receive(&mut connection, b"ok"), Want::Handler);
        assert!(!connection.body_is_open());
        assert!(!connection.parts().unwrap().0.body.expects_continue);
        let mut connection = Connection::default();
        assert_eq!(receive(&mut connection, format!("{head}ok").as_bytes()), Want::Handler);
    }

    fn receive(connection: &mut Connection, mut bytes: &[u8]) -> Want {
        while !bytes.is_empty() {
            let room = connection.input.room();
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            connection.input.fill(count);
            bytes = &bytes[count..];
        }
        connection.advance(&LIMITS)
    }

    fn head_of_body(length: u64) -> String {
        format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")
    }

    #[test]
    fn a_long_body_goes_to_its_handler_when_enough_of_it_is_there() {
        assert_eq!(MAX_BUFFERED, 65_536);
        let mut connection = Connection::default();
        assert_eq!(
            receive(&mut connection, head_of_body(MAX_BUFFERED * 2).as_bytes()),
            Want::Bytes
        );
        for _ in 0..MAX_BUFFERED - 1 {
            assert_eq!(receive(&mut connection, b"x"), Want::Bytes);
        }
        assert_eq!(receive(&mut connection, b"x"), Want::Handler);
        assert!(connection.body_is_open());

        let mut connection = Connection::default();
        let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n80000\r\n";
        assert_eq!(receive(&mut connection, head.as_bytes()), Want::Bytes);
        assert_eq!(receive(&mut connection, &[b'x'; MAX_BUFFERED as usize]), Want::Handler);
        assert!(connection.body_is_open());
    }

    #[test]
    fn a_body_over_the_limit_is_not_waited_for() {
        for head in [
            head_of_body(LIMITS.body_bytes + 1),
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n".into(),
        ] {
            let mut connection = Connection::default();
            assert_eq!(receive(&mut connection, head.as_bytes()), Want::Handler, "{head:?}");
        }
        let mut connection = Connection::default();
        let longest = head_of_body(LIMITS.body_bytes);
        assert_eq!(receive(&mut connection, longest.as_bytes()), Want::Bytes);
    }

    #[test]
    fn a_long_body_that_is_kept_back_until_it_is_asked_for_is_for_its_handler_to_ask() {
        for (length, want) in [(MAX_BUFFERED, Want::Expectation), (MAX_BUFFERED + 1, Want::Handler)]
        {
            let head = head_of_body(length).replace("Host", "Expect: 100-continue\r\nHost");
            let mut connection = Connection::default();
            assert_eq!(receive(&mut connection, head.as_bytes()), want);
            assert!(connection.parts().unwrap().0.body.expects_continue);
        }
    }

    /// A request with a body too long to wait for, as its handler gets it.
    fn with_long_body() -> Connection {
        let mut connection = Connection::default();
        receive(&mut connection, head_of_body(MAX_BUFFERED + 1).as_bytes());
        assert_eq!(receive(&mut connection, &[b'x'; START]), Want::Handler);
        assert!(connection.body_is_open());
        connection
    }

    /// What is there of a long body when its handler gets it.
    const START: usize = MAX_BUFFERED as usize;

    fn rest(left: u64, used: usize) -> Box<BodyRest> {
        let decoder = BodyDecoder::new(BodyLength::Known(left));
        Box::new(BodyRest { decoder, used, unused: None, unasked: false })
    }

    #[test]
    fn what_a_handler_left_of_its_body_is_dropped_up_to_a_limit() {
        let mut connection = with_long_body();
        connection.answered(0, BodyLeft::Rest(rest(MAX_REST, START)), Persistence::KeepAlive);
        for _ in 0..MAX_REST / 256 {
            assert_eq!(connection.advance(&LIMITS), Want::Bytes);
            assert_eq!(connection.phase(), Phase::Body);
            connection.input.room()[..256].fill(b'x');
            connection.input.fill(256);
        }
        assert_eq!(connection.advance(&LIMITS), Want::Bytes);
        assert_eq!(connection.phase(), Phase::Idle);

        let mut connection = with_long_body();
        connection.answered(0, BodyLeft::Rest(rest(MAX_REST + 1, START)), Persistence::KeepAlive);
        assert_eq!(connection.advance(&LIMITS), Want::Close);
    }

    #[test]
    fn a_body_that_was_never_asked_for_ends_the_connection() {
        let mut connection = with_long_body();
        let unasked = Box::new(BodyRest { unasked: true, ..*rest(10, START) });
        connection.answered(0, BodyLeft::Rest(unasked), Persistence::KeepAlive);
        assert_eq!(connection.advance(&LIMITS), Want::Close);
    }

    #[test]
    fn a_chunked_rest_is_dropped_up_to_the_same_limit() {
        // A rest in one chunk that is announced is known at once; in many, it has to be counted.
        for (chunks, want) in [(64, Want::Bytes), (65, Want::Close)] {
            let mut connection = Connection::default();
            let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
            let body = format!("400\r\n{}\r\n", "x".repeat(1024));
            let text = format!("{head}{}", body.repeat(64 + 1));
            put(&mut connection, text.as_bytes());
            assert_eq!(connection.advance(&LIMITS), Want::Handler);
            assert!(connection.body_is_open());
            let decoder = BodyDecoder::new(BodyLength::Chunked);
            let behind = text.len() - connection.head.len();
            let rest = Box::new(BodyRest { decoder, used: behind, unused: None, unasked: false });
            connection.answered(0, BodyLeft::Rest(rest), Persistence::KeepAlive);
            put(&mut connection, body.repeat(chunks).as_bytes());
            assert_eq!(connection.advance(&LIMITS), want, "{chunks} chunks");
            assert_eq!(connection.is_closed(), want == Want::Close);
        }
    }

    #[test]
    fn requests_that_repeat_each_other_are_as_many_as_came() {
        let get = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n";
        let close = "GET /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let empty = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
        let body = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
        let chunked = "POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        let (gets, posts) = (request("GET /1 HTTP/1.1", ""), request("POST /1 HTTP/1.1", ""));
        let long = request("POST /1 HTTP/1.1", "abc");
        for (text, count, expected) in [
            (get, 5, gets.clone()),
            (empty, 4, posts.clone()),
            (body, 3, long),
            (chunked, 3, posts),
        ] {
            assert_eq!(requests(&text.repeat(count)), vec![expected; count], "{text}");
        }
        assert_eq!(requests(&close.repeat(3)), [gets.clone(), Seen::Closed]);
        let other = get.replacen("/1", "/2", 1);
        let seen = requests(&format!("{get}{get}\r\n{get}{other}{get}"));
        let last = request("GET /2 HTTP/1.1", "");
        assert_eq!(seen, [gets.clone(), gets.clone(), gets.clone(), last, gets]);
    }

    #[test]
    fn a_body_that_repeats_its_head_is_not_a_request() {
        let head = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 49\r\n\r\n";
        assert_eq!(head.len(), 49);
        assert_eq!(requests(&head.repeat(4)), vec![request("POST /1 HTTP/1.1", head); 2]);
        assert_eq!(requests(&head.repeat(3))[..], [request("POST /1 HTTP/1.1", head)]);
    }

    #[test]
    fn an_end_is_clean_if_all_that_came_was_read() {
        let end = |mut connection: Connection, left| {
            connection.answered(0, left, Persistence::Close);
            assert!(connection.is_closed());
            connection.is_clean()
        };
        for (behind, is_clean) in [("", true), ("GET /2", false)] {
            let mut connection = Connection::default();
            let text = format!("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n{behind}");
            assert_eq!(receive(&mut connection, text.as_bytes()), Want::Handler);
            assert!(!connection.is_closed() && !connection.is_clean());
            assert_eq!(end(connection, BodyLeft::Whole), is_clean, "{behind:?}");
        }
        for (left, behind, is_clean) in [(0, "", true), (0, "GET /2", false), (1, "", false)] {
            let mut connection = with_long_body();
            put(&mut connection, behind.as_bytes());
            let is_clean_end = end(connection, BodyLeft::Rest(rest(left, START)));
            assert_eq!(is_clean_end, is_clean, "{left} and {behind:?}");
        }
        assert!(!end(with_long_body(), BodyLeft::Broken));
    }

    #[test]
    fn the_end_of_a_connection_can_be_decided_before_it_comes() {
        let mut connection = Connection::default();
        receive(&mut connection, b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(connection.parts().unwrap().0.persistence, Persistence::KeepAlive);
        connection.end_with_this();
        assert_eq!(connection.parts().unwrap().0.persistence, Persistence::Close);
        connection.close();
        assert!(connection.is_closed() && !connection.is_clean());
        assert_eq!(connection.advance(&LIMITS), Want::Close);
    }

    #[test]
    fn who_is_late_is_told_if_it_was_about_something() {
        let leniency = Leniency { bare_lf: true, ..Leniency::NONE };
        let limits = HeadLimits { leniency, ..LIMITS };
        let late_after = |text: &str| {
            let mut connection = Connection::default();
            put(&mut connection, text.as_bytes());
            connection.advance(&limits);
            let is_told = connection.time_out();
            (is_told, connection.advance(&limits))
        };
        let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(late_after(""), (false, Want::Close));
        assert_eq!(late_after("GET"), (true, Want::Refusal(BadRequest::HeadTimeout)));
        let forgiven = "GET / HTTP/1.1\nHost: x\n";
        assert_eq!(late_after(forgiven), (true, Want::Refusal(BadRequest::HeadTimeout)));
        assert_eq!(late_after(head), (true, Want::Refusal(BadRequest::BodyTimeout)));
    }

    #[test]
    fn the_first_line_is_what_came_of_it() {
        for (text, line) in
            [("GET", "GET"), ("BAD LINE\r\nA: b\r\n", "BAD LINE"), ("", ""), ("a \t\nb", "a")]
        {
            let mut connection = Connection::default();
            put(&mut connection, text.as_bytes());
            assert_eq!(connection.first_line(), line.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn a_head_that_is_forgiven_is_a_head() {
        let limits = HeadLimits {
            head_bytes: 60,
            leniency: Leniency { bare_lf: true, ..Leniency::NONE },
            ..LIMITS
        };
        let text = b"GET /1 HTTP/1.1\nHost: x\n\nGET /2 HTTP/1.1\nHost: x\n\n";
        let mut connection = Connection::default();
        let mut lines = Vec::new();
        for byte in text {
            put(&mut connection, &[*byte]);
            if connection.advance(&limits) == Want::Handler {
                lines.push(connection.parts().unwrap().0.head.requestline.to_owned());
                connection.answered(0, BodyLeft::Whole, Persistence::KeepAlive);
            }
        }
        assert_eq!(lines, ["GET /1 HTTP/1.1", "GET /2 HTTP/1.1"]);
        put(&mut connection, &[b"GET / HTTP/1.1\nA: ", &[b'b'; 100][..]].concat());
        assert_eq!(connection.advance(&limits), Want::Refusal(BadRequest::HeadTooLarge));
    }

    fn put(connection: &mut Connection, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = connection.input.room();
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            connection.input.fill(count);
            bytes = &bytes[count..];
        }
    }

    #[test]
    fn the_end_of_the_input_is_judged_by_what_was_under_way() {
        let end_after = |text: &str| {
            let mut connection = Connection::default();
            connection.input.room()[..text.len()].copy_from_slice(text.as_bytes());
            connection.input.fill(text.len());
            connection.advance(&LIMITS);
            let phase = connection.phase();
            let is_answered = connection.end_of_input();
            let want = connection.advance(&LIMITS);
            assert_eq!(is_answered, want != Want::Close);
            (phase, want)
        };
        let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";
        for (text, phase, want) in [
            ("", Phase::Idle, Want::Close),
            ("GET", Phase::Head, Want::Refusal(BadRequest::HeadCutShort)),
            (head, Phase::Body, Want::Refusal(BadRequest::BodyCutShort)),
        ] {
            assert_eq!(end_after(text), (phase, want), "{text:?}");
        }
    }
}
