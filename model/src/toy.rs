//! Loops, connections and clients, as simple as they can be and still have the server's races:
//! edges that are told once, events that come while a connection is away, mail, stops.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use shuttle::sync::{Condvar as Bell, Mutex as Lock};
use shuttle::thread::{ThreadId, current, yield_now};

use crate::oracle;
use crate::serve::baton::Lent;
use crate::serve::crew::Trade;
use crate::serve::mailbox::Mailbox;
use crate::serve::sync::Arc;

/// What a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Its handler is done at once.
    Quick,
    /// Its handler takes long.
    Slow,
    /// Its handler takes until the server has ended.
    Kept,
    /// Its handler tells the server to stop.
    Stop,
    /// The server answers it by itself, without a handler.
    NoHandler,
}

/// What a loop waits for: events and wake-ups, counted as the system counts them.
pub(crate) struct Poller {
    state: Lock<Seen>,
    bell: Bell,
}

#[derive(Default)]
struct Seen {
    wakes: usize,
    ready: Vec<usize>,
}

impl Poller {
    fn new() -> Poller {
        Poller { state: Lock::default(), bell: Bell::new() }
    }

    fn wake(&self) {
        self.state.lock().expect("nobody panics").wakes += 1;
        self.bell.notify_one();
    }

    fn tell(&self, token: usize) {
        self.state.lock().expect("nobody panics").ready.push(token);
        self.bell.notify_one();
    }

    fn wait(&self, patience: Patience) -> Vec<usize> {
        let mut state = self.state.lock().expect("nobody panics");
        while patience == Patience::Forever && state.wakes == 0 && state.ready.is_empty() {
            state = self.bell.wait(state).expect("nobody panics");
        }
        state.wakes = 0;
        std::mem::take(&mut state.ready)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    None,
    Forever,
}

/// The way between a client and the server.
pub(crate) struct Wire {
    state: Lock<OnWire>,
    bell: Bell,
}

#[derive(Default)]
struct OnWire {
    requests: VecDeque<Request>,
    sent: usize,
    answered: usize,
    /// The client sends no more.
    has_ended: bool,
    /// The server has closed it.
    is_closed: bool,
    /// Who is told of news, and under which token: its loop, once that has taken it in.
    watcher: Option<(Arc<Poller>, usize)>,
}

impl Wire {
    /// A client's life: bursts of requests, each sent at once; the next when all are answered.
    pub(crate) fn run_client(&self, bursts: &[&[Request]]) {
        for burst in bursts {
            if oracle::chance(oracle::rules().pause) {
                // Long enough for everybody else to come to rest.
                (0..80).for_each(|_| yield_now());
            }
            self.tell_after(|state| {
                state.requests.extend(burst.iter());
                state.sent += burst.len();
            });
            let mut state = self.state.lock().expect("nobody panics");
            while state.answered < state.sent && !state.is_closed {
                state = self.bell.wait(state).expect("nobody panics");
            }
        }
        self.tell_after(|state| {
            state.has_ended = true;
            let is_complete = state.answered == state.sent;
            assert!(is_complete || state.is_closed, "a client has given up");
            assert!(is_complete || oracle::is_stopped(), "a client was cut before any stop");
        });
    }

    /// Does something, of which the loop gets an event.
    fn tell_after(&self, something: impl FnOnce(&mut OnWire)) {
        let mut state = self.state.lock().expect("nobody panics");
        something(&mut state);
        let watcher = state.watcher.clone();
        drop(state);
        if let Some((poller, token)) = watcher {
            poller.tell(token);
        }
    }
}

/// A connection, as the server knows it.
pub(crate) struct Connection {
    id: usize,
    wire: Arc<Wire>,
    /// Something may be there to read.
    is_readable: bool,
    read: usize,
    /// What was read and is not answered.
    requests: VecDeque<(usize, Request)>,
    has_ended: bool,
    /// It ends in order, by its loop.
    is_done: bool,
}

impl Connection {
    fn new(id: usize, wire: Arc<Wire>) -> Connection {
        Connection {
            id,
            wire,
            is_readable: true,
            read: 0,
            requests: VecDeque::new(),
            has_ended: false,
            is_done: false,
        }
    }

