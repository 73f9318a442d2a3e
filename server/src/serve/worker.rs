//! One event loop: wait, let clients in, move sessions on, expire the late.
//!
//! ```text
//!   wait ──▶ Woken | Acceptable | Ready | expired | a letter ──▶ advance ──▶ wait again, or close
//!     ▲                                                             │
//!     │                                                             ▼ something to answer
//!     └──────────────────── welcome ◀── somebody answers ◀── Visit, out of the loop
//! ```
//!
//! It calls no handler by itself. Whoever drives it gets a session that has something to answer out
//! of it ([`Worker::next`]), has that answered, and gives it back ([`Worker::welcome`]), or leaves
//! it in the loop's mailbox. Between any two of those calls somebody else may go on driving: what is
//! left of a turn is in the loop, not on the driver's stack.
//!
//! Several sessions are moved on before the first of them is answered ([`Batch`]), and where the
//! loop is lent their answers are sent together: then `welcome` sends only when that takes too long,
//! and else `next` does when all of them have been answered.

use std::collections::VecDeque;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use slab::Slab;

use crate::config::LONGEST;
use crate::locals::drop_quietly;
use crate::logging::log_error;
use crate::net::clock::Clock;
use crate::net::deadlines::Deadlines;
use crate::net::listener::Listener;
use crate::net::poller::{Event, Poller, Readiness, Stream, Token};
use crate::peer::PeerAddress;
use crate::rarely::rarely;
use crate::serve::batch::Batch;
use crate::serve::door::Door;
use crate::serve::mailbox::Mailbox;
use crate::serve::neighbours::{ACCEPTS, Neighbours};
use crate::serve::session::{Allowance, Next, Session, Watched};
use crate::serve::shutdown::ShutdownReport;
use crate::serve::stock::Stock;
use crate::serve::visit::{Desk, Serving, Visit};
use crate::serve::waiting::next_look;

/// The loops of one server.
pub(crate) type Loops = Neighbours<Letter>;

/// So many loops around one listener, which hold `max_clients` in all.
pub(crate) fn loops(
    listener: Listener,
    count: usize,
    max_clients: usize,
) -> io::Result<(Vec<Box<Worker>>, Arc<Loops>)> {
    let pollers = (0..count).map(|_| Poller::new()).collect::<io::Result<Vec<_>>>()?;
    let mailboxes = pollers.iter().map(|poller| {
        let waker = poller.waker();
        Mailbox::new(move || waker.wake())
    });
    let neighbours = Arc::new(Neighbours::new(mailboxes.collect(), max_clients));
    let mut listener = Some(listener);
    let workers = pollers.into_iter().enumerate().map(|(index, poller)| {
        let listener = if index == ACCEPTS { listener.take() } else { None };
        Worker::new(index, poller, listener, Arc::clone(&neighbours)).map(Box::new)
    });
    Ok((workers.collect::<io::Result<_>>()?, neighbours))
}

/// Has all loops stop.
pub(crate) fn tell_to_stop(neighbours: &Loops) {
    for mailbox in neighbours.mailboxes() {
        // A loop that has ended needs no telling.
        let _ = mailbox.post(Letter::Stop);
    }
}

/// An event loop and all that it owns.
pub(crate) struct Worker {
    poller: Poller,
    /// That of the first loop is the way into all of them.
    door: Door,
    /// Which loop this is.
    index: usize,
    neighbours: Arc<Loops>,
    /// It is driven for one request alone, by `handle_request`: each client stays here, since the
    /// others are not driven, and is read from at once.
    is_alone: bool,
    letters: Vec<Letter>,
    sessions: Slab<Seat>,
    deadlines: Deadlines,
    stock: Stock,
    /// What the last wait told of, and how much of it has been done.
    events: Vec<Event>,
    done: usize,
    /// Sessions that can go on in this turn.
    fresh: VecDeque<Token>,
    /// Sessions that had more to do when it was the others' turn.
    unfinished: VecDeque<Token>,
    /// How many of those have their turn now: never more than there are.
    rest_of_turn: usize,
    /// Those of this turn that are heard, answered and sent to together.
    batch: Batch<Box<Visit>>,
    clock: Clock,
    /// The deadlines have been gone through up to here: at the same time there is nothing to look for.
    expired_by: Instant,
    /// In this run: with no time at all it still looks once what is there.
    has_waited: bool,
    /// When it last waited with patience.
    waited_at: Instant,
    /// The last wait told of more than one thing, and nobody had more to do.
    had_several: bool,
    /// Requests answered in this run.
    answered: u64,
    /// Those of them that the statistics do not know yet.
    uncounted: u64,
    /// How many requests it may still answer before it has to end.
    ///
    /// Each connection has one of them put by, so nobody who was let in is turned away.
    life: u64,
    is_told_to_stop: bool,
    stopping: Option<Stopping>,
}

