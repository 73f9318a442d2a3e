//! One socket and one conversation: bytes across, nothing decided.
//!
//! The conversation says what it wants ([`Want`]); a session gets it from the socket, or tells its
//! driver what it has to wait for ([`Next`]). It never blocks, except where a handler reads a long
//! body or writes more than the client takes: then [`HandlerSocket`] waits, with a deadline.

use std::borrow::Cow;
use std::io::{self, IoSlice};
use std::mem::ManuallyDrop;
use std::time::Instant;

use crate::config::Config;
use crate::exchange::{Exchange, Outcome};
use crate::handler::{self, HandlerHooks};
use crate::http::buffer::Buffer;
use crate::http::chunked::BodyDecoder;
use crate::http::connection::{BodyLeft, BodyParts, Connection, Parts, Phase, Want};
use crate::http::date::Stamp;
use crate::http::encode::AnswerRules;
use crate::http::error::BadRequest;
use crate::http::framing::{BodyLength, Persistence};
use crate::http::head::{HeadLimits, HeadView};
use crate::http::headers::Headers;
use crate::http::version::Version;
use crate::http_error::HttpError;
use crate::locals::Locals;
use crate::net::poller::{Readiness, Stream};
use crate::peer::{PeerAddress, ServerInfo};
use crate::rarely::{put_into_empty, rarely};
use crate::rfile::{CONTINUE, RequestReader};
use crate::serve::baton::Lent;
use crate::serve::handler_socket::HandlerSocket;
use crate::serve::slow::Kind;
use crate::serve::stock::{INPUT, Stock};
use crate::serve::waiting::{Reason, Waiting};
use crate::socket::Socket;
use crate::wfile::ResponseWriter;

/// A client's connection and where it stands.
pub(crate) struct Session {
    stream: Stream,
    connection: Connection,
    ends: Ends,
    /// So many bytes of the output have gone.
    sent: usize,
    /// Requests answered so far.
    requests: u64,
    end: End,
    readiness: Readiness,
    waiting: Waiting,
    /// It has had its turn, and waits for the next one.
    pub(crate) is_queued: bool,
    /// The poller of its loop tells of it: from when it is let in, or first waits for its client, and
    /// not while a method reads a long body.
    pub(crate) watched: Watched,
    /// No thread has become free for its request.
    is_turned_away: bool,
}

/// What the poller tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    Not,
    /// That there is something to read: all that is waited for until a write blocks.
    Reading,
    Both,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Not yet.
    Open,
    /// After what is owed has been sent.
    AfterOutput(Ending),
    /// All is sent, our side is closed; so many bytes may still be read and dropped.
    Lingering { bytes: usize },
    /// Now.
    Now,
    /// Now, and nothing was under way.
    Idle,
}

/// What the end of a connection looks like to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Nothing more will come from it.
    AtOnce,
    /// It may still be sending, and has to be heard until it has read its answer.
    Gentle,
    /// Its answer was cut, and a plain end would look like the answer's.
    Reset,
}

/// What a session's driver does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    /// Call [`Session::answer`].
    Answer(Call),
    /// Wait for readiness, until [`Session::deadline`].
    Wait,
    /// Drop it.
    Close,
}

/// What there is to answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Request,
    Expectation,
    Refusal(BadRequest),
    /// A request for which no thread has become free.
    TurnAway,
}

/// What an answer needs beyond its request.
pub(crate) struct Service<'a> {
    pub(crate) handler: &'a HandlerHooks<'a>,
    pub(crate) server: &'a ServerInfo,
    pub(crate) config: &'a Config,
    pub(crate) stamp: &'a Stamp,
    /// The loop to go back to, where somebody else may have taken it over meanwhile.
    pub(crate) lent: Option<Lent<'a>>,
}

/// What a visit may have answered, and what has been.
#[derive(Clone, Copy, Default)]
pub(crate) struct Allowance {
    /// How many more.
    pub(crate) limit: u64,
    /// How many answers may leave the connection open: its loop may be about to end.
    pub(crate) to_spare: u64,
    /// How many have been.
    pub(crate) answered: u64,
}

