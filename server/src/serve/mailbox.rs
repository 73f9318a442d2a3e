//! What other threads leave for a loop, and how they wake it.

use crate::serve::sync::{Mutex, lock};

/// Letters to one loop.
pub(crate) struct Mailbox<M> {
    state: Mutex<State<M>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

struct State<M> {
    letters: Vec<M>,
    recipient: Recipient,
}

/// What the loop is about to do, as far as its post is concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recipient {
    /// It will look before it sleeps.
    Awake,
    /// It has looked, and has to be woken.
    Asleep,
    /// It has ended.
    Gone,
}

impl<M> Mailbox<M> {
    /// `wake` ends a sleep of the loop, or the next one if it is awake.
    pub(crate) fn new(wake: impl Fn() + Send + Sync + 'static) -> Mailbox<M> {
        let state = State { letters: Vec::new(), recipient: Recipient::Awake };
        Mailbox { state: Mutex::new(state), wake: Box::new(wake) }
    }

    /// Leaves a letter; it comes back if the loop has ended.
    pub(crate) fn post(&self, letter: M) -> Result<(), M> {
        let mut state = lock(&self.state);
        let was = state.recipient;
        if was == Recipient::Gone {
            return Err(letter);
        }
        state.letters.push(letter);
        state.recipient = Recipient::Awake;
        drop(state);
        // One call is enough for all the letters of one sleep.
        if was == Recipient::Asleep {
            (self.wake)();
        }
        Ok(())
    }

    /// Takes all letters out, the oldest first; the loop is awake from here on.
    pub(crate) fn collect(&self, into: &mut Vec<M>) {
        let mut state = lock(&self.state);
        if state.recipient == Recipient::Asleep {
            state.recipient = Recipient::Awake;
        }
        into.append(&mut state.letters);
    }

    /// Whether the loop may sleep: from here on a letter wakes it. False if there is one already.
    pub(crate) fn may_sleep(&self) -> bool {
        let mut state = lock(&self.state);
        let is_empty = state.letters.is_empty();
        if is_empty && state.recipient == Recipient::Awake {
            state.recipient = Recipient::Asleep;
        }
        is_empty
    }

    /// The loop ends, unless there is a letter that it has to read first.
    pub(crate) fn close_if_empty(&self) -> bool {
        let mut state = lock(&self.state);
        if state.letters.is_empty() {
            state.recipient = Recipient::Gone;
        }
        state.recipient == Recipient::Gone
    }

    /// The loop ends: what has come and nobody will read, and nothing comes after it.
    pub(crate) fn close(&self) -> Vec<M> {
        let mut state = lock(&self.state);
        state.recipient = Recipient::Gone;
        std::mem::take(&mut state.letters)
    }
}