/// The place of a session.
enum Seat {
    Home(Box<Visit>),
    /// It is in somebody's hands, or in the batch; what the poller has seen of it meanwhile.
    Away(Readiness),
}

impl Seat {
    /// Takes who is at home out of it.
    fn vacate(&mut self) -> Option<Box<Visit>> {
        match std::mem::replace(self, Seat::Away(Readiness::default())) {
            Seat::Home(visit) => Some(visit),
            away => {
                rarely();
                *self = away;
                None
            }
        }
    }
}

/// What a loop is told by mail.
pub(crate) enum Letter {
    /// A new client for it.
    Client(Stream, PeerAddress),
    /// One of its sessions comes back.
    Home(Box<Visit>),
    /// A connection has ended somewhere: there is room for another client.
    Room,
    Stop,
}

/// A stop under way.
struct Stopping {
    deadline: Instant,
    answered_before: u64,
    closed_idle: u64,
}

/// How long a loop goes on.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// Until it is told to stop, and everything is drained.
    Stopped,
    /// Until one request has been answered and sent, or until the time given.
    Answered { at_most: Option<Instant> },
}

/// What the driver of a loop does next.
pub(crate) enum Step {
    /// Have it answered, and give it back.
    Answer(Box<Visit>),
    /// Nothing more.
    Ended(ShutdownReport),
}

impl Worker {
    /// Loop number `index` among its neighbours; a loop without a listener gets its clients by mail.
    fn new(
        index: usize,
        poller: Poller,
        listener: Option<Listener>,
        neighbours: Arc<Loops>,
    ) -> io::Result<Worker> {
        let door = Door::new(listener, &poller)?;
        let clock = Clock::new();
        Ok(Worker {
            poller,
            door,
            index,
            neighbours,
            is_alone: false,
            letters: Vec::new(),
            sessions: Slab::new(),
            deadlines: Deadlines::new(clock.now()),
            stock: Stock::default(),
            events: Vec::new(),
            done: 0,
            fresh: VecDeque::new(),
            unfinished: VecDeque::new(),
            rest_of_turn: 0,
            batch: Batch::new(clock.now()),
            expired_by: clock.now(),
            has_waited: false,
            waited_at: clock.now(),
            had_several: false,
            clock,
            answered: 0,
            uncounted: 0,
            life: u64::MAX,
            is_told_to_stop: false,
            stopping: None,
        })
    }

    /// Makes it one of several processes that accept from one listener, and has it end after so many
    /// requests.
    #[cfg(unix)]
    pub(crate) fn join_others(&mut self, max_requests: Option<u64>) -> io::Result<()> {
        self.life = max_requests.unwrap_or(u64::MAX).max(1);
        self.door.share(&self.poller)
    }

    /// Lets finished answers wait for each other: whoever drives it lends it, so while a method runs
    /// somebody else can send them.
    pub(crate) fn send_together(&mut self) {
        self.batch.send_together();
    }

