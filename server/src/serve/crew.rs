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
//! The watch looks at every loop once a tick, and less often where nothing is slow. A loan that it
//! has seen a tick before keeps its driver too long, or a few ticks before, if the driver only wants
//! a processor: a spare thread takes the loop over. What a loop and a connection are is said by the
//! [`Trade`]; here is only who may touch them when.

use std::io;
use std::time::{Duration, Instant};

use crate::serve::baton::{Baton, Lent, Loan, Sight};
use crate::serve::pool::{Ended, Hands, Pool, Task};
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

    /// Sends what is owed to a client, before its next request has to wait; false if it is gone.
    fn send_owed(&self, visit: &mut Self::Visit) -> bool;

    /// Answers while the loop is `lent`; ends early where that seems to be over.
    fn answer(&self, visit: &mut Self::Visit, desk: &mut Self::Desk, lent: Lent<'_>);

    /// Gives a connection back to its loop, which is at hand: its answers are sent when those of the
    /// connections that were heard with it are there, or when that takes too long.
    fn welcome(&self, home: &mut Self::Home, visit: Self::Visit);

    /// The loop was taken over while this was answered here: sends the answer, and notes what took
    /// so long.
    fn overran(&self, visit: &mut Self::Visit, desk: &Self::Desk);

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

    /// Whether the threads there are want a processor that they do not get.
    fn is_busy(&self) -> bool;

    /// Loop number `index` is this thread's from here on. If `is_taken_over`, a handler keeps the
    /// thread that had it before, and what the loop owes is sent first.
    fn begin(&self, index: usize, home: &mut Self::Home, desk: &Self::Desk, is_taken_over: bool);

    /// Whether the thread that drives that loop, or has lent it, only wants a processor: then it may
    /// be others that keep it, and not its handler.
    fn wants_processor(&self, index: usize) -> bool;

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
            pool: Pool::new(max_handlers, AT_ONCE * loops),
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
            seen.push(Seen { sight: baton.look(), again: 0, is_told: true });
            let hired = self.hire(self.pool.enlist(seen.len() - 1, loan));
            if let Err(error) = hired
                && seen.len() == 1
            {
                // Without a single thread nothing would ever be done.
                let words = format!("cannot start a thread: {error}");
                return self.trade.give_up(io::Error::new(error.kind(), words));
            }
        }
        self.watch(seen);
        // What nobody has answered by now is cut.
        for visit in self.pool.close() {
            self.trade.note_served();
            drop(visit);
        }
    }

    /// Starts the thread that is missing.
    ///
    /// Where that fails, its work waits for a thread that becomes free; besides, the watch tries
    /// again at every tick.
    fn hire(self: &Arc<Crew<T>>, hands: Hands) -> io::Result<()> {
        if hands == Hands::Enough {
            return Ok(());
        }
        let number = self.names.fetch_add(1, Ordering::Relaxed) + 1;
        let crew = Arc::clone(self);
        let started = start(format!("Thread-{number}"), move || crew.work());
        if started.is_err() {
            self.pool.not_started();
        }
        started
    }

    /// The life of a thread.
    fn work(self: &Arc<Crew<T>>) {
        // Handlers cannot get here with a panic: this one is ours.
        let alarm = Alarm { crew: self };
        let mut desk = self.trade.desk();
        let mut ended = Ended::Nothing;
        loop {
            ended = match self.pool.next(ended) {
                Task::TakeOver { index, loan, counted } => match self.batons[index].take(loan) {
                    Some(mut home) => {
                        self.trade.begin(index, &mut home, &desk, counted);
                        self.drive(index, home, &mut desk)
                    }
                    None if counted => Ended::Handler,
                    None => Ended::Task,
                },
                Task::Answer(mut visit) => {
                    self.trade.note_served();
                    self.trade.answer_slowly(&mut visit, &mut desk);
                    self.trade.post(visit);
                    Ended::Handler
                }
                Task::Leave => break,
            };
        }
        std::mem::forget(alarm);
    }

    /// Drives a loop until it ends, or is taken over.
    fn drive(self: &Arc<Crew<T>>, index: usize, mut home: T::Home, desk: &mut T::Desk) -> Ended {
        let baton = &self.batons[index];
        let mut at_hand = AtHand { crew: self, is_lent: false };
        while let Some(mut visit) = self.trade.next(&mut home) {
            let has_no_room = self.pool.is_full() && self.trade.may_be_slow(&visit);
            if has_no_room || self.trade.is_slow(&visit) {
                self.give_away(visit, &mut home);
                continue;
            }
            at_hand.is_lent = true;
            let loan = baton.lend(home);
            self.watch.wake();
            self.trade.answer(&mut visit, desk, baton.lent(loan));
            match baton.take(loan) {
                Some(back) => {
                    home = back;
                    at_hand.is_lent = false;
                    self.trade.welcome(&mut home, visit);
                }
                None => {
                    self.trade.overran(&mut visit, desk);
                    self.trade.post(visit);
                    return Ended::Handler;
                }
            }
        }
        drop(home);
        Ended::Task
    }

    /// Has another thread answer.
    #[cold]
    fn give_away(self: &Arc<Crew<T>>, mut visit: T::Visit, home: &mut T::Home) {
        if !self.trade.send_owed(&mut visit) {
            return self.trade.welcome(home, visit);
        }
        self.trade.note_waiting();
        let _ = self.hire(self.pool.answer(visit, Instant::now()));
        // It may wait longer than it should, and only the watch sees that.
        self.watch.wake();
    }

    /// Hands loops on whose drivers are kept, until no loop is left.
    fn watch(self: &Arc<Crew<T>>, mut seen: Vec<Seen>) {
        let mut calm = Calm::default();
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
                let is_slow = seen.iter().any(|seen| seen.is_told) || self.pool.waiting() > 0;
                let is_lent = seen.iter().any(|seen| seen.sight.is_lent());
                tick(calm.pause(is_slow, is_lent));
            }
        }
    }

    /// Looks at everything once; false if there is nothing to look after.
    fn look(self: &Arc<Crew<T>>, seen: &mut [Seen]) -> bool {
        let mut is_lively = false;
        for (index, (baton, seen)) in self.batons.iter().zip(seen).enumerate() {
            let sight = baton.look();
            is_lively |= sight.is_lively_since(seen.sight);
            if let Some(loan) = seen.look(sight, || self.trade.wants_processor(index)) {
                let _ = self.hire(self.pool.take_over(index, loan));
            }
        }
        let now = Instant::now();
        while let Some(visit) = self.pool.overdue(now, self.trade.patience()) {
            self.trade.note_served();
            self.trade.turn_away(visit);
        }
        // What could not be started a tick ago may be possible now, or worth it.
        let missing = self.pool.call_again(|| self.trade.is_busy());
        for _ in 0..missing {
            let _ = self.hire(Hands::OneMore);
        }
        is_lively || self.pool.waiting() > 0
    }
}

