//! Spare threads: they take over a loop whose driver is kept by a handler, or answer for one
//! connection whose handler is known to take long.
//!
//! Two limits are kept here. A loop that waits for a driver always gets one, however many handlers
//! run. Handlers that run without a loop are `max_handlers` at most; beyond, requests wait in order.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::serve::baton::Loan;
use crate::serve::sync::{AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, lock, wait, wait_for};

/// The threads of a server, and what waits for them.
pub(crate) struct Pool<V> {
    state: Mutex<State<V>>,
    /// There is something to do, or nothing will be.
    work: Condvar,
    /// A thread has left.
    left: Condvar,
    /// Handlers that run without a loop. It is changed under the lock, and read without.
    handlers: AtomicUsize,
    max_handlers: usize,
    at_once: usize,
}

struct State<V> {
    /// Loops that wait for a driver.
    take_overs: VecDeque<TakeOver>,
    /// Connections that wait for a handler, and since when.
    visits: VecDeque<(V, Instant)>,
    threads: usize,
    /// Threads that do nothing yet: they wait for work, or are on their way here.
    free: usize,
    /// Those of them that wait, with the one that was woken and has not come yet.
    asleep: usize,
    /// Whether one of those was told to come.
    call: Call,
    is_closed: bool,
}

/// What became of the last call for a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// Somebody has come since, or nobody was called.
    Answered,
    /// Nobody has come.
    Open,
    /// Nobody had come when the watch last looked.
    Late,
}

/// A loop that waits for a driver: which, the loan to take, and whether a handler keeps its lender.
struct TakeOver {
    index: usize,
    loan: Loan,
    counted: bool,
}

/// What a spare thread does next.
pub(crate) enum Task<V> {
    /// Take the loop, if that loan is still open, and drive it. Its lender is `counted` among the
    /// handlers that run without a loop: if the loan is not open any more, come back with
    /// [`Ended::Handler`].
    TakeOver { index: usize, loan: Loan, counted: bool },
    /// Answer; then come back with [`Ended::Handler`].
    Answer(V),
    /// Nothing, for good.
    Leave,
}

/// What a thread has done before it comes for its next task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing: it has just been started.
    Nothing,
    /// A task, and no handler ran without a loop at its end.
    Task,
    /// A handler that ran without a loop.
    Handler,
}

/// Whether a thread is missing: who asks has to start it, or say [`Pool::not_started`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hands {
    Enough,
    OneMore,
}

impl<V> Pool<V> {
    /// `at_once` threads are started as they are needed; those beyond only when the watch says so.
    pub(crate) fn new(max_handlers: usize, at_once: usize) -> Pool<V> {
        let state = State {
            take_overs: VecDeque::new(),
            visits: VecDeque::new(),
            threads: 0,
            free: 0,
            asleep: 0,
            call: Call::Answered,
            is_closed: false,
        };
        Pool {
            state: Mutex::new(state),
            work: Condvar::new(),
            left: Condvar::new(),
            handlers: AtomicUsize::new(0),
            max_handlers: max_handlers.max(1),
            at_once,
        }
    }

    /// Whether as many handlers run without a loop as may. Then a loop must not be lent to one
    /// more: should that keep it, there would be one too many.
    pub(crate) fn is_full(&self) -> bool {
        self.handlers.load(Ordering::Relaxed) >= self.max_handlers
    }

    /// Has a spare thread drive a loop that never had a driver.
    pub(crate) fn enlist(&self, index: usize, loan: Loan) -> Hands {
        self.hand_on(TakeOver { index, loan, counted: false })
    }

    /// Has a spare thread take a loop over from a driver whom a handler keeps.
    pub(crate) fn take_over(&self, index: usize, loan: Loan) -> Hands {
        self.hand_on(TakeOver { index, loan, counted: true })
    }

    fn hand_on(&self, take_over: TakeOver) -> Hands {
        let mut state = lock(&self.state);
        state.take_overs.push_back(take_over);
        self.call(state)
    }

    /// Has a spare thread answer.
    pub(crate) fn answer(&self, visit: V, now: Instant) -> Hands {
        let mut state = lock(&self.state);
        state.visits.push_back((visit, now));
        self.call(state)
    }

    /// There is new work: for one more thread, or for one that is free.
    fn call(&self, mut state: MutexGuard<'_, State<V>>) -> Hands {
        let hands = self.hands(&mut state);
        self.release(state);
        hands
    }

    /// Gives the lock back, and wakes a thread if there is something for one.
    ///
    /// One at a time: who comes wakes the next. Meanwhile those that have done their tasks take
    /// what waits, and a switch of threads is saved for each that need not be woken.
    fn release(&self, mut state: MutexGuard<'_, State<V>>) {
        let calls = state.call == Call::Answered && state.asleep > 0 && self.runnable(&state) > 0;
        if calls {
            state.call = Call::Open;
        }
        drop(state);
        if calls {
            self.work.notify_one();
        }
    }

