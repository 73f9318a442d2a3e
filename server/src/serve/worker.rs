//! One event loop: wait, accept, serve sessions, expire the late.
//!
//! ```text
//!   wait ──▶ Woken | Acceptable | Ready ──▶ advance ──▶ Answer ──▶ handler ──┐
//!     ▲                                       ▲  │                           │
//!     │                                       └──┼───────────────────────────┘
//!     └────────────── expired ◀── Wait(deadline) ┴─▶ Close
//! ```
//!
//! It runs handlers on its own thread, one at a time. A connection costs it memory only while
//! something of a request, or of an answer, is there.

use std::collections::VecDeque;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant, SystemTime};

use slab::Slab;

use crate::config::{Config, LONGEST};
use crate::handler::HandlerHooks;
use crate::http::date::Stamp;
use crate::locals::drop_quietly;
use crate::logging::log_error;
use crate::net::deadlines::Deadlines;
use crate::net::listener::{Accepted, Listener};
use crate::net::poller::{Event, Poller, Stream, Token, Waker};
use crate::peer::{PeerAddress, ServerInfo};
use crate::serve::session::{Next, Service, Session, Tools};
use crate::serve::shutdown::{ShutdownHandle, ShutdownReport};
use crate::serve::stock::Stock;

/// An event loop and all that it owns.
pub(crate) struct Worker {
    poller: Poller,
    listener: Option<Listener>,
    sessions: Slab<Box<Session>>,
    deadlines: Deadlines,
    stock: Stock,
    stamp: Stamp,
    events: Vec<Event>,
    /// Sessions that had more to do when it was the others' turn.
    unfinished: VecDeque<Token>,
    accepting: Accepting,
    now: Instant,
    answered: u64,
    /// How many requests may still be answered in this run.
    budget: u64,
    stopping: Option<Stopping>,
}

/// Whether clients are let in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Accepting {
    Yes,
    /// `Config::max_connections` are open: when one ends.
    WhenOneEnds,
    /// There are more of them than fit one turn.
    InTheNextTurn,
    /// The system has run out of descriptors.
    After(Instant),
}

/// A stop under way.
struct Stopping {
    deadline: Instant,
    answered_before: u64,
    closed_idle: u64,
}

/// What a loop serves with.
#[derive(Clone, Copy)]
pub(crate) struct Serving<'a> {
    pub(crate) handler: &'a HandlerHooks<'a>,
    pub(crate) server: &'a ServerInfo,
    pub(crate) config: &'a Config,
}

/// When [`Worker::run`] returns.
pub(crate) enum Until<'a> {
    /// When the handle says so, and everything is drained.
    Stopped(&'a ShutdownHandle),
    /// When one request has been answered and sent, or at the time given.
    Answered { at_most: Option<Instant> },
}

impl Worker {
    pub(crate) fn new(mut listener: Listener, server: &ServerInfo) -> io::Result<Worker> {
        let poller = Poller::new()?;
        listener.register(&poller)?;
        let now = Instant::now();
        Ok(Worker {
            poller,
            listener: Some(listener),
            sessions: Slab::new(),
            deadlines: Deadlines::new(now),
            stock: Stock::default(),
            stamp: Stamp::new(&server.version_string),
            events: Vec::new(),
            unfinished: VecDeque::new(),
            accepting: Accepting::Yes,
            now,
            answered: 0,
            budget: u64::MAX,
            stopping: None,
        })
    }

    pub(crate) fn waker(&self) -> Waker {
        self.poller.waker()
    }

    /// Serves until `until`.
    ///
    /// # Errors
    /// When the system will not let it wait: nothing that a client does.
    pub(crate) fn run(
        &mut self,
        serving: Serving<'_>,
        until: Until<'_>,
    ) -> io::Result<ShutdownReport> {
        let answered_before = self.answered;
        self.budget = match until {
            Until::Stopped(_) => u64::MAX,
            Until::Answered { .. } => 1,
        };
        self.now = Instant::now();
        loop {
            match until {
                Until::Stopped(handle) => {
                    if self.stopping.is_none() && handle.is_stopping() {
                        self.begin_stop(serving);
                    }
                    if let Some(report) = self.end_stop() {
                        return Ok(report);
                    }
                }
                Until::Answered { at_most } => {
                    let is_done = self.answered > answered_before && !self.owes_output();
                    if is_done || at_most.is_some_and(|time| self.now >= time) {
                        return Ok(ShutdownReport::default());
                    }
                }
            }
            self.turn(serving, &until)?;
        }
    }

