//! Stopping a server from elsewhere: the request, the wait, and the report.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::net::poller::Waker;

/// What a shutdown came to.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Requests answered after the server was told to stop.
    pub answered: u64,
    /// Connections without a request under way, which were closed at once.
    pub closed_idle: u64,
    /// Connections that were still busy after `Config::drain_timeout`, and were cut.
    pub cut: u64,
}

/// Stops a server from another thread, or from inside a handler (Python: `shutdown`).
///
/// ```
/// use std::thread;
/// use basehttp::{HttpServer, handler_fn};
///
/// # fn main() -> std::io::Result<()> {
/// let server = HttpServer::bind("127.0.0.1:0", handler_fn(|_http| "hello"))?;
/// let stop = server.shutdown_handle();
/// let stopper = thread::spawn(move || stop.shutdown());
/// server.serve_forever()?;
/// let report = stopper.join().unwrap();
/// assert_eq!(report.cut, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ShutdownHandle {
    shared: Arc<Shared>,
}

/// What a server and its handles share.
struct Shared {
    waker: Waker,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    stop: bool,
    serving: Option<ThreadId>,
    report: ShutdownReport,
}

impl ShutdownHandle {
    pub(crate) fn new(waker: Waker) -> ShutdownHandle {
        let shared = Shared { waker, state: Mutex::default(), ended: Condvar::new() };
        ShutdownHandle { shared: Arc::new(shared) }
    }

    /// Stops the server, and waits until it has stopped.
    ///
    /// It stops accepting, closes idle connections, answers the requests under way with
    /// `Connection: close`, and after `Config::drain_timeout` cuts what is left. Inside a handler it
    /// does not wait, since the handler is one of those under way: the server stops after its
    /// answer, and the report is empty. A server that is not serving yet will stop at once when it
    /// begins.
    pub fn shutdown(&self) -> ShutdownReport {
        let mut state = self.state();
        state.stop = true;
        self.shared.waker.wake();
        while state.serving.is_some_and(|serving| serving != thread::current().id()) {
            state = self.shared.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.serving.is_some() { ShutdownReport::default() } else { state.report }
    }

    /// Whether the server has been told to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.state().stop
    }

    /// This thread serves from now on, until the guard is dropped.
    pub(crate) fn serving(&self) -> Serving<'_> {
        self.state().serving = Some(thread::current().id());
        Serving { handle: self, report: ShutdownReport::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShutdownHandle").field("stopping", &self.is_stopping()).finish()
    }
}

/// A server at work; its end is reported to those who wait for it, however it comes.
pub(crate) struct Serving<'a> {
    handle: &'a ShutdownHandle,
    pub(crate) report: ShutdownReport,
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let mut state = self.handle.state();
        state.serving = None;
        state.report = self.report;
        self.handle.shared.ended.notify_all();
    }
}
