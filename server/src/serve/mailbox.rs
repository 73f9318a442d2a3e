//! What other threads leave for a loop, and how they wake it.

use crate::serve::sync::{AtomicBool, Mutex, Ordering, lock};

/// Letters to one loop.
pub(crate) struct Mailbox<M> {
    state: Mutex<State<M>>,
    /// The loop has looked, nothing has come since, and whoever leaves a letter has to wake it. It
    /// is changed under the lock, and the loop reads it without: where there is no mail, it takes no
    /// lock.
    must_wake: AtomicBool,
    wake: Box<dyn Fn() + Send + Sync>,
}

struct State<M> {
    letters: Vec<M>,
    /// The loop has ended.
    is_closed: bool,
}

impl<M> Mailbox<M> {
    /// `wake` ends a sleep of the loop, or the next one if it is awake.
    pub(crate) fn new(wake: impl Fn() + Send + Sync + 'static) -> Mailbox<M> {
        let state = State { letters: Vec::new(), is_closed: false };
        Mailbox {
            state: Mutex::new(state),
            must_wake: AtomicBool::new(false),
            wake: Box::new(wake),
        }
    }

    /// Leaves a letter; it comes back if the loop has ended.
    pub(crate) fn post(&self, letter: M) -> Result<(), M> {
        let mut state = lock(&self.state);
        if state.is_closed {
            return Err(letter);
        }
        state.letters.push(letter);
        let must_wake = self.must_wake.load(Ordering::Relaxed);
        self.must_wake.store(false, Ordering::Release);
        drop(state);
        // One call is enough for all the letters until the loop looks.
        if must_wake {
            (self.wake)();
        }
        Ok(())
    }

    /// Takes all letters out, the oldest first.
    pub(crate) fn collect(&self, into: &mut Vec<M>) {
        into.append(&mut lock(&self.state).letters);
    }

    /// Whether the loop may sleep: from here on a letter wakes it. False if there is one already.
    pub(crate) fn may_sleep(&self) -> bool {
        if self.is_quiet() {
            return true;
        }
        let state = lock(&self.state);
        let is_empty = state.letters.is_empty();
        self.must_wake.store(is_empty, Ordering::Relaxed);
        is_empty
    }

    /// Whether nothing has come since the loop last looked. For the loop alone: only it sets
    /// `must_wake`, so what it reads is late at most by a letter that is about to wake it.
    pub(crate) fn is_quiet(&self) -> bool {
        self.must_wake.load(Ordering::Acquire)
    }

    /// The loop ends, unless there is a letter that it has to read first.
    pub(crate) fn close_if_empty(&self) -> bool {
        let mut state = lock(&self.state);
        if state.letters.is_empty() {
            state.is_closed = true;
        }
        state.is_closed
    }

    /// The loop ends: what has come and nobody will read, and nothing comes after it.
    pub(crate) fn close(&self) -> Vec<M> {
        let mut state = lock(&self.state);
        state.is_closed = true;
        std::mem::take(&mut state.letters)
    }
}