    /// Waits once, and does everything that has become possible.
    fn turn(&mut self, serving: Serving<'_>, until: &Until<'_>) -> io::Result<()> {
        let mut events = std::mem::take(&mut self.events);
        self.poller.wait(self.patience(until), &mut events)?;
        self.now = Instant::now();
        for event in events.drain(..) {
            match event {
                Event::Woken => {}
                Event::Acceptable => self.accept(serving),
                Event::Ready { token, readiness } => {
                    // It may have been closed by what came before it in this turn.
                    if let Some(session) = self.sessions.get_mut(token) {
                        session.ready(readiness);
                        if !session.is_queued {
                            self.drive(token, serving);
                        }
                    }
                }
            }
        }
        self.events = events;
        for _ in 0..self.unfinished.len() {
            if let Some(token) = self.unfinished.pop_front()
                && let Some(session) = self.sessions.get_mut(token)
            {
                session.is_queued = false;
                self.drive(token, serving);
            }
        }
        while let Some(token) = self.deadlines.expired(self.now) {
            self.expire(token, serving);
        }
        let is_time = match self.accepting {
            Accepting::Yes | Accepting::WhenOneEnds => false,
            Accepting::InTheNextTurn => true,
            Accepting::After(time) => self.now >= time,
        };
        if is_time {
            self.accept(serving);
        }
        Ok(())
    }

    fn patience(&self, until: &Until<'_>) -> Option<Duration> {
        if !self.unfinished.is_empty() || self.accepting == Accepting::InTheNextTurn {
            return Some(Duration::ZERO);
        }
        let retry = match self.accepting {
            Accepting::After(time) => Some(time),
            _ => None,
        };
        let at_most = match until {
            Until::Answered { at_most } => *at_most,
            Until::Stopped(_) => self.stopping.as_ref().map(|stopping| stopping.deadline),
        };
        let times = [retry, at_most].into_iter().flatten();
        let waits = times.map(|time| time.saturating_duration_since(self.now));
        waits.chain(self.deadlines.patience(self.now)).min()
    }

    fn accept(&mut self, serving: Serving<'_>) {
        for _ in 0..CLIENTS_IN_A_TURN {
            let Some(listener) = &self.listener else { return };
            let most = serving.config.max_connections.unwrap_or(usize::MAX);
            if self.sessions.len() >= most {
                self.accepting = Accepting::WhenOneEnds;
                return;
            }
            match listener.accept() {
                Accepted::Connection(stream, address) => {
                    self.admit(stream, address.into(), serving)
                }
                Accepted::Nobody => {
                    self.accepting = Accepting::Yes;
                    return;
                }
                Accepted::Exhausted(error) => {
                    if !matches!(self.accepting, Accepting::After(_)) {
                        log_error(format_args!("cannot accept connections: {error}"));
                    }
                    self.accepting = Accepting::After(self.now + ACCEPT_AGAIN);
                    return;
                }
            }
        }
        // Those who are inside have their turn; then the next are let in.
        self.accepting = Accepting::InTheNextTurn;
    }

    fn admit(&mut self, stream: Stream, peer: PeerAddress, serving: Serving<'_>) {
        let verify = AssertUnwindSafe(|| serving.handler.0.verify_request(&peer));
        let is_welcome = panic::catch_unwind(verify).unwrap_or_else(|payload| {
            drop_quietly(payload);
            false
        });
        if !is_welcome {
            return;
        }
        let token = self.sessions.insert(Box::new(Session::new(stream, peer)));
        let registered = match self.sessions.get_mut(token) {
            Some(session) => self.poller.add(session.stream_mut(), token),
            None => return,
        };
        match registered {
            Ok(()) => self.drive(token, serving),
            Err(error) => {
                log_error(format_args!("cannot watch a connection: {error}"));
                self.sessions.remove(token);
            }
        }
    }

