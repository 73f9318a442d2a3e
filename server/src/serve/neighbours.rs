//! The loops of one server, as they know each other: how many clients each has, and where to write.
//!
//! One of them accepts, and gives each client to the loop that has the fewest: so they are spread
//! evenly however few they are, which no option of the kernel does.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::serve::mailbox::Mailbox;

/// All loops of a server, and what they may have in all.
pub(crate) struct Neighbours<M> {
    loops: Box<[Neighbour<M>]>,
    max_clients: usize,
    /// The one that accepts waits for a client to leave.
    waits_for_room: AtomicBool,
}

struct Neighbour<M> {
    mailbox: Mailbox<M>,
    clients: AtomicUsize,
}

impl<M> Neighbours<M> {
    pub(crate) fn new(mailboxes: Vec<Mailbox<M>>, max_clients: usize) -> Neighbours<M> {
        let loops = mailboxes
            .into_iter()
            .map(|mailbox| Neighbour { mailbox, clients: AtomicUsize::new(0) })
            .collect();
        Neighbours { loops, max_clients, waits_for_room: AtomicBool::new(false) }
    }

    pub(crate) fn mailboxes(&self) -> impl Iterator<Item = &Mailbox<M>> {
        self.loops.iter().map(|neighbour| &neighbour.mailbox)
    }

    pub(crate) fn mailbox(&self, index: usize) -> &Mailbox<M> {
        &self.loops[index].mailbox
    }

    /// Whether there is no room for another client; then [`leave`](Self::leave) tells when there is.
    pub(crate) fn is_full(&self) -> bool {
        if self.clients() < self.max_clients {
            return false;
        }
        self.waits_for_room.store(true, Ordering::SeqCst);
        // Who has left in between has not seen that.
        self.clients() >= self.max_clients
    }

    /// Counts a client in, at the loop with the fewest; among equals at `nearest`.
    pub(crate) fn choose(&self, nearest: usize) -> usize {
        let clients = |index: usize| self.loops[index].clients.load(Ordering::Relaxed);
        let fewest = |index: &usize| (clients(*index), *index != nearest, *index);
        self.count_in((0..self.loops.len()).min_by_key(fewest).unwrap_or(nearest))
    }

    /// Counts a client in at that loop.
    pub(crate) fn count_in(&self, index: usize) -> usize {
        self.loops[index].clients.fetch_add(1, Ordering::SeqCst);
        index
    }

    /// A client goes to another loop than the one chosen.
    pub(crate) fn move_client(&self, from: usize, to: usize) {
        self.loops[to].clients.fetch_add(1, Ordering::SeqCst);
        self.loops[from].clients.fetch_sub(1, Ordering::SeqCst);
    }

    /// Counts a client out; true if the loop that accepts has to be told.
    pub(crate) fn leave(&self, index: usize) -> bool {
        self.loops[index].clients.fetch_sub(1, Ordering::SeqCst);
        self.waits_for_room.load(Ordering::SeqCst)
            && self.waits_for_room.swap(false, Ordering::SeqCst)
    }

    fn clients(&self) -> usize {
        self.loops.iter().map(|neighbour| neighbour.clients.load(Ordering::SeqCst)).sum()
    }
}

/// The loop that accepts.
pub(crate) const ACCEPTS: usize = 0;

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbours(loops: usize, max_clients: usize) -> Neighbours<()> {
        Neighbours::new((0..loops).map(|_| Mailbox::new(|| {})).collect(), max_clients)
    }

    #[test]
    fn clients_are_spread_evenly() {
        let neighbours = neighbours(3, 100);
        let mut counts = [0; 3];
        for _ in 0..9 {
            counts[neighbours.choose(0)] += 1;
        }
        assert_eq!(counts, [3; 3]);
        neighbours.leave(1);
        assert_eq!(neighbours.choose(0), 1);
    }

    #[test]
    fn who_waits_for_room_is_told_once() {
        let neighbours = neighbours(2, 2);
        assert!(!neighbours.is_full());
        assert_eq!((neighbours.choose(0), neighbours.choose(0)), (0, 1));
        assert!(neighbours.is_full());
        assert!(neighbours.leave(1));
        assert!(!neighbours.leave(0));
        assert!(!neighbours.is_full());
    }
}
