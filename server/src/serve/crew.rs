//! The threads of a server: who drives which loop, and what becomes of those whom a handler keeps.
//!
//! ```text
//!   drive a loop ──lend, call the handler──▶ loan open:  take the loop back, drive on
//!        ▲                                   loan taken: finish the one connection, mail it home
//!        │ take over                                                      │
//!   spare thread ◀────────────────────────────────────────────────────────┘
//!        └── answer for one connection, mail it home
//! ```
//!
//! The watch looks at every loop once a tick. A loan that it has seen a tick before keeps its driver
//! too long: a spare thread takes the loop over. What a loop and a connection are is said by the
//! [`Trade`]; here is only who may touch them when.

use std::io;
use std::time::{Duration, Instant};

use crate::serve::baton::{Baton, Sight};
use crate::serve::pool::{Hands, Pool, Task};
use crate::serve::sync::{
    Arc, AtomicBool, AtomicUsize, Ordering, Thread, current, park, start, tick,
};

/// What the threads of a crew do.
pub(crate) trait Trade: Send + Sync + 'static {
    /// A loop.
    type Home: Send + 'static;
    /// A connection outside of its loop, with something to answer.
    type Visit: Send + 'static;
    /// What a thread keeps to answer with.
    type Desk;

    fn desk(&self) -> Self::Desk;

    /// Goes on with the loop until something is to be answered; `None` when the loop has ended.
    fn next(&self, home: &mut Self::Home) -> Option<Self::Visit>;

    /// Whether this may take long at all: whether a method is to answer it, and not the server.
    fn may_be_slow(&self, visit: &Self::Visit) -> bool;

    /// Whether this is known to take long.
    fn is_slow(&self, visit: &Self::Visit) -> bool;

    /// Answers, with the loop lent; ends early where `is_lent` says that the loan is no longer open.
    fn answer(&self, visit: &mut Self::Visit, desk: &mut Self::Desk, is_lent: impl Fn() -> bool);

    /// Gives a connection back to its loop, which is at hand.
    fn welcome(&self, home: &mut Self::Home, visit: Self::Visit);

    /// The loop was taken over while this was answered: it is known to take long from now on.
    fn overran(&self, visit: &Self::Visit);

    /// Answers what is known to take long, without a loop.
    fn answer_slowly(&self, visit: &mut Self::Visit, desk: &mut Self::Desk);

    /// Mails a connection to its loop.
    fn post(&self, visit: Self::Visit);

    /// Mails a connection to its loop, to be refused: nobody had time for it.
    fn turn_away(&self, visit: Self::Visit);

    /// Something is broken: all loops have to end.
    fn give_up(&self, error: io::Error);

    /// How long a connection may wait for a handler.
    fn patience(&self) -> Duration;

    /// A loop was taken over.
    fn note_take_over(&self);

    /// A connection waits for a handler.
    fn note_waiting(&self);

    /// One waits no longer, whatever becomes of it.
    fn note_served(&self);
}

/// The threads of a server.
pub(crate) struct Crew<T: Trade> {
    pub(crate) trade: T,
    batons: Box<[Baton<T::Home>]>,
    pool: Pool<T::Visit>,
    /// Loops that have not ended.
    homes: AtomicUsize,
    watch: Watch,
    /// Threads started so far: each has a number in its name.
    names: AtomicUsize,
}

/// The thread that looks at the loans; it sleeps while there are none.
struct Watch {
    thread: Thread,
    is_asleep: AtomicBool,
}

impl<T: Trade> Crew<T> {
    /// A crew for so many loops; this thread will be its watch.
    pub(crate) fn new(trade: T, loops: usize, max_handlers: usize) -> Arc<Crew<T>> {
        Arc::new(Crew {
            trade,
            batons: (0..loops).map(|_| Baton::new()).collect(),
            pool: Pool::new(max_handlers),
            homes: AtomicUsize::new(0),
            watch: Watch { thread: current(), is_asleep: AtomicBool::new(false) },
            names: AtomicUsize::new(0),
        })
    }

    /// Drives all the loops, until each of them has ended.
    pub(crate) fn run(self: &Arc<Crew<T>>, homes: Vec<T::Home>) {
        self.homes.store(homes.len(), Ordering::SeqCst);
        let mut seen = Vec::new();
        for (baton, home) in self.batons.iter().zip(homes) {
            // Nobody is about to take this loan back: it is there for the first driver.
            let loan = baton.lend(home);
            seen.push(Seen { sight: baton.look(), is_told: true });
            self.hire(self.pool.enlist(seen.len() - 1, loan));
        }
        self.watch(seen);
        // What nobody has answered by now is cut.
        for visit in self.pool.close() {
            self.trade.note_served();
            drop(visit);
        }
    }

