//! A connection's socket while a handler has it: it may wait, with a deadline.
//!
//! This is the only place where a thread blocks for a client: for a body that is too long to be
//! collected first, and for an answer of which more waits than is bearable.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::time::{Duration, Instant};

use crate::config::{Config, LONGEST};
use crate::net::poller::{Patience, Stream};
use crate::socket::Socket;

/// A connection's socket as its handler may use it: it waits, with the deadlines of `Config`.
pub(crate) struct HandlerSocket<'a> {
    stream: &'a Stream,
    config: &'a Config,
    /// When the handler first waited for its body, and how much came since.
    body: Cell<Option<(Instant, u64)>>,
    is_blocking: Cell<bool>,
    has_written: Cell<bool>,
}

impl<'a> HandlerSocket<'a> {
    pub(crate) fn new(stream: &'a Stream, config: &'a Config) -> HandlerSocket<'a> {
        HandlerSocket {
            stream,
            config,
            body: Cell::new(None),
            is_blocking: Cell::new(false),
            has_written: Cell::new(false),
        }
    }

    /// How much longer the body may take.
    fn body_patience(&self) -> io::Result<Duration> {
        let (start, received) = self.body.get().unwrap_or_else(|| (Instant::now(), 0));
        self.body.set(Some((start, received)));
        let allowed = self.config.body_patience(received);
        allowed.checked_sub(start.elapsed()).ok_or_else(|| io::ErrorKind::TimedOut.into())
    }

    fn block(&self, read: Duration) -> io::Result<()> {
        self.is_blocking.set(true);
        let write = self.config.write_timeout.min(LONGEST);
        self.stream.set_blocking(Some(Patience { read, write }))
    }

    fn unblock(&self) -> io::Result<()> {
        match self.is_blocking.replace(false) {
            true => self.stream.set_blocking(None),
            false => Ok(()),
        }
    }

    /// Makes the socket fit for its loop again; true if the handler has read from it.
    pub(crate) fn restore(&self) -> bool {
        // If it fails, so will the next read of the loop, which then closes it.
        let _ = self.unblock();
        self.body.get().is_some()
    }
}

impl Socket for HandlerSocket<'_> {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let patience = self.body_patience()?;
        let received = match self.is_blocking.get() {
            true => None,
            false => self.stream.read(into)?,
        };
        let count = match received {
            Some(count) => count,
            None => {
                self.block(patience)?;
                self.stream.read(into)?.ok_or(io::ErrorKind::TimedOut)?
            }
        };
        if let Some((start, received)) = self.body.get() {
            self.body.set(Some((start, received + count as u64)));
        }
        Ok(count)
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
            let written = match self.stream.write(&[IoSlice::new(bytes)])? {
                Some(count) => count,
                // A blocked write wakes late: what the client has taken by now counts.
                None if self.is_blocking.get() => match self.try_write(&[IoSlice::new(bytes)])? {
                    0 => return Err(io::ErrorKind::TimedOut.into()),
                    count => count,
                },
                None => {
                    self.block(self.config.body_timeout.min(LONGEST))?;
                    continue;
                }
            };
            bytes = &bytes[written..];
        }
        Ok(())
    }
}