    /// Lets a session do all that it can, and has its requests answered.
    fn drive(&mut self, token: Token, serving: Serving<'_>) {
        let Some(session) = self.sessions.get_mut(token) else { return };
        let stopping = self.stopping.is_some();
        let mut has_called = false;
        for _ in 0..REQUESTS_IN_A_TURN {
            let mut tools = Tools { config: serving.config, stock: &mut self.stock, stopping };
            let mut next = session.advance(&mut tools);
            if self.budget == 0 && matches!(next, Next::Answer(_)) {
                // Its turn comes in another run; what this one has answered is sent before.
                match session.send() {
                    Some(instead) => next = instead,
                    None => break,
                }
            }
            // A handler takes what time it takes: nobody's deadline begins before it ended.
            if has_called && !matches!(next, Next::Answer(_)) {
                self.now = Instant::now();
            }
            match next {
                Next::Answer(call) => {
                    session.provide(&mut self.stock);
                    self.stamp.refresh(self.now, SystemTime::now);
                    session.answer(call, service(serving, &self.stamp, stopping));
                    self.answered += u64::from(call.is_final());
                    self.budget -= u64::from(call.is_final());
                    has_called = true;
                }
                Next::Wait => {
                    self.deadlines.set(token, session.deadline(self.now, serving.config));
                    return;
                }
                Next::Close => return self.close(token, serving),
            }
        }
        session.is_queued = true;
        self.unfinished.push_back(token);
    }

    fn expire(&mut self, token: Token, serving: Serving<'_>) {
        let Some(session) = self.sessions.get_mut(token) else { return };
        let deadline = session.deadline(self.now, serving.config);
        if self.now < deadline {
            return self.deadlines.set(token, deadline);
        }
        // Who was only kept waiting by somebody else's handler is not late: its bytes are here.
        session.look_again();
        self.drive(token, serving);
        let Some(session) = self.sessions.get_mut(token) else { return };
        if session.is_queued || self.now < session.deadline(self.now, serving.config) {
            return;
        }
        session.expire();
        self.drive(token, serving);
    }

    fn close(&mut self, token: Token, serving: Serving<'_>) {
        self.deadlines.remove(token);
        let session = self.sessions.remove(token);
        if let Some(stopping) = &mut self.stopping {
            stopping.closed_idle += u64::from(session.is_idle());
        }
        // Its descriptor is free before the next client is let in.
        drop(session);
        if self.accepting == Accepting::WhenOneEnds {
            self.accepting = Accepting::Yes;
            self.accept(serving);
        }
    }

    fn owes_output(&self) -> bool {
        self.sessions.iter().any(|(_, session)| session.owes_output())
    }

    /// Stops accepting, and closes what is idle.
    fn begin_stop(&mut self, serving: Serving<'_>) {
        self.stopping = Some(Stopping {
            deadline: self.now + serving.config.drain_timeout.min(LONGEST),
            answered_before: self.answered,
            closed_idle: 0,
        });
        // Who has connected already is served; who has not is turned away.
        for _ in 0..=usize::from(serving.config.request_queue_size) / CLIENTS_IN_A_TURN {
            self.accept(serving);
        }
        if let Some(listener) = self.listener.take() {
            listener.close(&self.poller);
        }
        let tokens: Vec<Token> = self.sessions.iter().map(|(token, _)| token).collect();
        for token in tokens {
            if let Some(session) = self.sessions.get_mut(token) {
                // A request may have come that no event has told of yet: it is answered.
                session.look_again();
                self.drive(token, serving);
            }
        }
    }

    /// The report, once everything is drained, or cut.
    fn end_stop(&mut self) -> Option<ShutdownReport> {
        let stopping = self.stopping.as_ref()?;
        if !self.sessions.is_empty() && self.now < stopping.deadline {
            return None;
        }
        let cut = self.sessions.len() as u64;
        let report = ShutdownReport {
            answered: self.answered - stopping.answered_before,
            closed_idle: stopping.closed_idle,
            cut,
        };
        self.sessions.clear();
        Some(report)
    }
}

fn service<'a>(serving: Serving<'a>, stamp: &'a Stamp, stopping: bool) -> Service<'a> {
    Service {
        handler: serving.handler,
        server: serving.server,
        config: serving.config,
        stamp,
        stopping,
    }
}

/// After so many requests of one connection it is the others' turn.
const REQUESTS_IN_A_TURN: usize = 32;

/// After so many new clients it is the turn of those who are inside.
const CLIENTS_IN_A_TURN: usize = 256;

/// How soon to try again where the system has no descriptor left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
