//! A connection's socket while a handler has it: it may wait, with a deadline.
//!
//! This is the only place where a thread blocks for a client: for a body that is too long to be
//! collected first, and for an answer of which more waits than is bearable.

use std::cell::{Cell, OnceCell};
use std::io::{self, IoSlice};
use std::time::{Duration, Instant};

use crate::config::{Config, LONGEST};
use crate::net::poller::{Patience, Stream};
use crate::socket::Socket;

/// A connection's socket as its handler may use it: it waits, with the deadlines of `Config`.
pub(crate) struct HandlerSocket<'a> {
    stream: &'a Stream,
    config: &'a Config,
    has_written: Cell<bool>,
    /// Made when the handler first reads, or waits; hardly any does.
    waits: OnceCell<Box<Waits>>,
}

/// How a handler has waited for its client.
#[derive(Default)]
struct Waits {
    /// When it first asked for more of its body, and how much came since.
    body: Cell<Option<(Instant, u64)>>,
    /// How long it has waited for its client to take bytes, and how many it took then.
    answer: Cell<(Duration, u64)>,
    /// How long the socket waits, if it does.
    blocking: Cell<Option<Patience>>,
}

impl<'a> HandlerSocket<'a> {
    pub(crate) fn new(stream: &'a Stream, config: &'a Config) -> HandlerSocket<'a> {
        HandlerSocket { stream, config, has_written: Cell::new(false), waits: OnceCell::new() }
    }

    fn waits(&self) -> &Waits {
        self.waits.get_or_init(Box::default)
    }

    /// Whether the socket waits.
    fn is_blocking(&self) -> bool {
        self.waits.get().is_some_and(|waits| waits.blocking.get().is_some())
    }

    /// How much longer to wait for the next bytes of the body.
    fn body_patience(&self) -> io::Result<Duration> {
        let body = &self.waits().body;
        let (start, received) = body.get().unwrap_or_else(|| (Instant::now(), 0));
        body.set(Some((start, received)));
        let left = self.config.body_patience(received).checked_sub(start.elapsed());
        Ok(left.ok_or(io::ErrorKind::TimedOut)?.min(self.config.body_timeout))
    }

    /// Writes what the client takes while it is waited for; at least a byte.
    fn write_slowly(&self, bytes: &[u8]) -> io::Result<usize> {
        let (waited, taken) = self.waits().answer.get();
        let left = self.config.write_patience(taken).checked_sub(waited);
        let write = left.ok_or(io::ErrorKind::TimedOut)?.min(self.config.write_timeout);
        self.block(Patience { read: self.config.body_timeout, write })?;
        let start = Instant::now();
        let count = match self.stream.write(&[IoSlice::new(bytes)])? {
            Some(count) => count,
            // A blocked write wakes late: what the client has taken by now counts.
            None => self.try_write(&[IoSlice::new(bytes)])?,
        };
        if count == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.waits().answer.set((waited + start.elapsed(), taken + count as u64));
        Ok(count)
    }

    fn block(&self, patience: Patience) -> io::Result<()> {
        let patience =
            Patience { read: patience.read.min(LONGEST), write: patience.write.min(LONGEST) };
        // Whoever is quick enough has the same patience each time.
        if self.waits().blocking.replace(Some(patience)) == Some(patience) {
            return Ok(());
        }
        self.stream.set_blocking(Some(patience))
    }

    fn unblock(&self) -> io::Result<()> {
        match self.waits.get().and_then(|waits| waits.blocking.take()) {
            Some(_) => self.stream.set_blocking(None),
            None => Ok(()),
        }
    }

    /// Makes the socket fit for its loop again; true if the handler has read from it.
    #[inline]
    pub(crate) fn restore(self) -> bool {
        self.waits.get().is_some() && self.restore_after_waits()
    }

    #[inline(never)]
    fn restore_after_waits(self) -> bool {
        // If it fails, so will the next read of the loop, which then closes it.
        let _ = self.unblock();
        self.waits().body.get().is_some()
    }
}

impl Socket for HandlerSocket<'_> {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.body_patience()?;
        let received = match self.is_blocking() {
            true => None,
            false => self.stream.read(into)?,
        };
        let count = match received {
            Some(count) => count,
            None => {
                self.block(Patience { read, write: self.config.write_timeout })?;
                self.stream.read(into)?.ok_or(io::ErrorKind::TimedOut)?
            }
        };
        let body = &self.waits().body;
        body.set(body.get().map(|(start, received)| (start, received + count as u64)));
        Ok(count)
    }

    fn is_peer_gone(&self) -> bool {
        self.unblock().is_err() || self.stream.is_at_end()
    }

    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.unblock()?;
        let count = self.stream.write(bytes)?.unwrap_or(0);
        self.has_written.set(self.has_written.get() || count > 0);
        Ok(count)
    }

    fn has_written(&self) -> bool {
        self.has_written.get()
    }

    fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        self.has_written.set(true);
        while !bytes.is_empty() {
            let written = match self.is_blocking() {
                true => None,
                false => self.stream.write(&[IoSlice::new(bytes)])?,
            };
            let count = written.map_or_else(|| self.write_slowly(bytes), Ok)?;
            bytes = &bytes[count..];
        }
        Ok(())
    }
}