    /// Drives the loop in this thread alone, and never lends it.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub(crate) fn run(
        &mut self,
        desk: &mut Desk,
        serving: Serving<'_>,
        until: Until,
    ) -> io::Result<ShutdownReport> {
        self.answered = 0;
        self.has_waited = false;
        self.is_alone = matches!(until, Until::Answered { .. });
        self.clock.look();
        let ended = loop {
            match self.next(serving, until)? {
                Step::Answer(mut visit) => {
                    visit.answer(desk, serving, None);
                    self.welcome(visit, serving);
                }
                Step::Ended(report) => break report,
            }
        };
        self.is_alone = false;
        Ok(ended)
    }

    /// Goes on until something is to be answered, or `until`.
    ///
    /// # Errors
    /// When the system will not let it wait: nothing that a client does.
    #[inline(always)] // a call of the system has each return that is under way mispredicted
    pub(crate) fn next(&mut self, serving: Serving<'_>, until: Until) -> io::Result<Step> {
        loop {
            if let Some(visit) = self.go_on(serving, until) {
                return Ok(Step::Answer(visit));
            }
            match until {
                Until::Stopped => {
                    if self.is_told_to_stop && self.stopping.is_none() {
                        self.begin_stop(serving);
                        continue;
                    }
                    if let Some(report) = self.end_stop(serving) {
                        return Ok(Step::Ended(report));
                    }
                    if self.life == 0 && self.is_worn_out(serving) {
                        return Ok(Step::Ended(ShutdownReport::default()));
                    }
                }
                Until::Answered { at_most } => {
                    self.send_before_turn(serving);
                    let is_done = self.answered > 0 && !self.owes_output();
                    let is_late = at_most.is_some_and(|time| self.clock.now() >= time);
                    if is_done || (is_late && self.has_waited) {
                        self.note_requests(serving);
                        return Ok(Step::Ended(ShutdownReport::default()));
                    }
                }
            }
            self.wait(serving, until)?;
        }
    }

    /// Somebody else drives it from here on, after a handler that took long.
    pub(crate) fn change_hands(&mut self, serving: Serving<'_>) {
        self.clock.look();
        self.send_first(serving);
    }

    /// A session comes back, and its answers are to be sent: when those that were heard with it have
    /// been answered too, or that takes too long.
    #[inline(always)] // as `next`
    pub(crate) fn welcome(&mut self, mut visit: Box<Visit>, serving: Serving<'_>) {
        self.take_in(&mut visit);
        // A handler takes what time it takes: deadlines begin now, give or take a tick.
        self.clock.glance();
        let since = visit.since;
        if let Some(visit) = self.batch.answered(visit, since, self.clock.now()) {
            if self.batch.owes() {
                self.send_first(serving);
            }
            self.send_answer(visit, serving);
        }
    }

    /// Sends what has been answered, and moves those sessions on.
    #[inline(always)] // see `Session::advance`
    fn send_answers(&mut self, serving: Serving<'_>) {
        while let Some(visit) = self.batch.next_owed() {
            self.send_answer(visit, serving);
        }
    }

    /// Sends what has been answered, and moves the session on.
    #[inline(always)]
    fn send_answer(&mut self, mut visit: Box<Visit>, serving: Serving<'_>) {
        if !matches!(visit.next, Next::Close) {
            visit.next = visit.session.advance(serving.limits, self.stopping.is_some());
        }
        self.settle(visit, serving);
    }

    /// [`send_answers`](Self::send_answers), before what may take long.
    #[cold]
    fn send_first(&mut self, serving: Serving<'_>) {
        self.send_answers(serving);
    }

    /// A session comes back by mail: it is queued, and goes on in this turn.
    fn welcome_from_mail(&mut self, mut visit: Box<Visit>, serving: Serving<'_>) {
        self.take_in(&mut visit);
        if matches!(visit.next, Next::Close) {
            return self.settle(visit, serving);
        }
        // Its events may have come to a loop that was not there to see them.
        self.queue(visit);
    }

    /// Has a session look for bytes in this turn.
    fn queue(&mut self, mut visit: Box<Visit>) {
        visit.session.look_again();
        visit.session.is_queued = true;
        self.fresh.push_back(visit.token);
        self.seat(visit);
    }

    /// Notes what was done of a visit, and what the poller saw of it meanwhile.
    #[inline(always)] // on the way of each request
    fn take_in(&mut self, visit: &mut Visit) {
        let answered = visit.allowance.answered;
        self.answered += answered;
        self.uncounted += answered;
        self.life = self.life.saturating_sub(answered);
        if let Some(Seat::Away(seen)) = self.sessions.get(visit.token) {
            visit.session.ready(*seen);
        }
    }

    /// Does what has become possible, until something is to be answered.
    #[inline(always)] // see `Session::advance`
    fn go_on(&mut self, serving: Serving<'_>, until: Until) -> Option<Box<Visit>> {
        let (together, limit) = match until {
            Until::Stopped => (usize::MAX, REQUESTS_IN_A_TURN),
            Until::Answered { .. } => (1, 1u64.saturating_sub(self.answered)),
        };
        loop {
            if let Some(mut visit) = self.batch.next() {
                // Its method will wait for its client: nobody else's answer has to.
                if visit.session.has_open_body() {
                    self.send_first(serving);
                }
                self.depart(&mut visit, limit);
                return Some(visit);
            }
            self.send_answers(serving);
            self.batch.begin(together, self.clock.now());
            while self.batch.has_room()
                && let Some(token) = self.next_in_turn(serving)
            {
                self.drive(token, serving, limit);
            }
            if self.batch.is_answered() {
                self.expire_late(serving, limit);
            }
            if self.batch.is_answered() {
                return None;
            }
        }
    }

    /// Ends what is late, until one of those has something to answer after all.
    #[inline(always)] // between two ticks nothing becomes late
    fn expire_late(&mut self, serving: Serving<'_>, limit: u64) {
        let now = self.clock.now();
        while self.expired_by < now && self.batch.is_answered() {
            rarely();
            match self.deadlines.expired(now) {
                Some(token) => self.expire(token, serving, limit),
                None => self.expired_by = now,
            }
        }
    }

    /// Takes in what the wait told of, and finds the next session that can go on in this turn.
    #[inline(always)] // it has one caller, and is on the way of each request
    fn next_in_turn(&mut self, serving: Serving<'_>) -> Option<Token> {
        while let Some(event) = self.events.get(self.done).copied() {
            self.done += 1;
            match event {
                Event::Woken => {}
                Event::Acceptable => self.accept(serving),
                // It may have been closed by what came before it in this turn.
                Event::Ready { token, readiness } => match self.sessions.get_mut(token) {
                    Some(Seat::Home(visit)) => {
                        visit.session.ready(readiness);
                        if !visit.session.is_queued {
                            return Some(token);
                        }
                    }
                    Some(Seat::Away(seen)) => {
                        rarely();
                        seen.merge(readiness);
                    }
                    None => rarely(),
                },
            }
        }
        if let Some(token) = self.fresh.pop_front() {
            return Some(token);
        }
        self.rest_of_turn = self.rest_of_turn.checked_sub(1)?;
        self.unfinished.pop_front()
    }

    /// Waits until something has come, and takes it.
    #[inline(always)] // on the way of nearly each request
    fn wait(&mut self, serving: Serving<'_>, until: Until) -> io::Result<()> {
        self.note_requests(serving);
        self.events.clear();
        self.done = 0;
        // Where several come at a time, the next is nearly always there already: to look for it costs
        // less than to wait. What is due can stand over until the next tick, but not a door that is to
        // be asked.
        let now = self.clock.now();
        if self.had_several && now == self.waited_at && self.door.opens(now).is_none() {
            self.poller.wait(Some(Duration::ZERO), &mut self.events)?;
        }
        if self.events.is_empty() {
            self.wait_with_patience(serving, until)?;
        } else {
            self.clock.glance();
            self.read_letters(serving);
        }
        // Who has more to do has no time to wait anyway.
        self.had_several = self.events.len() > 1 && self.unfinished.is_empty();
        self.has_waited = true;
        self.rest_of_turn = self.unfinished.len();
        Ok(())
    }

    /// Waits no longer than until something is due, and sees to what is.
    #[inline(never)]
    fn wait_with_patience(&mut self, serving: Serving<'_>, until: Until) -> io::Result<()> {
        let mut patience = self.patience(until);
        if patience != Some(Duration::ZERO) && !self.mailbox().may_sleep() {
            patience = Some(Duration::ZERO);
        }
        self.poller.wait(patience, &mut self.events)?;
        match self.events.is_empty() {
            // Its patience is over, and may have been shorter than a tick.
            true => self.clock.look(),
            false => self.clock.glance(),
        }
        self.waited_at = self.clock.now();
        self.read_letters(serving);
        if self.door.opens(self.waited_at).is_some_and(|time| time <= self.waited_at) {
            rarely();
            self.accept(serving);
        }
        Ok(())
    }

    /// Tells the statistics of the requests that they do not know.
    fn note_requests(&mut self, serving: Serving<'_>) {
        if self.uncounted > 0 {
            serving.server.stats.note_requests(std::mem::take(&mut self.uncounted));
        }
    }

    fn patience(&mut self, until: Until) -> Option<Duration> {
        let is_done = matches!(until, Until::Answered { .. }) && self.answered > 0;
        if !self.unfinished.is_empty() && !is_done {
            return Some(Duration::ZERO);
        }
        let at_most = match until {
            Until::Answered { at_most } => at_most,
            Until::Stopped => self.stopping.as_ref().map(|stopping| stopping.deadline),
        };
        let now = self.clock.now();
        let times = [self.door.opens(now), at_most].into_iter().flatten();
        let waits = times.map(|time| time.saturating_duration_since(now));
        waits.chain(self.deadlines.patience(now)).min()
    }

    fn mailbox(&self) -> &Mailbox<Letter> {
        self.neighbours.mailbox(self.index)
    }

    /// Reads what has come by mail, which mostly is nothing.
    #[inline(always)]
    fn read_letters(&mut self, serving: Serving<'_>) {
        if !self.mailbox().is_quiet() {
            self.read_mail(serving);
        }
    }

    /// Does what each letter says.
    #[inline(never)]
    fn read_mail(&mut self, serving: Serving<'_>) {
        let mut letters = std::mem::take(&mut self.letters);
        self.mailbox().collect(&mut letters);
        for letter in letters.drain(..) {
            match letter {
                Letter::Client(stream, peer) => self.admit(stream, peer, serving),
                Letter::Home(visit) => self.welcome_from_mail(visit, serving),
                Letter::Room => self.door.make_room(),
                Letter::Stop => self.is_told_to_stop = true,
            }
        }
        self.letters = letters;
    }

    fn accept(&mut self, serving: Serving<'_>) {
        for _ in 0..CLIENTS_IN_A_TURN {
            let is_full = || self.neighbours.is_full();
            let Some((stream, peer)) = self.door.open(is_full, self.clock.now()) else { return };
            self.settle_in(stream, peer, serving);
            if self.door.is_shared() {
                return self.take_turns();
            }
        }
        self.door.leave_ajar();
    }

    /// Lets the other processes have the next client.
    fn take_turns(&mut self) {
        let has_room = !self.neighbours.is_full() && (self.sessions.len() as u64) < self.life;
        self.door.take_turns(has_room, &self.poller);
    }

    /// Finds a loop for a new client: the one with the fewest.
    fn settle_in(&mut self, stream: Stream, peer: PeerAddress, serving: Serving<'_>) {
        serving.server.stats.note_connection();
        let index = match self.is_alone {
            true => self.neighbours.count_in(self.index),
            false => self.neighbours.choose(self.index),
        };
        if index == self.index {
            return self.admit(stream, peer, serving);
        }
        let letter = Letter::Client(stream, peer);
        if let Err(Letter::Client(stream, peer)) = self.neighbours.mailbox(index).post(letter) {
            // That loop has ended: in a stop, who has connected is still served.
            self.neighbours.move_client(index, self.index);
            self.admit(stream, peer, serving);
        }
    }

    fn admit(&mut self, stream: Stream, peer: PeerAddress, serving: Serving<'_>) {
        let verify = AssertUnwindSafe(|| serving.handler.0.verify_request(&peer));
        let is_welcome = panic::catch_unwind(verify).unwrap_or_else(|payload| {
            drop_quietly(payload);
            serving.server.stats.note_panic();
            false
        });
        if !is_welcome {
            return self.count_out(serving);
        }
        let token = self.sessions.vacant_key();
        let session = Session::new(stream, peer);
        let visit = Visit::new(session, token, self.index, self.clock.now());
        self.sessions.insert(Seat::Away(Readiness::default()));
        // Its first request is hardly ever here so soon. But a stop, or `handle_request`, may have no
        // time for a second wait.
        if self.stopping.is_some() || self.is_alone {
            self.queue(visit);
        } else {
            self.settle(visit, serving);
        }
    }

    /// Lets a session do all that it can without a handler.
    #[inline(always)] // see `Session::advance`
    fn drive(&mut self, token: Token, serving: Serving<'_>, limit: u64) {
        let Some(mut visit) = self.sessions.get_mut(token).and_then(Seat::vacate) else {
            rarely();
            return;
        };
        visit.session.is_queued = false;
        visit.session.provide(&mut self.stock);
        visit.next = visit.session.advance(serving.limits, self.stopping.is_some());
        match visit.next {
            Next::Answer(_) if limit > 0 => self.batch.ask(visit),
            _ => self.settle(visit, serving),
        }
    }

    /// Prepares a visit to go out of the loop; its seat is kept.
    #[inline(always)] // it has one caller, and is on the way of each request
    fn depart(&mut self, visit: &mut Visit, limit: u64) {
        // What comes of a body that its method will read is no news for the loop.
        if visit.session.has_open_body() && visit.session.watched != Watched::Not {
            rarely();
            self.poller.remove(visit.session.stream_mut());
            visit.session.watched = Watched::Not;
        }
        // Who comes next, if it is this loop's turn among the others, is as good as here.
        let put_by = self.sessions.len() as u64 + u64::from(self.door.is_queued());
        visit.since = self.clock.now();
        let to_spare = self.life.saturating_sub(put_by);
        visit.allowance = Allowance { limit, to_spare, answered: 0 };
        visit.overran = None;
    }

    /// Does what is left to do with a session, and gives it its seat back.
    #[inline(always)] // nearly always it waits for its client, as before
    fn settle(&mut self, mut visit: Box<Visit>, serving: Serving<'_>) {
        if !(matches!(visit.next, Next::Wait) && visit.session.is_watched()) {
            return self.settle_anew(visit, serving);
        }
        visit.session.give_back(&mut self.stock);
        let now = self.clock.now();
        // An idle time that begins now ends no sooner than that look.
        if !(visit.session.begins_to_idle(now) && now < visit.look_at) {
            self.note_deadline(&mut visit, serving);
        }
        self.seat(visit);
    }

    /// The same for one that has more to do, has not waited yet, or ends.
    #[inline(never)]
    fn settle_anew(&mut self, mut visit: Box<Visit>, serving: Serving<'_>) {
        match visit.next {
            Next::Answer(_) => {
                visit.session.is_queued = true;
                self.unfinished.push_back(visit.token);
                self.seat(visit);
            }
            Next::Wait => {
                if let Err(error) = self.watch(&mut visit) {
                    log_error(format_args!("cannot watch a connection: {error}"));
                    return self.close(visit, serving);
                }
                self.settle(visit, serving);
            }
            Next::Close => self.close(visit, serving),
        }
    }

    /// Has the poller tell of all that a session may wait for.
    fn watch(&self, visit: &mut Visit) -> io::Result<()> {
        let token = visit.token;
        let session = &mut visit.session;
        if session.watched == Watched::Not {
            self.poller.add(session.stream_mut(), token)?;
            session.watched = Watched::Reading;
        }
        if !session.is_watched() {
            self.poller.add_writing(session.stream_mut(), token)?;
            session.watched = Watched::Both;
        }
        Ok(())
    }

    /// Sees to it that somebody looks when this one is late, or before.
    #[inline(never)]
    fn note_deadline(&mut self, visit: &mut Visit, serving: Serving<'_>) {
        let now = self.clock.now();
        let deadline = visit.session.deadline(now, serving.config);
        if now < visit.look_at && visit.look_at <= deadline {
            return;
        }
        visit.look_at = next_look(deadline, now, serving.config);
        self.deadlines.set(visit.token, visit.look_at);
    }

    /// Gives it its seat back: that is kept while it is away, and only `close` and the end of a stop
    /// take one.
    #[inline(always)] // a comparison and a word
    fn seat(&mut self, visit: Box<Visit>) {
        let Some(seat) = self.sessions.get_mut(visit.token) else {
            rarely();
            return;
        };
        // Nobody sits there; to drop somebody would be a call.
        if let Seat::Home(_) = std::mem::replace(seat, Seat::Home(visit)) {
            rarely();
        }
    }

    #[cold]
    fn expire(&mut self, token: Token, serving: Serving<'_>, limit: u64) {
        // One more look before the end: who was only kept waiting by somebody else's handler is not
        // late, and its bytes are here.
        for step in [Session::look_again, Session::expire] {
            // Who is being answered, or is about to be, is not late; it gets a deadline again.
            let Some(Seat::Home(visit)) = self.sessions.get_mut(token) else { return };
            if visit.session.is_queued {
                return;
            }
            let now = self.clock.now();
            let deadline = visit.session.deadline(now, serving.config);
            if now < deadline {
                visit.look_at = next_look(deadline, now, serving.config);
                return self.deadlines.set(token, visit.look_at);
            }
            step(&mut visit.session);
            self.drive(token, serving, limit);
        }
    }

    fn close(&mut self, mut visit: Box<Visit>, serving: Serving<'_>) {
        visit.session.give_back(&mut self.stock);
        self.deadlines.remove(visit.token);
        self.sessions.try_remove(visit.token);
        if let Some(stopping) = &mut self.stopping {
            stopping.closed_idle += u64::from(visit.session.is_idle());
        }
        // Its descriptor is free before the next client is let in.
        drop(visit);
        self.count_out(serving);
    }

    /// A client has left.
    fn count_out(&mut self, serving: Serving<'_>) {
        serving.server.stats.note_closed(1);
        let is_awaited = self.neighbours.leave(self.index);
        if self.door.is_shared() {
            if !self.door.is_queued() {
                self.take_turns();
            }
        } else if is_awaited {
            match self.door.has_listener() {
                true => self.door.make_room(),
                // If that loop has ended, nobody is let in any more.
                false => drop(self.neighbours.mailbox(ACCEPTS).post(Letter::Room)),
            }
        }
    }

    /// Sends what is owed to those whose next turn comes in another run.
    fn send_before_turn(&mut self, serving: Serving<'_>) {
        if self.answered == 0 {
            return;
        }
        for token in std::mem::take(&mut self.unfinished) {
            let seat = self.sessions.get_mut(token);
            let Some(mut visit) = seat.and_then(Seat::vacate) else { continue };
            match visit.session.send() {
                Some(next) => {
                    visit.session.is_queued = false;
                    visit.next = next;
                    self.settle(visit, serving);
                }
                None => {
                    self.unfinished.push_back(token);
                    self.seat(visit);
                }
            }
        }
    }

    fn owes_output(&self) -> bool {
        self.sessions.iter().any(|(_, seat)| match seat {
            Seat::Home(visit) => visit.session.owes_output(),
            Seat::Away(_) => true,
        })
    }

    /// Stops accepting, and closes what is idle.
    #[cold]
    fn begin_stop(&mut self, serving: Serving<'_>) {
        self.stopping = Some(Stopping {
            deadline: self.clock.now() + serving.config.drain_timeout.min(LONGEST),
            answered_before: self.answered,
            closed_idle: 0,
        });
        self.life = u64::MAX;
        self.door.stop_sharing();
        // Who has connected already is served; who has not is turned away.
        for _ in 0..=usize::from(serving.config.request_queue_size) / CLIENTS_IN_A_TURN {
            self.accept(serving);
        }
        self.door.close(&self.poller);
        for (token, seat) in &mut self.sessions {
            // A request may have come that no event has told of yet: it is answered.
            if let Seat::Home(visit) = seat {
                let session = &mut visit.session;
                session.look_again();
                if !session.is_queued {
                    session.is_queued = true;
                    self.fresh.push_back(token);
                }
            }
        }
    }

    /// It has answered all that it may: whether everybody has left. Others accept meanwhile.
    #[cold]
    fn is_worn_out(&mut self, serving: Serving<'_>) -> bool {
        // The others may have ended: who has connected meanwhile is left to the stop.
        if serving.server.is_stopping() {
            return false;
        }
        self.door.close(&self.poller);
        self.sessions.is_empty()
    }

    /// The report of a stop, once everything is drained, or cut.
    #[inline(always)] // mostly nobody stops
    fn end_stop(&mut self, serving: Serving<'_>) -> Option<ShutdownReport> {
        if self.stopping.is_some() { self.end_drained(serving) } else { None }
    }

    /// The same while there is one.
    #[cold]
    fn end_drained(&mut self, serving: Serving<'_>) -> Option<ShutdownReport> {
        let stopping = self.stopping.as_ref()?;
        let (answered_before, closed_idle) = (stopping.answered_before, stopping.closed_idle);
        if self.clock.now() < stopping.deadline {
            // A client may still be on its way here from the loop that accepts.
            if !self.sessions.is_empty() || !self.mailbox().close_if_empty() {
                return None;
            }
        }
        let unread = self.mailbox().close();
        let is_client = |letter: &&Letter| matches!(letter, Letter::Client(..));
        let cut = (self.sessions.len() + unread.iter().filter(is_client).count()) as u64;
        self.sessions.clear();
        serving.server.stats.note_closed(cut);
        self.note_requests(serving);
        let answered = self.answered - answered_before;
        Some(ShutdownReport { answered, closed_idle, cut })
    }
}

/// After so many requests of one connection it is the others' turn.
const REQUESTS_IN_A_TURN: u64 = 32;

/// After so many new clients it is the turn of those who are inside.
const CLIENTS_IN_A_TURN: usize = 256;
