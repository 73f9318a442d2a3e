//! Tokens, readiness, wait and wake: mio, for the rest of the crate.
//!
//! Readiness is edge-triggered: it is told once, and again only after a read or a write has found
//! nothing more to do. Every connection is registered once for reading, and again for both directions
//! when a write to it first blocks: the first event of most would say no more than that they can be
//! written to.

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Interest, Poll};
use socket2::SockRef;

use crate::rarely::rarely;

/// Names a registered socket; handed back with its events.
pub(crate) type Token = usize;

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// Somebody called [`Waker::wake`].
    Woken,
    /// Clients may be waiting.
    Acceptable,
    Ready {
        token: Token,
        readiness: Readiness,
    },
}

/// What can be done with a socket.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Readiness {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// The peer has ended its side, or the connection is broken: a short read is not the end.
    pub(crate) ending: bool,
}

impl Readiness {
    /// Adds what was seen later.
    pub(crate) fn merge(&mut self, later: Readiness) {
        self.readable |= later.readable;
        self.writable |= later.writable;
        self.ending |= later.ending;
    }
}

/// Waits for sockets.
pub(crate) struct Poller {
    poll: Poll,
    events: Events,
    waker: Waker,
}

/// Wakes a [`Poller`] from anywhere.
#[derive(Clone)]
pub(crate) struct Waker(Arc<mio::Waker>);

impl Poller {
    pub(crate) fn new() -> io::Result<Poller> {
        let poll = Poll::new()?;
        let waker = Waker(Arc::new(mio::Waker::new(poll.registry(), WAKER)?));
        Ok(Poller { poll, events: Events::with_capacity(EVENTS), waker })
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    pub(crate) fn add_listener(&self, listener: &mut mio::net::TcpListener) -> io::Result<()> {
        self.poll.registry().register(listener, LISTENER, Interest::READABLE)
    }

    /// Its descriptor, and the number of a listener in its events, for what mio does not do.
    #[cfg(target_os = "linux")]
    pub(crate) fn as_raw_fd(&self) -> (std::os::fd::RawFd, u64) {
        (std::os::fd::AsRawFd::as_raw_fd(&self.poll), LISTENER.0 as u64)
    }

    pub(crate) fn remove_listener(&self, listener: &mut mio::net::TcpListener) {
        // It is about to be closed, which removes it as well.
        let _ = self.poll.registry().deregister(listener);
    }

    /// Tells when there is something to read, and what there is already.
    pub(crate) fn add(&self, stream: &mut Stream, token: Token) -> io::Result<()> {
        self.poll.registry().register(&mut stream.0, mio::Token(token), Interest::READABLE)
    }

    /// From here on tells as well when it can be written to a stream that has been added, and at once
    /// if it can.
    pub(crate) fn add_writing(&self, stream: &mut Stream, token: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().reregister(&mut stream.0, mio::Token(token), both)
    }

    #[cfg(unix)]
    pub(crate) fn add_pipe(&self, pipe: &mut Pipe, token: Token) -> io::Result<()> {
        self.poll.registry().register(&mut pipe.0, mio::Token(token), Interest::READABLE)
    }

    /// Tells no more of a stream; [`add`](Self::add) tells of what it then has.
    pub(crate) fn remove(&self, stream: &mut Stream) {
        // If it fails, so will the next use of the stream.
        let _ = self.poll.registry().deregister(&mut stream.0);
    }

    /// Waits until something happens or `patience` is over, and puts it into `into`.
    #[inline(always)] // see `Session::advance`
    pub(crate) fn wait(
        &mut self,
        patience: Option<Duration>,
        into: &mut Vec<Event>,
    ) -> io::Result<()> {
        match self.poll.poll(&mut self.events, patience) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        into.extend(self.events.iter().map(|event| match event.token() {
            WAKER => Event::Woken,
            LISTENER => Event::Acceptable,
            mio::Token(token) => {
                let ending = event.is_read_closed() || event.is_error();
                let readiness = Readiness {
                    readable: event.is_readable() || ending,
                    writable: event.is_writable() || event.is_error(),
                    ending,
                };
                Event::Ready { token, readiness }
            }
        }));
        Ok(())
    }
}

impl Waker {
    pub(crate) fn wake(&self) {
        // It fails only when the poller is gone, and then nobody sleeps.
        let _ = self.0.wake();
    }
}

/// A connected socket that does not block unless it is told to.
pub(crate) struct Stream(mio::net::TcpStream);

impl Stream {
    pub(crate) fn new(stream: mio::net::TcpStream) -> Stream {
        Stream(stream)
    }

