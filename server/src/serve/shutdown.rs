//! Stopping a server from elsewhere: the request, the wait, and the report.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::peer::ServerInfo;

/// What a shutdown came to.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Requests answered after a loop of the server had heard of the stop. With one thread that is
    /// busy then, it hears when the request under way is answered, which is not among them.
    pub answered: u64,
    /// Connections without a request under way, which were closed.
    pub closed_idle: u64,
    /// Connections that were still busy after `Config::drain_timeout`, and were cut.
    pub cut: u64,
}

impl ShutdownReport {
    /// Adds what another loop of the server came to.
    pub(crate) fn add(&mut self, other: ShutdownReport) {
        self.answered += other.answered;
        self.closed_idle += other.closed_idle;
        self.cut += other.cut;
    }
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
///
/// A handler is there before its server; so it gets the handle afterwards (Python:
/// `self.server.shutdown`):
///
/// ```no_run
/// use std::sync::{Arc, OnceLock};
/// use basehttp::{HttpServer, ShutdownHandle, http_handler};
///
/// #[derive(Default)]
/// struct Admin {
///     stop: OnceLock<ShutdownHandle>,
/// }
///
/// #[http_handler]
/// impl Admin {
///     fn do_POST(&self) -> &'static str {
///         if let Some(stop) = self.stop.get() {
///             stop.shutdown();
///         }
///         "goodbye\n"
///     }
/// }
///
/// fn main() -> std::io::Result<()> {
///     let admin = Arc::new(Admin::default());
///     let server = HttpServer::bind("localhost:8080", Arc::clone(&admin))?;
///     admin.stop.set(server.shutdown_handle()).expect("it is set once");
///     server.serve_forever()
/// }
/// ```
#[derive(Clone)]
pub struct ShutdownHandle {
    shared: Arc<Shared>,
}

/// What a server and its handles share.
struct Shared {
    /// Tells its loops.
    tell: Box<dyn Fn() + Send + Sync>,
    server: ServerInfo,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    is_serving: bool,
    /// The threads that call its handlers.
    threads: Vec<ThreadId>,
    report: ShutdownReport,
}

impl ShutdownHandle {
    /// `tell` lets every loop of `server` know that it has to stop.
    pub(crate) fn new(
        server: &ServerInfo,
        tell: impl Fn() + Send + Sync + 'static,
    ) -> ShutdownHandle {
        let shared = Shared {
            tell: Box::new(tell),
            server: server.clone(),
            state: Mutex::default(),
            ended: Condvar::new(),
        };
        ShutdownHandle { shared: Arc::new(shared) }
    }

    /// Stops the server, and waits until it has stopped.
    ///
    /// It stops accepting, closes the connections that are idle and stay so for a moment (50 to
    /// 100 ms: a busy client's next request gets in), answers the requests under way with
    /// `Connection: close`, and after `Config::drain_timeout` cuts what is left. Inside a handler it
    /// does not wait, since the handler is one of those under way: the server stops after its
    /// answer, and the report is empty. Nor does it wait for a server that is not serving yet, which
    /// will stop at once when it begins.
    pub fn shutdown(&self) -> ShutdownReport {
        self.tell();
        let mut state = self.state();
        let here = thread::current().id();
        while state.is_serving && !state.threads.contains(&here) {
            state = self.shared.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_serving { ShutdownReport::default() } else { state.report }
    }

    /// Tells the server to stop, and does not wait.
    pub(crate) fn tell(&self) {
        self.shared.server.stop();
        (self.shared.tell)();
    }

    /// The server serves from now on, until the guard is dropped.
    pub(crate) fn serving(&self) -> AtWork<'_> {
        self.state().is_serving = true;
        AtWork { handle: self, report: ShutdownReport::default() }
    }

    /// This thread calls handlers from now on, until the guard is dropped.
    pub(crate) fn member(&self) -> Member {
        self.state().threads.push(thread::current().id());
        Member { handle: self.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShutdownHandle")
            .field("stopping", &self.shared.server.is_stopping())
            .finish()
    }
}

/// A server at work; its end is reported to those who wait for it, however it comes.
pub(crate) struct AtWork<'a> {
    handle: &'a ShutdownHandle,
    pub(crate) report: ShutdownReport,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        let mut state = self.handle.state();
        state.is_serving = false;
        state.report = self.report;
        self.handle.shared.ended.notify_all();
    }
}

/// A thread that calls handlers.
pub(crate) struct Member {
    handle: ShutdownHandle,
}

impl Drop for Member {
    fn drop(&mut self) {
        let here = thread::current().id();
        self.handle.state().threads.retain(|thread| *thread != here);
    }
}
