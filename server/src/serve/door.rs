//! Who is let in: the listener, and when it is asked.
//!
//! ```text
//!             nobody is waiting
//!     ┌─────────────────────────────────────┐
//!     ▼           more than fit one turn    │
//!   Open ──an event──▶ asked ─────────────▶ Ajar ──the next turn──▶ asked
//!     ▲                  │ └─ as many as may be ▶ Shut ─ one leaves ─▶ Ajar
//!     └──── a stop       └─── out of descriptors ▶ Jammed ─ 100 ms ─▶ asked
//! ```

use std::io;
use std::time::{Duration, Instant};

use crate::logging::log_error;
use crate::net::listener::{Accepted, Listener};
use crate::net::poller::{Poller, Stream};
use crate::peer::PeerAddress;
#[cfg(unix)]
use crate::serve::fork;

/// The way into a loop; into all of a server's loops, where it has several.
pub(crate) struct Door {
    /// Only the first loop of a server has one.
    listener: Option<Listener>,
    state: State,
    /// Other processes accept from the same listener, one client at a time.
    is_shared: bool,
}

/// When clients are let in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// When an event tells of them.
    Open,
    /// In the next turn: there are more of them than fit this one, or there is room again.
    Ajar,
    /// When one has left: as many are inside as may be.
    Shut,
    /// Later: the system has run out of descriptors.
    Jammed { until: Instant },
}

impl Door {
    /// Watches `listener`, if there is one.
    pub(crate) fn new(mut listener: Option<Listener>, poller: &Poller) -> io::Result<Door> {
        if let Some(listener) = &mut listener {
            listener.register(poller)?;
        }
        Ok(Door { listener, state: State::Open, is_shared: false })
    }

    /// Shares the listener with other processes.
    ///
    /// Each of them lets in one client, and queues up behind the others for the next: or the first
    /// to wake would take all those who come together, and all would wake for one. Who has queued
    /// up takes whoever comes, since nobody else is told.
    #[cfg(unix)]
    pub(crate) fn share(&mut self, poller: &Poller) -> io::Result<()> {
        self.is_shared = true;
        match &mut self.listener {
            Some(listener) => fork::queue_up(poller, listener),
            None => Ok(()),
        }
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Whether the next client may have been promised to this process already.
    pub(crate) fn is_queued(&self) -> bool {
        self.is_shared && self.state != State::Shut
    }

    /// Whether this is the server's way in, rather than that of a neighbour.
    pub(crate) fn has_listener(&self) -> bool {
        self.listener.is_some()
    }

    /// When it is to be opened without an event; `None` while that is not known.
    pub(crate) fn opens(&self, now: Instant) -> Option<Instant> {
        match self.state {
            State::Open | State::Shut => None,
            State::Ajar => Some(now),
            State::Jammed { until } => Some(until),
        }
    }

    /// Lets in one client, if one is waiting and not as many are inside as may be.
    pub(crate) fn open(
        &mut self,
        is_full: impl FnOnce() -> bool,
        now: Instant,
    ) -> Option<(Stream, PeerAddress)> {
        let listener = self.listener.as_ref()?;
        if !self.is_shared && is_full() {
            self.state = State::Shut;
            return None;
        }
        match listener.accept() {
            Accepted::Connection(stream, address) => return Some((stream, address.into())),
            Accepted::Nobody => self.state = State::Open,
            Accepted::Exhausted(error) => {
                if !matches!(self.state, State::Jammed { .. }) {
                    log_error(format_args!("cannot accept connections: {error}"));
                }
                self.state = State::Jammed { until: now + AGAIN };
            }
        }
        None
    }

    /// More may be waiting: those who are inside have their turn, and then they.
    pub(crate) fn leave_ajar(&mut self) {
        self.state = State::Ajar;
    }

    /// Somebody has left: there is room again.
    pub(crate) fn make_room(&mut self) {
        if self.state == State::Shut {
            self.state = State::Ajar;
        }
    }

    /// Lets the other processes go first, and leaves their queue for as long as there is no room.
    pub(crate) fn take_turns(&mut self, has_room: bool, poller: &Poller) {
        self.state = if has_room { State::Open } else { State::Shut };
        #[cfg(not(unix))]
        let _ = poller; // there are no other processes
        #[cfg(unix)]
        if let Some(listener) = &mut self.listener {
            let queued = match has_room {
                true => fork::queue_up(poller, listener),
                false => fork::leave_queue(poller, listener),
            };
            if let Err(error) = queued {
                log_error(format_args!("cannot wait for connections: {error}"));
            }
            // Whoever has been woken for the next client gets to it before this one comes round.
            std::thread::yield_now();
        }
    }

    /// Asks without regard to other processes: this one is about to close.
    pub(crate) fn stop_sharing(&mut self) {
        self.is_shared = false;
    }

    /// Nobody is let in any more; who waits in the kernel's queue is turned away.
    pub(crate) fn close(&mut self, poller: &Poller) {
        self.state = State::Open;
        if let Some(listener) = self.listener.take() {
            listener.close(poller);
        }
    }
}

/// How soon to try again where the system has no descriptor left.
const AGAIN: Duration = Duration::from_millis(100);