impl Allowance {
    fn note_answer(&mut self) {
        self.limit = self.limit.saturating_sub(1);
        self.to_spare = self.to_spare.saturating_sub(1);
        self.answered += 1;
    }
}

impl Session {
    pub(crate) fn new(stream: Stream, peer: PeerAddress) -> Session {
        Session {
            stream,
            connection: Connection::default(),
            ends: Ends {
                peer,
                output: Vec::new(),
                locals: Locals::default(),
                request_locals: Locals::default(),
            },
            sent: 0,
            requests: 0,
            end: End::Open,
            readiness: Readiness { readable: false, writable: true, ending: false },
            waiting: Waiting::new(),
            is_queued: false,
            watched: Watched::Not,
            is_turned_away: false,
        }
    }

    pub(crate) fn stream_mut(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// Notes what the poller saw.
    pub(crate) fn ready(&mut self, readiness: Readiness) {
        self.readiness.merge(readiness);
    }

    /// Looks for bytes even though no event has told of any.
    pub(crate) fn look_again(&mut self) {
        self.readiness.readable = true;
    }

    /// Its request is to be refused, since nobody has time for it.
    pub(crate) fn turn_away(&mut self) {
        self.is_turned_away = true;
    }

    /// Whether the poller tells of all that it may wait for.
    #[inline(always)] // on the way of each request
    pub(crate) fn is_watched(&self) -> bool {
        self.watched != Watched::Not && (self.readiness.writable || self.watched == Watched::Both)
    }

    /// Whether there is more to come of the body of the request at hand.
    pub(crate) fn has_open_body(&self) -> bool {
        self.connection.body_is_open()
    }

    /// What the request at hand is told apart by.
    #[inline(never)] // quick requests do not come by here
    pub(crate) fn kind(&self) -> Kind {
        Kind::of(self.connection.first_line())
    }

    /// Whether no request is under way and no answer on its way.
    pub(crate) fn is_idle(&self) -> bool {
        let is_at_work = !matches!(self.end, End::Open | End::Idle) || !self.ends.output.is_empty();
        !is_at_work && self.connection.phase() == Phase::Idle
    }

    /// Whether some of an answer has not been taken by the kernel.
    pub(crate) fn owes_output(&self) -> bool {
        !self.ends.output.is_empty()
    }

    /// Moves bytes until somebody else has to do something.
    ///
    /// It needs the memory that [`provide`](Self::provide) gives it.
    // A call of the system overwrites what the processor knows of the functions under way, so each
    // return to them is mispredicted: what lies between a loop and the kernel is one function.
    #[inline(always)]
    pub(crate) fn advance(&mut self, limits: &HeadLimits, stopping: bool) -> Next {
        // A connection that is broken just ends: there is nobody to tell.
        self.try_advance(limits, stopping).unwrap_or(Next::Close)
    }

    #[inline(always)]
    fn try_advance(&mut self, limits: &HeadLimits, stopping: bool) -> io::Result<Next> {
        loop {
            if self.end != End::Open {
                rarely();
                match self.go_on_ending(stopping)? {
                    Some(next) => return Ok(next),
                    None => continue,
                }
            }
            let want = self.connection.advance(limits);
            // Not a `match`: a jump by a table is one that no processor foresees.
            let call = if want == Want::Bytes {
                match self.get_bytes(stopping)? {
                    Some(next) => return Ok(next),
                    None => continue,
                }
            } else if want == Want::Handler && !self.is_turned_away {
                Call::Request
            } else {
                rarely();
                match self.rare_call(want) {
                    Some(call) => call,
                    None => continue,
                }
            };
            // Answers that nobody takes must not pile up, and a handler that will wait for a body
            // must not wait for a client that waits for an earlier answer.
            if self.must_send_first() {
                rarely();
                if !self.flush_out_of_line()? {
                    return Ok(self.wait(Reason::Write));
                }
            }
            return Ok(Next::Answer(call));
        }
    }

    /// What there is to answer that is no request for a method; `None` if nothing, and it ends.
    #[cold]
    fn rare_call(&mut self, want: Want) -> Option<Call> {
        match want {
            // One that a method may answer is the caller's.
            Want::Handler => Some(Call::TurnAway),
            Want::Expectation => Some(Call::Expectation),
            Want::Refusal(refused) => Some(Call::Refusal(refused)),
            Want::Bytes | Want::Close => {
                self.end = End::AfterOutput(Ending::Gentle);
                None
            }
        }
    }

    /// Whether another request is here already, and nothing has to be sent before its answer.
    #[inline(always)] // mostly there is nothing, which is soon seen
    pub(crate) fn has_next(&mut self, limits: &HeadLimits) -> bool {
        !self.connection.input.is_empty()
            && self.end == End::Open
            && self.connection.advance(limits) == Want::Handler
            && !self.must_send_first()
    }

    /// Sends what is owed, and then reads; `None` if something came, even the end.
    #[inline(always)]
    fn get_bytes(&mut self, stopping: bool) -> io::Result<Option<Next>> {
        if !self.flush()? {
            rarely();
            return Ok(Some(self.wait(Reason::Write)));
        }
        match self.fill()? {
            Some(0) => {
                rarely();
                if !self.connection.end_of_input() {
                    self.end = End::Now;
                }
            }
            Some(_) => {}
            None if stopping && self.is_idle() => {
                rarely();
                return Ok(Some(self.wait(Reason::Parting)));
            }
            None => return Ok(Some(self.wait(self.what_is_missing()))),
        }
        Ok(None)
    }

    /// Goes on with a connection that ends; `None` if it has come to the next step of that.
    #[inline(never)]
    fn go_on_ending(&mut self, stopping: bool) -> io::Result<Option<Next>> {
        match self.end {
            End::Open => {}
            End::Now | End::Idle => return Ok(Some(Next::Close)),
            End::AfterOutput(ending) => {
                if !self.flush()? {
                    return Ok(Some(self.wait(Reason::Write)));
                }
                match ending {
                    Ending::AtOnce => return Ok(Some(Next::Close)),
                    Ending::Reset => {
                        self.stream.reset_on_close();
                        return Ok(Some(Next::Close));
                    }
                    Ending::Gentle => {
                        self.stream.end_writing();
                        self.end = End::Lingering { bytes: MAX_LINGER };
                    }
                }
            }
            End::Lingering { bytes } => match self.drop_input(bytes)? {
                Some(0) => return Ok(Some(Next::Close)),
                Some(left) => self.end = End::Lingering { bytes: left },
                // Who stops cannot wait for those who only might say something.
                None if stopping => return Ok(Some(Next::Close)),
                None => return Ok(Some(self.wait(Reason::Linger))),
            },
        }
        Ok(None)
    }

    /// Whether it waits for its next request to begin: from `now` on, if not since before.
    #[inline(always)]
    pub(crate) fn begins_to_idle(&mut self, now: Instant) -> bool {
        self.waiting.begin(now);
        self.waiting.is_for_next_request()
    }

    /// When what it waits for is late.
    pub(crate) fn deadline(&mut self, now: Instant, config: &Config) -> Instant {
        self.waiting.deadline(now, config)
    }

    /// The deadline has passed: a request under way is refused, and anything else just ends.
    pub(crate) fn expire(&mut self) {
        let is_request = self.waiting.is_for_request();
        if self.waiting.is_parting() {
            self.end = End::Idle;
        } else if !(is_request && self.connection.time_out()) {
            self.end = End::Now;
        }
    }

    /// Has the handler answer what [`Next::Answer`] named, and what repeats it.
    ///
    /// If that took so long that the loop went on without it, what kind of request it was.
    #[inline(always)] // nearly always for a request
    pub(crate) fn answer(
        &mut self,
        call: Call,
        service: &Service<'_>,
        allowance: &mut Allowance,
    ) -> Option<Kind> {
        if self.sent > 0 {
            rarely();
            self.ends.output.drain(..std::mem::take(&mut self.sent));
        }
        match call {
            Call::Request => self.answer_requests(service, allowance, false),
            call => self.answer_rarely(call, service, allowance),
        }
    }

    #[cold]
    fn answer_rarely(
        &mut self,
        call: Call,
        service: &Service<'_>,
        allowance: &mut Allowance,
    ) -> Option<Kind> {
        match call {
            Call::Request => return self.answer_requests(service, allowance, false),
            Call::TurnAway => drop(self.answer_requests(service, allowance, true)),
            Call::Expectation => self.answer_expectation(service, allowance),
            Call::Refusal(refused) => {
                self.answer_refusal(refused, service);
                allowance.note_answer();
            }
        }
        None
    }

    /// Has a request answered, and then those that repeat it, for as long as nothing has to be done in
    /// between. If it `is_turned_away`, the answer is that nobody has time, and ends the connection.
    #[inline(never)] // what it needs of registers, its caller would have to spill
    fn answer_requests(
        &mut self,
        service: &Service<'_>,
        allowance: &mut Allowance,
        is_turned_away: bool,
    ) -> Option<Kind> {
        let Some((parts, mut repeats)) = self.connection.parts() else {
            rarely();
            self.connection.close();
            allowance.note_answer();
            return None;
        };
        let is_asked_to_close = parts.persistence == Persistence::Close;
        let (outcome, may_go_back, repeated) = loop {
            self.requests += 1;
            let may_persist = may_persist(self.requests, service, allowance);
            let socket = HandlerSocket::new(&self.stream, service.config);
            let outcome = {
                let http = self.ends.exchange(&parts, may_persist, &socket, service);
                let mut http = ManuallyDrop::new(http);
                if is_turned_away {
                    rarely();
                    handler::turn_away(service.handler.0, &mut http);
                } else {
                    handler::answer(service.handler.0, &mut http);
                }
                let outcome = http.outcome();
                // Its drop is a call, for nothing.
                if http.holds_memory() {
                    rarely();
                    drop(ManuallyDrop::into_inner(http));
                }
                outcome
            };
            self.readiness.readable |= socket.restore();
            allowance.note_answer();
            let may_go_back = service.lent.is_none_or(Lent::seems_open);
            let may_go_on = may_go_back
                && matches!(outcome.left, BodyLeft::Whole)
                && allowance.limit > 0
                && outcome.persistence == Persistence::KeepAlive
                && self.ends.output.len() <= MAX_UNSENT;
            if !(may_go_on && repeats.next()) {
                break (outcome, may_go_back, repeats.count());
            }
        };
        let Outcome { left, persistence, must_reset } = outcome;
        let overran = if may_go_back { None } else { Some(self.kind()) };
        self.connection.answered(repeated, left, persistence);
        if self.connection.is_closed() {
            self.end = End::AfterOutput(match must_reset {
                true => Ending::Reset,
                // Who asked for the end, and has sent all of it, only waits for it.
                false if is_asked_to_close && self.connection.is_clean() => Ending::AtOnce,
                false => Ending::Gentle,
            });
        }
        overran
    }

    fn answer_expectation(&mut self, service: &Service<'_>, allowance: &Allowance) {
        let may_persist = may_persist(self.requests, service, allowance);
        let Some((mut parts, _)) = self.connection.parts() else { return self.connection.close() };
        // It is asked about a body that is still collected: there is nothing for it to read.
        (parts.body.received, parts.body.decoder) = (&[], BodyDecoder::new(BodyLength::Empty));
        let socket = HandlerSocket::new(&self.stream, service.config);
        let mut http = self.ends.exchange(&parts, may_persist, &socket, service);
        let is_welcome = handler::welcomes_body(service.handler.0, &mut http);
        let is_told = !http.rfile.expects_continue();
        let is_last = http.close_connection;
        let request_locals = std::mem::take(&mut http.locals);
        drop(http);
        self.ends.request_locals = request_locals;
        self.readiness.readable |= socket.restore();
        if is_welcome {
            self.connection.welcome_body();
            if is_last {
                self.connection.end_with_this();
            }
            if !is_told {
                self.ends.output.extend_from_slice(CONTINUE);
            }
        } else {
            self.connection.close();
            self.end = End::AfterOutput(Ending::Gentle);
        }
    }

    fn answer_refusal(&mut self, refused: BadRequest, service: &Service<'_>) {
        service.server.stats.note_refusal(refused);
        let line = refused_line(self.connection.first_line());
        let command = line.split(' ').next().unwrap_or_default();
        let head = HeadView {
            requestline: &line,
            command,
            path: "",
            version: Version::HTTP_11,
            headers: Headers::empty(),
        };
        let body = BodyParts {
            received: &[],
            is_whole: true,
            decoder: BodyDecoder::new(BodyLength::Empty),
            expects_continue: false,
        };
        let parts = Parts { head, persistence: Persistence::Close, body };
        let socket = HandlerSocket::new(&self.stream, service.config);
        let mut http = self.ends.exchange(&parts, false, &socket, service);
        handler::refuse(service.handler.0, &mut http, HttpError::from(refused));
        drop(http);
        self.readiness.readable |= socket.restore();
        self.connection.close();
        self.end = End::AfterOutput(Ending::Gentle);
    }

    fn must_send_first(&self) -> bool {
        self.ends.output.len() - self.sent > MAX_UNSENT
            || (!self.ends.output.is_empty() && self.connection.body_is_open())
    }

    /// What it waits for while it waits for bytes.
    fn what_is_missing(&self) -> Reason {
        match self.connection.phase() {
            Phase::Idle => Reason::Idle,
            phase => {
                rarely();
                match phase {
                    Phase::Body => Reason::Body { received: self.connection.input.len() as u64 },
                    _ => Reason::Head,
                }
            }
        }
    }

    /// Waits for `reason`: with the patience left, if that is what was waited for before.
    fn wait(&mut self, reason: Reason) -> Next {
        self.waiting.wait(reason, self.requests);
        Next::Wait
    }

    /// Reads what is there; `None` if nothing is, 0 at the peer's end.
    #[inline(always)]
    fn fill(&mut self) -> io::Result<Option<usize>> {
        if !self.readiness.readable {
            return Ok(None);
        }
        let room = self.connection.input.room();
        let asked = room.len();
        let received = self.stream.read(room)?;
        // After a short read nothing is left, unless the peer's end is.
        let is_short = received.is_none_or(|received| received < asked);
        self.readiness.readable = !is_short || (self.readiness.ending && received.is_some());
        self.connection.input.fill(received.unwrap_or(0));
        Ok(received)
    }

    /// Sends what is owed; true if nothing is left.
    #[inline(always)]
    fn flush(&mut self) -> io::Result<bool> {
        while self.sent < self.ends.output.len() {
            if !self.readiness.writable {
                rarely();
                return Ok(false);
            }
            match self.stream.write(&[IoSlice::new(&self.ends.output[self.sent..])])? {
                Some(count) => {
                    self.sent += count;
                    self.waiting.taken(count);
                }
                None => {
                    rarely();
                    self.readiness.writable = false;
                }
            }
        }
        self.ends.output.clear();
        self.sent = 0;
        self.waiting.all_taken();
        Ok(true)
    }

    /// [`flush`](Self::flush) where hardly any request comes by.
    #[cold]
    fn flush_out_of_line(&mut self) -> io::Result<bool> {
        self.flush()
    }

    /// Sends what is owed; what the kernel does not take is to be waited for.
    ///
    /// `None`: nothing is left.
    pub(crate) fn send(&mut self) -> Option<Next> {
        match self.flush() {
            Ok(true) => None,
            Ok(false) => Some(self.wait(Reason::Write)),
            Err(_) => Some(Next::Close),
        }
    }

    /// Drops what the peer still sends: how many more bytes it may send (0 at its end), or `None` if
    /// nothing is there.
    fn drop_input(&mut self, allowed: usize) -> io::Result<Option<usize>> {
        let left = self.connection.input.len();
        self.connection.input.consume(left);
        Ok(match self.fill()? {
            Some(0) => Some(0),
            Some(count) => Some(allowed.saturating_sub(count)),
            None => None,
        })
    }

    /// Gives memory that is not needed back to the loop. Of a connection that has ended, what its
    /// client still sent is not needed either.
    #[inline(always)] // on the way of each request
    pub(crate) fn give_back(&mut self, stock: &mut Stock) {
        let is_over = self.connection.is_closed();
        let input = &mut self.connection.input;
        if input.has_storage() && (input.is_empty() || is_over) {
            stock.give_input(input.take_storage());
        } else if !input.is_empty() {
            shrink(input, stock);
        }
        if self.ends.output.is_empty() && self.ends.output.capacity() > 0 {
            stock.give_output(std::mem::take(&mut self.ends.output));
        }
    }

    /// Takes the memory that it works in from the loop, where it has none.
    #[inline(always)] // two words and two comparisons
    pub(crate) fn provide(&mut self, stock: &mut Stock) {
        if !self.connection.input.has_storage() {
            self.connection.input.provide(stock.take_input());
        }
        if self.ends.output.capacity() == 0 {
            put_into_empty(&mut self.ends.output, stock.take_output());
        }
    }
}

impl Drop for Session {
    /// Whoever is cut off in the middle of an answer has to see that, and where only the connection
    /// ends an answer, a plain end would look like the answer's (RFC 9112 §8). A reset frees the
    /// memory, too, that the kernel would go on offering to a client that takes nothing.
    fn drop(&mut self) {
        if self.owes_output() {
            self.stream.reset_on_close();
        }
    }
}

/// What each exchange of a connection works with, besides its request.
struct Ends {
    peer: PeerAddress,
    /// Answers on their way out.
    output: Vec<u8>,
    locals: Locals,
    /// What the hook for `Expect` has left for its request.
    request_locals: Locals,
}

impl Ends {
    #[inline(always)] // an exchange is better made in its place than moved there
    fn exchange<'a>(
        &'a mut self,
        parts: &Parts<'a>,
        may_persist: bool,
        socket: &'a dyn Socket,
        service: &Service<'a>,
    ) -> Exchange<'a> {
        let Parts { head, persistence, .. } = *parts;
        let mut body = parts.body.clone();
        // A server of HTTP/1.0 has no `100 Continue` to give, as Python's.
        body.expects_continue &= service.server.protocol_version >= Version::HTTP_11;
        let rules = AnswerRules {
            head_only: head.command == "HEAD",
            modern_client: head.version >= Version::HTTP_11,
            is_bare: head.version < Version::HTTP_10,
            is_connect: head.command == "CONNECT",
            may_persist: may_persist && persistence == Persistence::KeepAlive,
            version: service.server.protocol_version,
        };
        Exchange {
            command: head.command,
            path: head.path,
            requestline: head.requestline,
            request_version: head.version,
            headers: head.headers,
            client_address: self.peer.clone(),
            server: service.server,
            close_connection: !rules.may_persist,
            rfile: RequestReader::new(body, socket, service.config),
            wfile: ResponseWriter::new(&mut self.output, socket, service.stamp, rules),
            locals: std::mem::take(&mut self.request_locals),
            connection_locals: &mut self.locals,
            hooks: service.handler,
        }
    }
}