    /// Reads what is there, if there may be anything; true if there is something to answer.
    fn advance(&mut self) -> bool {
        if self.is_readable && self.requests.is_empty() {
            let mut state = self.wire.state.lock().expect("nobody panics");
            for request in state.requests.drain(..) {
                oracle::note_read(self.id, self.read);
                self.requests.push_back((self.read, request));
                self.read += 1;
            }
            self.has_ended = state.has_ended;
            self.is_readable = false;
        }
        !self.requests.is_empty()
    }

    fn answer_next(&mut self, shop: &Shop) {
        let Some((number, request)) = self.requests.pop_front() else { return };
        match request {
            Request::Quick | Request::NoHandler => {}
            Request::Slow => (0..6).for_each(|_| yield_now()),
            Request::Kept => shop.wait_for_end(),
            Request::Stop => tell_to_stop(&shop.nets),
        }
        self.reply(number);
    }

    fn reply(&mut self, number: usize) {
        oracle::note_answer(self.id, number);
        self.wire.state.lock().expect("nobody panics").answered += 1;
        self.wire.bell.notify_one();
    }

    fn is_slow(&self) -> bool {
        matches!(self.requests.front(), Some((_, Request::Slow | Request::Kept)))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let may_be_cut = oracle::rules().cut > 0 || oracle::has_given_up();
        assert!(self.is_done || may_be_cut, "connection {} was lost", self.id);
        let owed = oracle::owed(self.id);
        assert!(owed == 0 || may_be_cut, "connection {} ended with {owed} requests owed", self.id);
        self.wire.state.lock().expect("nobody panics").is_closed = true;
        self.wire.bell.notify_one();
    }
}

/// A connection out of its loop.
pub(crate) struct Visit {
    connection: Connection,
    home: usize,
    token: usize,
    is_turned_away: bool,
}

/// A loop.
pub(crate) struct Home {
    index: usize,
    nets: Arc<[Arc<Net>]>,
    seats: Vec<Seat>,
    /// Clients that have connected and are not in any loop yet.
    arrivals: Vec<Arrival>,
    events: Vec<usize>,
    fresh: VecDeque<usize>,
    is_told_to_stop: bool,
    is_stopping: bool,
    has_ended: bool,
    driver: Option<ThreadId>,
    /// Ticks of the watch when it last gave something out of hand.
    ticks: u64,
}

/// A new client, and the loop that is to serve it.
struct Arrival {
    loop_index: usize,
    connection: Connection,
}

enum Seat {
    Home(Connection),
    /// What happened meanwhile.
    Away {
        is_readable: bool,
    },
    Empty,
}

/// How a loop is reached.
pub(crate) struct Net {
    mailbox: Mailbox<Letter>,
    poller: Arc<Poller>,
}

pub(crate) enum Letter {
    Client(Connection),
    Home(Visit),
    Stop,
}

/// What all threads share.
pub(crate) struct Shop {
    nets: Arc<[Arc<Net>]>,
    has_ended: Lock<bool>,
    ended: Bell,
}

/// Loops with so many clients each, what they share, and the clients' ends. The first loop lets all
/// of them in.
pub(crate) fn build(clients: &[usize]) -> (Vec<Home>, Shop, Vec<Arc<Wire>>) {
    let nets: Arc<[Arc<Net>]> = clients.iter().map(|_| Arc::new(Net::new())).collect();
    let mut wires = Vec::new();
    let mut arrivals = Vec::new();
    for (loop_index, count) in clients.iter().enumerate() {
        for _ in 0..*count {
            let wire = Arc::new(Wire { state: Lock::default(), bell: Bell::new() });
            wires.push(Arc::clone(&wire));
            arrivals.push(Arrival { loop_index, connection: Connection::new(wires.len(), wire) });
        }
    }
    let homes = (0..nets.len()).map(|index| Home {
        index,
        nets: Arc::clone(&nets),
        seats: Vec::new(),
        arrivals: std::mem::take(&mut arrivals),
        events: Vec::new(),
        fresh: VecDeque::new(),
        is_told_to_stop: false,
        is_stopping: false,
        has_ended: false,
        driver: None,
        ticks: 0,
    });
    let homes = homes.collect();
    (homes, Shop { nets, has_ended: Lock::new(false), ended: Bell::new() }, wires)
}

impl Net {
    fn new() -> Net {
        let poller = Arc::new(Poller::new());
        let wakes = Arc::clone(&poller);
        Net { mailbox: Mailbox::new(move || wakes.wake()), poller }
    }
}

impl Home {
    fn net(&self) -> &Net {
        &self.nets[self.index]
    }