/// What the watch has seen of a loop.
struct Seen {
    sight: Sight,
    /// How many looks have seen the same loan again.
    again: u32,
    /// Whether it has told the pool of that loan.
    is_told: bool,
}

impl Seen {
    /// Takes in another look: the loan to hand on, once, if its driver is kept by a handler.
    fn look(&mut self, sight: Sight, wants_processor: impl FnOnce() -> bool) -> Option<Loan> {
        let Some(loan) = sight.still_open_since(self.sight) else {
            *self = Seen { sight, again: 0, is_told: false };
            return None;
        };
        self.again = self.again.saturating_add(1);
        if self.is_told || (self.again < LOOKS_AT_A_RUNNER && wants_processor()) {
            return None;
        }
        self.is_told = true;
        Some(loan)
    }
}

/// How long nothing has been slow. Each look takes a processor from those who work.
#[derive(Default)]
struct Calm {
    looks: u32,
}

impl Calm {
    /// How long until the next look, after one that has seen these.
    fn pause(&mut self, is_slow: bool, is_lent: bool) -> Duration {
        self.looks = if is_slow { 0 } else { self.looks.saturating_add(1) };
        match self.looks < CALM_LOOKS || is_lent {
            true => TICK,
            false => CALM_TICK,
        }
    }
}

impl Watch {
    fn wake(&self) {
        if self.is_asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

/// A loop on the stack of its driver. When that is left the loop has ended, in a panic too, unless
/// it is lent.
struct AtHand<'a, T: Trade> {
    crew: &'a Crew<T>,
    is_lent: bool,
}

impl<T: Trade> Drop for AtHand<'_, T> {
    fn drop(&mut self) {
        if !self.is_lent && self.crew.homes.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.crew.watch.wake();
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
        self.crew.pool.lose();
    }
}

/// Threads for each loop, its driver among them, that are started as they are needed.
const AT_ONCE: usize = 4;

/// The time between two looks at a loan: what is lent for longer is handed on, if its driver waits.
const TICK: Duration = Duration::from_millis(1);

/// So many looks have to see a loan again whose driver wants a processor, and nothing else: that may
/// have been taken from the driver and the watch alike, for as long as the host of a virtual machine
/// likes, and the watch be the first to get it back.
const LOOKS_AT_A_RUNNER: u32 = 8;