    /// How many threads the watch has to start: those that could not be started before, and those
    /// that were not, since there were many already. Not more than there are, so that their number
    /// doubles at most from tick to tick; and for connections none at all where `is_busy`: where
    /// threads wait for a processor already, more of them would not do more.
    pub(crate) fn call_again(&self, is_busy: impl FnOnce() -> bool) -> usize {
        let mut state = lock(&self.state);
        self.look_after_call(&mut state);
        let missing = self.runnable(&state).saturating_sub(state.free);
        if missing == 0 {
            return 0;
        }
        let urgent = state.take_overs.len().min(missing);
        let more = (missing - urgent).min(state.threads.max(1));
        let count = urgent + if more == 0 || is_busy() { 0 } else { more };
        state.threads += count;
        state.free += count;
        count
    }

    /// Whoever was called and does not come is kept from a processor by other programs: the others
    /// for whom there is work are not to wait for that.
    fn look_after_call(&self, state: &mut State<V>) {
        match state.call {
            Call::Answered => {}
            Call::Open => state.call = Call::Late,
            Call::Late => {
                for _ in 0..self.runnable(state).min(state.asleep) {
                    self.work.notify_one();
                }
            }
        }
    }

    /// A thread is needed where there is more work than free threads, not only where none is free:
    /// those that are free will come for the work before this, each waking the next.
    fn hands(&self, state: &mut State<V>) -> Hands {
        if self.runnable(state) <= state.free {
            return Hands::Enough;
        }
        // A burst of short work is done before so many threads would have begun.
        if state.take_overs.is_empty() && state.threads >= self.at_once {
            return Hands::Enough;
        }
        state.threads += 1;
        state.free += 1;
        Hands::OneMore
    }

    /// The thread that was called for could not be started. The work waits for another, or until it
    /// is [called for again](Self::call_again).
    pub(crate) fn not_started(&self) {
        self.leave(lock(&self.state));
    }

    /// A thread that was free is no more.
    fn leave(&self, mut state: MutexGuard<'_, State<V>>) {
        state.free -= 1;
        state.threads -= 1;
        debug_assert!(state.free <= state.threads, "who is free is a thread");
        self.left.notify_all();
    }

    /// A thread was lost in the middle of its task.
    pub(crate) fn lose(&self) {
        lock(&self.state).threads -= 1;
        self.left.notify_all();
    }

    /// Waits for something to do, and takes it. `ended` is what the thread comes from: it is free
    /// from here on, and its handler is counted out.
    pub(crate) fn next(&self, ended: Ended) -> Task<V> {
        let mut state = lock(&self.state);
        state.free += usize::from(ended != Ended::Nothing);
        if ended == Ended::Handler {
            self.handlers.fetch_sub(1, Ordering::Relaxed);
        }
        let mut has_waited = false;
        loop {
            if let Some(TakeOver { index, loan, counted }) = state.take_overs.pop_front() {
                // Counted before its loop is taken, so that who drives that loop then knows.
                self.handlers.fetch_add(usize::from(counted), Ordering::Relaxed);
                self.engage(state);
                return Task::TakeOver { index, loan, counted };
            }
            if !self.is_full()
                && let Some((visit, _)) = state.visits.pop_front()
            {
                self.handlers.fetch_add(1, Ordering::Relaxed);
                self.engage(state);
                return Task::Answer(visit);
            }
            if state.is_closed || has_waited {
                self.leave(state);
                return Task::Leave;
            }
            state.asleep += 1;
            (state, has_waited) = wait_for(&self.work, state, SPARE);
            state.asleep -= 1;
            state.call = Call::Answered;
        }
    }

    /// This thread has work now; if there is more, the next one is woken.
    fn engage(&self, mut state: MutexGuard<'_, State<V>>) {
        state.free -= 1;
        self.release(state);
    }

    /// The oldest connection that has waited for a handler for so long, if there is one.
    pub(crate) fn overdue(&self, now: Instant, patience: Duration) -> Option<V> {
        let mut state = lock(&self.state);
        let (_, since) = state.visits.front()?;
        if now.saturating_duration_since(*since) < patience {
            return None;
        }
        state.visits.pop_front().map(|(visit, _)| visit)
    }

    /// Connections that wait for a handler.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.state).visits.len()
    }

    /// No loop is left: threads without work go, and what waits is given up.
    ///
    /// Returns when only those are left that a handler keeps.
    pub(crate) fn close(&self) -> Vec<V> {
        let mut state = lock(&self.state);
        state.is_closed = true;
        state.take_overs.clear();
        let given_up = state.visits.drain(..).map(|(visit, _)| visit).collect();
        self.work.notify_all();
        while state.threads > self.handlers.load(Ordering::Relaxed) {
            state = wait(&self.left, state);
        }
        given_up
    }

    /// What a free thread could begin with at once.
    fn runnable(&self, state: &State<V>) -> usize {
        let room = self.max_handlers.saturating_sub(self.handlers.load(Ordering::Relaxed));
        state.take_overs.len() + state.visits.len().min(room)
    }
}

/// How long a thread without work is kept.
const SPARE: Duration = Duration::from_secs(10);