    fn next(&mut self) -> Option<Visit> {
        loop {
            while let Some(arrival) = self.arrivals.pop() {
                self.settle_in(arrival);
            }
            for token in std::mem::take(&mut self.events) {
                match &mut self.seats[token] {
                    Seat::Home(connection) => {
                        connection.is_readable = true;
                        self.fresh.push_back(token);
                    }
                    Seat::Away { is_readable } => *is_readable = true,
                    Seat::Empty => {}
                }
            }
            while let Some(token) = self.fresh.pop_front() {
                if let Some(visit) = self.go_on(token) {
                    return Some(visit);
                }
            }
            if self.is_told_to_stop && !self.is_stopping {
                self.is_stopping = true;
                for (token, seat) in self.seats.iter_mut().enumerate() {
                    if let Seat::Home(connection) = seat {
                        connection.is_readable = true;
                        self.fresh.push_back(token);
                    }
                }
                continue;
            }
            if self.is_stopping && self.has_drained() {
                self.has_ended = true;
                return None;
            }
            self.wait();
        }
    }

    /// Finds a place for a new client: in its loop, or here if that has ended.
    fn settle_in(&mut self, Arrival { loop_index, connection }: Arrival) {
        if loop_index == self.index {
            return self.admit(connection);
        }
        let letter = Letter::Client(connection);
        if let Err(Letter::Client(connection)) = self.nets[loop_index].mailbox.post(letter) {
            self.admit(connection);
        }
    }

    fn admit(&mut self, connection: Connection) {
        let token = self.seats.len();
        let watcher = (Arc::clone(&self.net().poller), token);
        connection.wire.state.lock().expect("nobody panics").watcher = Some(watcher);
        self.seats.push(Seat::Home(connection));
        // As the poller tells of what is there when it begins to watch.
        self.fresh.push_back(token);
    }

    fn go_on(&mut self, token: usize) -> Option<Visit> {
        let seat = std::mem::replace(&mut self.seats[token], Seat::Empty);
        let Seat::Home(mut connection) = seat else {
            self.seats[token] = seat;
            return None;
        };
        if connection.advance() {
            self.seats[token] = Seat::Away { is_readable: false };
            return Some(Visit { connection, home: self.index, token, is_turned_away: false });
        }
        if connection.has_ended || self.is_stopping {
            connection.is_done = true;
        } else {
            self.seats[token] = Seat::Home(connection);
        }
        None
    }

    fn has_drained(&mut self) -> bool {
        if oracle::chance(oracle::rules().cut) {
            drop(self.net().mailbox.close());
            return true;
        }
        let is_empty = self.seats.iter().all(|seat| matches!(seat, Seat::Empty));
        is_empty && self.net().mailbox.close_if_empty()
    }

    fn wait(&mut self) {
        let mut patience = Patience::Forever;
        if self.is_stopping && oracle::rules().cut > 0 {
            yield_now();
            patience = Patience::None;
        }
        if patience == Patience::Forever && !self.net().mailbox.may_sleep() {
            patience = Patience::None;
        }
        self.events = self.net().poller.wait(patience);
        let mut letters = Vec::new();
        if !self.net().mailbox.is_quiet() {
            self.net().mailbox.collect(&mut letters);
        }
        for letter in letters {
            match letter {
                Letter::Client(connection) => self.admit(connection),
                Letter::Home(mut visit) => {
                    visit.connection.is_readable = true;
                    self.welcome(visit);
                }
                Letter::Stop => self.is_told_to_stop = true,
            }
        }
    }