    /// Reads what is there; `WouldBlock` is `None`.
    pub(crate) fn read(&self, into: &mut [u8]) -> io::Result<Option<usize>> {
        unless_blocked(|| receive(&self.0, into))
    }

    /// Writes what the kernel takes at once; `WouldBlock` is `None`.
    pub(crate) fn write(&self, bytes: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        unless_blocked(|| match bytes {
            [bytes] => send(&self.0, bytes),
            bytes => (&self.0).write_vectored(bytes),
        })
    }

    /// Whether the peer has ended its side, or reset the connection, and nothing is left to read.
    pub(crate) fn is_at_end(&self) -> bool {
        !matches!(unless_blocked(|| self.0.peek(&mut [0])), Ok(None | Some(1..)))
    }

    /// Tells the peer that nothing more will come.
    pub(crate) fn end_writing(&self) {
        // A connection that is broken already needs no telling.
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }

    /// Has the connection end with a reset, once it is dropped: what was sent is no whole answer.
    pub(crate) fn reset_on_close(&self) {
        // If it fails, the connection is gone already.
        let _ = SockRef::from(&self.0).set_linger(Some(Duration::ZERO));
    }

    /// Makes reads and writes wait, so long at the most, or not wait at all.
    pub(crate) fn set_blocking(&self, patience: Option<Patience>) -> io::Result<()> {
        let socket = SockRef::from(&self.0);
        match patience {
            None => socket.set_nonblocking(true),
            Some(patience) => {
                socket.set_read_timeout(Some(patience.read.max(SHORTEST_WAIT)))?;
                socket.set_write_timeout(Some(patience.write.max(SHORTEST_WAIT)))?;
                socket.set_nonblocking(false)
            }
        }
    }

    /// Sends small answers at once (Python: `disable_nagle_algorithm`).
    pub(crate) fn set_nodelay(&self) -> io::Result<()> {
        self.0.set_nodelay(true)
    }
}

/// One end of a pair of sockets that another process has the other end of; it does not block.
#[cfg(unix)]
pub(crate) struct Pipe(mio::net::UnixStream);

#[cfg(unix)]
impl Pipe {
    pub(crate) fn new(socket: std::os::unix::net::UnixStream) -> io::Result<Pipe> {
        socket.set_nonblocking(true)?;
        Ok(Pipe(mio::net::UnixStream::from_std(socket)))
    }

    /// Reads what is there; `WouldBlock` is `None`.
    pub(crate) fn read(&self, into: &mut [u8]) -> io::Result<Option<usize>> {
        unless_blocked(|| (&self.0).read(into))
    }

    /// Lets the other end read to the end.
    pub(crate) fn end_writing(&self) {
        // If it fails, there is nobody at the other end.
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }
}

/// As `Read::read`, but straight to the kernel: in a process with threads the C library makes each
/// such call a place where its thread may be cancelled, at the price of two locked instructions.
#[cfg(target_os = "linux")]
fn receive(socket: &mio::net::TcpStream, into: &mut [u8]) -> io::Result<usize> {
    let (_, count) = rustix::net::recv(socket, into, rustix::net::RecvFlags::empty())?;
    Ok(count)
}

/// As `Write::write`, and as [`receive`].
#[cfg(target_os = "linux")]
fn send(socket: &mio::net::TcpStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(socket, bytes, rustix::net::SendFlags::NOSIGNAL)?)
}

#[cfg(not(target_os = "linux"))]
fn receive(mut socket: &mio::net::TcpStream, into: &mut [u8]) -> io::Result<usize> {
    socket.read(into)
}

#[cfg(not(target_os = "linux"))]
fn send(mut socket: &mio::net::TcpStream, bytes: &[u8]) -> io::Result<usize> {
    socket.write(bytes)
}

/// How long a blocking socket waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    pub(crate) read: Duration,
    pub(crate) write: Duration,
}

/// Runs a system call again while signals interrupt it.
fn unless_blocked(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        return match call() {
            Ok(count) => Ok(Some(count)),
            Err(error) => {
                rarely();
                match error.kind() {
                    io::ErrorKind::WouldBlock => Ok(None),
                    io::ErrorKind::Interrupted => continue,
                    _ => Err(error),
                }
            }
        };
    }
}

const WAKER: mio::Token = mio::Token(usize::MAX);
const LISTENER: mio::Token = mio::Token(usize::MAX - 1);

/// Events taken at a time; those beyond wait in the kernel for the next.
const EVENTS: usize = 1024;

/// 0 would mean to wait for ever.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