/// Whether a connection may go on behind an answer, as far as its server has a say in it: the last
/// one that it makes, and each one while it stops, ends it.
fn may_persist(requests: u64, service: &Service<'_>, allowance: &Allowance) -> bool {
    let server = service.server;
    let is_last = service.config.max_requests_per_connection.is_some_and(|max| requests >= max);
    let ends = is_last || allowance.to_spare == 0 || server.is_stopping();
    !ends && server.protocol_version >= Version::HTTP_11
}

/// The start of a head from a slow client does not need much memory.
#[inline(never)]
fn shrink(input: &mut Buffer, stock: &mut Stock) {
    if input.len() < LITTLE && input.capacity() >= INPUT {
        let little = Buffer::with_bytes(input.bytes());
        stock.give_input(std::mem::replace(input, little).take_storage());
    }
}

/// What the log and the error page may show of a line that was refused.
fn refused_line(line: &[u8]) -> Cow<'_, str> {
    let shown = line.len().min(MAX_REFUSED_LINE);
    String::from_utf8_lossy(&line[..shown])
}

/// Less than this is waited for in memory of its own size.
const LITTLE: usize = 1024;

/// Answers are made while no more than this waits to be sent.
const MAX_UNSENT: usize = 64 * 1024;

/// How much a client may still send after its answer, before it is cut off.
const MAX_LINGER: usize = 16 * 1024 * 1024;

/// Bytes of a refused line that are shown.
const MAX_REFUSED_LINE: usize = 256;