    fn welcome(&mut self, visit: Visit) {
        let Visit { mut connection, token, is_turned_away, .. } = visit;
        if is_turned_away && let Some((number, _)) = connection.requests.pop_front() {
            connection.reply(number);
        }
        match std::mem::replace(&mut self.seats[token], Seat::Empty) {
            Seat::Away { is_readable } => connection.is_readable |= is_readable,
            _ => panic!("a connection comes home where none was away"),
        }
        self.seats[token] = Seat::Home(connection);
        self.fresh.push_back(token);
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        assert!(self.has_ended || oracle::has_given_up(), "loop {} was lost", self.index);
    }
}

impl Shop {
    /// Tells the loops to stop, without a hold on what they are part of.
    pub(crate) fn stop_from_outside(&self) -> impl Fn() + Send + 'static {
        let nets = Arc::clone(&self.nets);
        move || tell_to_stop(&nets)
    }

    /// The server has ended: handlers that wait for that go on.
    pub(crate) fn end(&self) {
        *self.has_ended.lock().expect("nobody panics") = true;
        self.ended.notify_all();
    }

    fn wait_for_end(&self) {
        let mut has_ended = self.has_ended.lock().expect("nobody panics");
        while !*has_ended {
            has_ended = self.ended.wait(has_ended).expect("nobody panics");
        }
    }
}

fn tell_to_stop(nets: &[Arc<Net>]) {
    oracle::note_stop();
    for net in nets {
        let _ = net.mailbox.post(Letter::Stop);
    }
}

impl Trade for Shop {
    type Home = Home;
    type Visit = Visit;
    type Desk = ();

    fn desk(&self) {}

    fn next(&self, home: &mut Home) -> Option<Visit> {
        let here = Some(current().id());
        if home.driver != here {
            if home.driver.is_some() {
                assert!(oracle::ticks() > home.ticks, "a loop was taken over before a whole tick");
                oracle::begin_alone();
            }
            oracle::note_return();
        }
        home.driver = here;
        let visit = home.next()?;
        home.ticks = oracle::ticks();
        oracle::note_departure();
        Some(visit)
    }

    fn may_be_slow(&self, visit: &Visit) -> bool {
        !matches!(visit.connection.requests.front(), Some((_, Request::NoHandler)))
    }

    fn is_slow(&self, visit: &Visit) -> bool {
        // A mark is only ever a guess.
        visit.connection.is_slow() && oracle::chance(40)
    }

    fn answer(&self, visit: &mut Visit, _: &mut (), lent: Lent<'_>) {
        // Nothing is received while the loop is lent.
        while !visit.connection.requests.is_empty() && lent.seems_open() {
            visit.connection.answer_next(self);
        }
    }

    fn welcome(&self, home: &mut Home, visit: Visit) {
        oracle::note_return();
        home.welcome(visit);
    }

    fn overran(&self, _: &mut Visit, _: &()) {
        oracle::end_alone();
    }

    fn send_owed(&self, _: &mut Visit) -> bool {
        true
    }

    fn answer_slowly(&self, visit: &mut Visit, _: &mut ()) {
        oracle::begin_alone();
        visit.connection.answer_next(self);
        // Its handler may have read on.
        visit.connection.advance();
        oracle::end_alone();
    }

    fn post(&self, visit: Visit) {
        let _ = self.nets[visit.home].mailbox.post(Letter::Home(visit));
    }

    fn turn_away(&self, mut visit: Visit) {
        visit.is_turned_away = true;
        self.post(visit);
    }

    fn give_up(&self, _: io::Error) {
        oracle::give_up();
        tell_to_stop(&self.nets);
    }

    fn patience(&self) -> Duration {
        if oracle::chance(oracle::rules().overdue) { Duration::ZERO } else { Duration::MAX }
    }

    fn is_busy(&self) -> bool {
        oracle::chance(oracle::rules().overdue)
    }

    fn begin(&self, _: usize, _: &mut Home, _: &(), _: bool) {}

    fn wants_processor(&self, _: usize) -> bool {
        oracle::chance(oracle::rules().runs)
    }

    fn note_waiting(&self) {
        oracle::note_waiting(1);
        oracle::note_return();
    }

    fn note_served(&self) {
        oracle::note_waiting(-1);
    }
}
