//! What a server counts.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::http::error::BadRequest;

/// What a server has counted so far: `server.stats()`, or `http.server.stats()` in a handler.
///
/// It stays live after the server has begun to serve, in any thread; each number is read by itself,
/// without a lock, so two of them need not fit together to the last request. Each worker of a
/// [`ForkingHttpServer`](crate::ForkingHttpServer) counts for itself: there it is
/// `http.server.stats()` alone.
///
/// ```
/// use basehttp::{HttpServer, handler_fn};
///
/// # fn main() -> std::io::Result<()> {
/// let server = HttpServer::bind("127.0.0.1:0", handler_fn(|_http| "hello"))?;
/// let stats = server.stats();
/// assert_eq!((stats.open_connections(), stats.requests()), (0, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Stats(Arc<Counters>);

#[derive(Default)]
struct Counters {
    connections: AtomicU64,
    closed: AtomicU64,
    requests: AtomicU64,
    take_overs: AtomicU64,
    panics: AtomicU64,
    refused: [AtomicU64; REASONS],
    turned_away: AtomicU64,
    waiting: AtomicU64,
}

impl Stats {
    /// Connections accepted.
    pub fn connections(&self) -> u64 {
        self.0.connections.load(Ordering::Relaxed)
    }

    /// Connections that are open now.
    pub fn open_connections(&self) -> u64 {
        // In this order, so that the difference is never below zero.
        let closed = self.0.closed.load(Ordering::Acquire);
        self.connections().saturating_sub(closed)
    }

    /// Requests answered, refused ones included. It may lag by those of the turn under way.
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// How often a handler took so long that its event loop went on in another thread.
    pub fn take_overs(&self) -> u64 {
        self.0.take_overs.load(Ordering::Relaxed)
    }

    /// Panics in handlers.
    pub fn panics(&self) -> u64 {
        self.0.panics.load(Ordering::Relaxed)
    }

    /// Requests refused before a handler saw them, for this reason.
    pub fn refused_for(&self, reason: BadRequest) -> u64 {
        self.0.refused.get(reason as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Requests refused before a handler saw them, for any reason.
    pub fn refused(&self) -> u64 {
        self.0.refused.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Requests answered with 503, because no thread became free for them in
    /// [`Config::handler_queue_timeout`](crate::Config::handler_queue_timeout).
    pub fn turned_away(&self) -> u64 {
        self.0.turned_away.load(Ordering::Relaxed)
    }

    /// Requests that wait for a thread now.
    pub fn waiting(&self) -> u64 {
        self.0.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn note_connection(&self) {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_closed(&self, count: u64) {
        self.0.closed.fetch_add(count, Ordering::Release);
    }

    pub(crate) fn note_requests(&self, count: u64) {
        self.0.requests.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn note_take_over(&self) {
        self.0.take_overs.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_panic(&self) {
        self.0.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_refusal(&self, reason: BadRequest) {
        if let Some(count) = self.0.refused.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn note_turned_away(&self) {
        self.0.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_waiting(&self) {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_served(&self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stats")
            .field("connections", &self.connections())
            .field("open_connections", &self.open_connections())
            .field("requests", &self.requests())
            .field("take_overs", &self.take_overs())
            .field("panics", &self.panics())
            .field("refused", &self.refused())
            .field("turned_away", &self.turned_away())
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// Room for each reason there is, and for some to come.
const REASONS: usize = 32;

const _: () = assert!((BadRequest::BodyTimeout as usize) < REASONS, "the last reason has no room");