    /// Starts the thread that is missing.
    fn hire(self: &Arc<Crew<T>>, hands: Hands) {
        if hands == Hands::Enough {
            return;
        }
        let number = self.names.fetch_add(1, Ordering::Relaxed) + 1;
        let crew = Arc::clone(self);
        if let Err(error) = start(format!("Thread-{number}"), move || crew.work())
            && self.pool.not_started()
        {
            // Without a single thread nothing would ever be done.
            let words = format!("cannot start a thread: {error}");
            self.trade.give_up(io::Error::new(error.kind(), words));
            self.homes.store(0, Ordering::SeqCst);
            self.watch.wake();
        }
    }

    /// The life of a thread.
    fn work(self: &Arc<Crew<T>>) {
        // Handlers cannot get here with a panic: this one is ours.
        let alarm = Alarm { crew: self };
        let mut desk = self.trade.desk();
        loop {
            match self.pool.next() {
                Task::TakeOver { index, loan, counted } => match self.batons[index].take(loan) {
                    Some(home) => {
                        if counted {
                            self.trade.note_take_over();
                        }
                        self.drive(index, home, &mut desk);
                    }
                    None if counted => self.pool.end_handler(),
                    None => {}
                },
                Task::Answer(mut visit) => {
                    self.trade.note_served();
                    self.trade.answer_slowly(&mut visit, &mut desk);
                    self.trade.post(visit);
                    self.pool.end_handler();
                }
                Task::Leave => break,
            }
            self.pool.free();
        }
        std::mem::forget(alarm);
    }

    /// Drives a loop until it ends, or is taken over.
    fn drive(self: &Arc<Crew<T>>, index: usize, mut home: T::Home, desk: &mut T::Desk) {
        let baton = &self.batons[index];
        while let Some(mut visit) = self.trade.next(&mut home) {
            let has_no_room = self.pool.is_full() && self.trade.may_be_slow(&visit);
            if has_no_room || self.trade.is_slow(&visit) {
                self.trade.note_waiting();
                let hands = self.pool.answer(visit, Instant::now());
                self.hire(hands);
                // It may wait longer than it should, and only the watch sees that.
                self.watch.wake();
                continue;
            }
            let loan = baton.lend(home);
            self.watch.wake();
            self.trade.answer(&mut visit, desk, || baton.seems_open(loan));
            match baton.take(loan) {
                Some(back) => {
                    home = back;
                    self.trade.welcome(&mut home, visit);
                }
                None => {
                    self.trade.overran(&visit);
                    self.trade.post(visit);
                    self.pool.end_handler();
                    return;
                }
            }
        }
        drop(home);
        self.loop_ended();
    }

    fn loop_ended(&self) {
        if self.homes.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.watch.wake();
        }
    }

    /// Hands loops on whose drivers are kept, until no loop is left.
    fn watch(self: &Arc<Crew<T>>, mut seen: Vec<Seen>) {
        while self.homes.load(Ordering::SeqCst) > 0 {
            let mut is_lively = self.look(&mut seen);
            if !is_lively {
                self.watch.is_asleep.store(true, Ordering::SeqCst);
                // What was lent before that was said has nobody else to look after it.
                is_lively = self.look(&mut seen);
                if !is_lively && self.homes.load(Ordering::SeqCst) > 0 {
                    park();
                }
                self.watch.is_asleep.store(false, Ordering::SeqCst);
            }
            // Between two looks at the same loan there is always a tick.
            if is_lively {
                tick(TICK);
            }
        }
    }

    /// Looks at everything once; false if there is nothing to look after.
    fn look(self: &Arc<Crew<T>>, seen: &mut [Seen]) -> bool {
        let mut is_lively = false;
        for (index, (baton, seen)) in self.batons.iter().zip(seen).enumerate() {
            let sight = baton.look();
            is_lively |= sight.is_lively_since(seen.sight);
            if let Some(loan) = sight.still_open_since(seen.sight) {
                if !seen.is_told {
                    self.hire(self.pool.take_over(index, loan));
                }
                seen.is_told = true;
            } else {
                *seen = Seen { sight, is_told: false };
            }
        }
        let now = Instant::now();
        while let Some(visit) = self.pool.overdue(now, self.trade.patience()) {
            self.trade.note_served();
            self.trade.turn_away(visit);
        }
        is_lively || self.pool.waiting() > 0
    }
}

/// What the watch has seen of a loop, and whether it has told the pool of the loan.
struct Seen {
    sight: Sight,
    is_told: bool,
}

impl Watch {
    fn wake(&self) {
        if self.is_asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

/// Dropped only in a panic: a server that has lost a loop must not look like one that is well.
struct Alarm<'a, T: Trade> {
    crew: &'a Crew<T>,
}

impl<T: Trade> Drop for Alarm<'_, T> {
    fn drop(&mut self) {
        self.crew.trade.give_up(io::Error::other("a thread of the server panicked"));
        self.crew.homes.store(0, Ordering::SeqCst);
        self.crew.watch.wake();
    }
}

/// How long a handler may keep its loop, twice over.
const TICK: Duration = Duration::from_millis(1);