/// How long the watch looks away while nothing is slow, and no loan was open when it last looked.
const CALM_TICK: Duration = Duration::from_millis(5);

/// After so many looks in a row that have seen nothing slow it is calm: a quarter of a second of
/// work, or more.
const CALM_LOOKS: u32 = 250;

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;
    use std::sync::Mutex;

    use super::*;

    /// One loop panics, here or there; the others end when they are told that something is broken.
    struct Panics {
        in_answer: bool,
        given_up: Mutex<Vec<String>>,
    }

    /// A loop: its number, and whether it has given something out of hand.
    type Loop = (usize, bool);

    impl Trade for Panics {
        type Home = Loop;
        type Visit = ();
        type Desk = ();

        fn desk(&self) {}

        fn next(&self, (number, has_begun): &mut Loop) -> Option<()> {
            if *number == 0 && !*has_begun {
                *has_begun = true;
                if !self.in_answer {
                    resume_unwind(Box::new("ours"));
                }
                return Some(());
            }
            while self.given_up.lock().unwrap().is_empty() {
                std::thread::yield_now();
            }
            None
        }

        fn answer(&self, _: &mut (), _: &mut (), _: Lent<'_>) {
            resume_unwind(Box::new("ours"));
        }

        fn give_up(&self, error: io::Error) {
            self.given_up.lock().unwrap().push(error.to_string());
        }

        fn may_be_slow(&self, _: &()) -> bool {
            true
        }

        fn is_slow(&self, _: &()) -> bool {
            false
        }

        fn send_owed(&self, _: &mut ()) -> bool {
            true
        }

        fn welcome(&self, _: &mut Loop, _: ()) {}
        fn overran(&self, _: &mut (), _: &()) {}
        fn answer_slowly(&self, _: &mut (), _: &mut ()) {}
        fn is_busy(&self) -> bool {
            false
        }
        fn post(&self, _: ()) {}
        fn turn_away(&self, _: ()) {}

        fn patience(&self) -> Duration {
            Duration::MAX
        }

        fn begin(&self, _: usize, _: &mut Loop, _: &(), _: bool) {}

        fn wants_processor(&self, _: usize) -> bool {
            false
        }

        fn note_waiting(&self) {}
        fn note_served(&self) {}
    }

    #[test]
    fn the_watch_looks_less_often_where_nothing_is_slow() {
        let mut calm = Calm::default();
        for _ in 1..CALM_LOOKS {
            assert_eq!(calm.pause(false, false), TICK);
        }
        assert_eq!(calm.pause(false, false), CALM_TICK);
        assert_eq!(calm.pause(false, true), TICK, "what is lent now is looked at again soon");
        assert_eq!(calm.pause(false, false), CALM_TICK);
        assert_eq!(calm.pause(true, false), TICK);
        assert_eq!(calm.pause(false, false), TICK, "and from then on for a while");
    }

    #[test]
    fn a_loan_is_handed_on_once_and_later_where_its_driver_only_wants_a_processor() {
        let baton = Baton::new();
        let unseen = || Seen { sight: Sight::default(), again: 0, is_told: false };

        let (mut seen, loan) = (unseen(), baton.lend(()));
        assert_eq!(seen.look(baton.look(), || panic!("it may just have been lent")), None);
        assert_eq!(seen.look(baton.look(), || false), Some(loan));
        assert_eq!(seen.look(baton.look(), || panic!("that is known")), None);

        let mut seen = unseen();
        for _ in 0..LOOKS_AT_A_RUNNER {
            assert_eq!(seen.look(baton.look(), || true), None);
        }
        assert_eq!(seen.look(baton.look(), || true), Some(loan));

        baton.take(loan);
        assert_eq!(seen.look(baton.look(), || false), None);
        let loan = baton.lend(());
        assert_eq!(seen.look(baton.look(), || true), None);
        assert_eq!(seen.look(baton.look(), || true), None, "what another loan was is forgotten");
        assert_eq!(seen.look(baton.look(), || false), Some(loan));
    }

    #[test]
    fn a_panic_of_ours_ends_the_server_with_an_error_and_keeps_nobody_waiting() {
        for in_answer in [false, true] {
            let trade = Panics { in_answer, given_up: Mutex::default() };
            let crew = Crew::new(trade, 2, 1);
            crew.run(vec![(0, false), (1, false)]);
            let given_up = crew.trade.given_up.lock().unwrap();
            assert_eq!(*given_up, ["a thread of the server panicked"], "in answer: {in_answer}");
        }
    }
}
