//! `ThreadingHttpServer`: an event loop per core, and blocking handlers welcome.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::{Config, max_connections};
use crate::handler::{HandlerHooks, RequestHandler, server_info};
use crate::http::head::HeadLimits;
use crate::net::listener::Listener;
use crate::peer::ServerInfo;
use crate::serve::baton::Lent;
use crate::serve::busy::{Hand, Processors};
use crate::serve::crew::{Crew, Trade};
use crate::serve::shutdown::{Member, ShutdownHandle, ShutdownReport};
#[cfg(feature = "signals")]
use crate::serve::signals;
use crate::serve::slow::Slow;
use crate::serve::sync::lock;
use crate::serve::visit::{Desk, Serving, Visit, head_limits};
use crate::serve::worker::{self, Letter, Loops, Step, Until, Worker};
use crate::stats::Stats;

/// A server with an event loop per core, whose handlers may block as they like (Python:
/// `ThreadingHTTPServer`, `ThreadingMixIn`).
///
/// Python starts a thread for each connection. Here a connection costs no thread: a handler runs in
/// the thread of its event loop, at no cost, and only when it takes longer than a millisecond or
/// two (on Linux nine, if it computes and does not wait; four more where nothing has been slow for a
/// while) does another thread take the loop over. So slow handlers run side by side, each in a
/// thread of its own, [`Config::max_handler_threads`] at most; quick ones cost what they cost in an
/// event loop, and idle or slow clients nothing at all.
///
/// The handler is shared by all threads: it must be `Send + Sync`, and what it changes needs a lock
/// or an atomic. (A panic while a method holds a `Mutex` poisons it: with `lock().unwrap()` every
/// method that needs it answers 500 from then on, and `unwrap_or_else(PoisonError::into_inner)` goes
/// on.)
///
/// ```no_run
/// use std::thread;
/// use std::time::Duration;
///
/// use basehttp::{ThreadingHttpServer, http_handler};
///
/// struct Slow;
///
/// #[http_handler]
/// impl Slow {
///     fn do_GET(&self) -> String {
///         thread::sleep(Duration::from_secs(1));
///         format!("{:?}\n", thread::current().name())
///     }
/// }
///
/// fn main() -> std::io::Result<()> {
///     let server = ThreadingHttpServer::bind("localhost:8080", Slow)?;
///     println!("Starting server at http://{}", server.server_address());
///     server.serve_forever()
/// }
/// ```
pub struct ThreadingHttpServer {
    workers: Vec<Box<Worker>>,
    shop: Shop,
}

/// What all threads of the server share.
struct Shop {
    handler: Box<dyn RequestHandler + Send + Sync>,
    info: ServerInfo,
    config: Config,
    limits: HeadLimits,
    neighbours: Arc<Loops>,
    shutdown: ShutdownHandle,
    slow: Slow,
    processors: Processors,
    /// Who drives each loop, or has lent it.
    drivers: Box<[Mutex<Option<Arc<Hand>>>]>,
    outcome: Mutex<Outcome>,
}

/// What the loops leave when they end.
#[derive(Default)]
struct Outcome {
    report: ShutdownReport,
    error: Option<io::Error>,
}

impl ThreadingHttpServer {
    /// Binds an address, with the default [`Config`]; port 0 takes a free one.
    ///
    /// Connections are accepted by the system from here on, and answered once the server serves.
    ///
    /// # Errors
    /// Those of the system, with the address in their words: `AddrInUse` for a taken port.
    pub fn bind(
        address: impl ToSocketAddrs,
        handler: impl RequestHandler + Send + Sync + 'static,
    ) -> io::Result<ThreadingHttpServer> {
        ThreadingHttpServer::bind_with(address, handler, Config::default())
    }

    /// [`bind`](Self::bind) with limits and deadlines of your own.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_with(
        address: impl ToSocketAddrs,
        handler: impl RequestHandler + Send + Sync + 'static,
        config: Config,
    ) -> io::Result<ThreadingHttpServer> {
        let listener =
            Listener::bind(address, config.request_queue_size, config.allow_reuse_address)?;
        ThreadingHttpServer::build(listener, Box::new(handler), config)
    }

    /// Not generic, so that it is compiled once, with this crate.
    fn build(
        listener: Listener,
        handler: Box<dyn RequestHandler + Send + Sync>,
        config: Config,
    ) -> io::Result<ThreadingHttpServer> {
        let info = server_info(listener.address(), &*handler);
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let loops = config.event_loops.unwrap_or_else(cores).max(1);
        let max_clients = max_connections(&config, loops);
        let (mut workers, neighbours) = worker::loops(listener, loops, max_clients)?;
        workers.iter_mut().for_each(|worker| worker.send_together());
        let told = Arc::clone(&neighbours);
        let shutdown = ShutdownHandle::new(&info, move || worker::tell_to_stop(&told));
        let shop = Shop {
            handler,
            info,
            limits: head_limits(&config),
            config,
            neighbours,
            shutdown,
            slow: Slow::new(Instant::now()),
            processors: Processors::new(),
            drivers: (0..loops).map(|_| Mutex::default()).collect(),
            outcome: Mutex::default(),
        };
        Ok(ThreadingHttpServer { workers, shop })
    }

    /// Serves until it is [shut down](ShutdownHandle::shutdown) (Python: `serve_forever`).
    ///
    /// Handlers run in threads named `Thread-1`, `Thread-2` and so on; the thread that calls this
    /// only sees to it that no handler keeps an event loop. A handler that still runs when
    /// [`Config::drain_timeout`] is over is left behind in its thread.
    ///
    /// # Errors
    /// When the system will not let it start a thread or wait for its sockets: nothing that a client
    /// can do.
    pub fn serve_forever(self) -> io::Result<()> {
        let handle = self.shop.shutdown.clone();
        let mut guard = handle.serving();
        let max_handlers = self.shop.config.max_handler_threads;
        let crew = Crew::new(self.shop, self.workers.len(), max_handlers);
        crew.run(self.workers);
        let outcome = std::mem::take(&mut *crew.trade.outcome());
        guard.report = outcome.report;
        outcome.error.map_or(Ok(()), Err)
    }

    /// Serves until it is shut down, or until the process is told to end: by Ctrl-C, SIGTERM or
    /// SIGQUIT.
    ///
    /// A second Ctrl-C ends the process at once. (On Windows there are no such signals: there this
    /// is [`serve_forever`](Self::serve_forever), and Ctrl-C ends the process.)
    ///
    /// # Errors
    /// As [`serve_forever`](Self::serve_forever), and those of installing the signal handlers.
    #[cfg(feature = "signals")]
    #[cfg_attr(docsrs, doc(cfg(feature = "signals")))]
    pub fn serve_until_signal(self) -> io::Result<()> {
        let _watch = signals::watch(self.shutdown_handle())?;
        self.serve_forever()
    }

    /// Answers one request, in this thread, and returns (Python: `handle_request`).
    ///
    /// It waits for one as long as [`Config::timeout`] says. Connections stay open in between, and
    /// are looked after only while this runs; a [`ShutdownHandle`] does not end it. A request that is
    /// refused counts, and `Ok` is also returned when none has come in time:
    /// [`stats`](Self::stats) tells the two apart.
    ///
    /// # Errors
    /// As [`serve_forever`](Self::serve_forever).
    pub fn handle_request(&mut self) -> io::Result<()> {
        let timeout = self.shop.config.timeout;
        let at_most = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut at = self.shop.desk();
        // The others have no clients as long as nobody drives them.
        let Some(worker) = self.workers.first_mut() else { return Ok(()) };
        self.shop.serving(|serving| {
            worker.run(&mut at.desk, serving, Until::Answered { at_most }).map(drop)
        })
    }

    /// A handle that stops the server, from another thread or from inside a handler.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.shop.shutdown.clone()
    }

    /// Address and port it is bound to (Python: `server_address`); port 0 is resolved.
    pub fn server_address(&self) -> SocketAddr {
        self.shop.info.server_address()
    }

    /// The port it is bound to (Python: `server_port`).
    pub fn server_port(&self) -> u16 {
        self.shop.info.server_port()
    }

    /// The address it is bound to, as text (Python: `server_name`). No name is looked up.
    pub fn server_name(&self) -> &str {
        self.shop.info.server_name()
    }

    /// What it has counted so far, connections, requests, take-overs and more; stays live.
    pub fn stats(&self) -> Stats {
        self.shop.info.stats()
    }
}

impl std::fmt::Debug for ThreadingHttpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadingHttpServer")
            .field("server_address", &self.server_address())
            .finish()
    }
}

impl Shop {
    /// Calls `run` with what is served with.
    #[inline(always)] // several times for each request
    fn serving<R>(&self, run: impl FnOnce(Serving<'_>) -> R) -> R {
        let handler = HandlerHooks(&*self.handler);
        let (config, limits) = (&self.config, &self.limits);
        run(Serving { handler: &handler, server: &self.info, config, limits })
    }

    fn driver(&self, index: usize) -> MutexGuard<'_, Option<Arc<Hand>>> {
        lock(&self.drivers[index])
    }

    fn outcome(&self) -> MutexGuard<'_, Outcome> {
        lock(&self.outcome)
    }
}

/// What one of the server's threads keeps.
struct Workplace {
    desk: Desk,
    hand: Arc<Hand>,
    /// From here, a shutdown must not wait.
    _member: Member,
}

impl Trade for Shop {
    type Home = Box<Worker>;
    type Visit = Box<Visit>;
    type Desk = Workplace;

    fn desk(&self) -> Workplace {
        let desk = Desk::new(&self.info.version_string);
        Workplace { desk, hand: self.processors.enlist(), _member: self.shutdown.member() }
    }

    fn next(&self, home: &mut Box<Worker>) -> Option<Box<Visit>> {
        match self.serving(|serving| home.next(serving, Until::Stopped)) {
            Ok(Step::Answer(visit)) => Some(visit),
            Ok(Step::Ended(report)) => {
                self.outcome().report.add(report);
                None
            }
            Err(error) => {
                self.give_up(error);
                None
            }
        }
    }

    fn may_be_slow(&self, visit: &Box<Visit>) -> bool {
        visit.is_for_handler()
    }

    fn is_slow(&self, visit: &Box<Visit>) -> bool {
        self.slow.has(|| visit.kind())
    }

    fn send_owed(&self, visit: &mut Box<Visit>) -> bool {
        visit.send_owed()
    }

    fn answer(&self, visit: &mut Box<Visit>, at: &mut Workplace, lent: Lent<'_>) {
        self.serving(|serving| visit.answer(&mut at.desk, serving, Some(lent)));
    }

    #[inline(always)] // behind each request
    fn welcome(&self, home: &mut Box<Worker>, visit: Box<Visit>) {
        self.serving(|serving| home.welcome(visit, serving));
    }

    fn overran(&self, visit: &mut Box<Visit>, at: &Workplace) {
        at.hand.keep(false);
        visit.send_owed();
        // Who was only not let run has proved nothing.
        if let Some(kind) = visit.overran
            && (at.hand.has_waited() || !self.processors.are_short())
        {
            self.slow.strike(kind, Instant::now());
        }
    }

    fn answer_slowly(&self, visit: &mut Box<Visit>, at: &mut Workplace) {
        let kind = visit.kind();
        at.hand.keep(true);
        let took = self.serving(|serving| visit.answer_slowly(&mut at.desk, serving));
        at.hand.keep(false);
        if let (Some(kind), Some(took)) = (kind, took) {
            self.slow.note(kind, took);
        }
    }

    fn post(&self, visit: Box<Visit>) {
        let home = self.neighbours.mailbox(visit.home);
        // Its loop has ended, after the drain limit: it ends too.
        drop(home.post(Letter::Home(visit)));
    }

    fn turn_away(&self, mut visit: Box<Visit>) {
        visit.session.turn_away();
        self.post(visit);
    }

    fn give_up(&self, error: io::Error) {
        self.outcome().error.get_or_insert(error);
        self.shutdown.tell();
    }

    fn patience(&self) -> Duration {
        self.config.handler_queue_timeout
    }

    fn is_busy(&self) -> bool {
        self.processors.are_missed()
    }

    fn begin(&self, index: usize, home: &mut Box<Worker>, at: &Workplace, is_taken_over: bool) {
        let before = self.driver(index).replace(Arc::clone(&at.hand));
        if let (Some(kept), true) = (before, is_taken_over) {
            self.info.stats.note_take_over();
            self.serving(|serving| home.change_hands(serving));
            kept.look();
        }
    }

    fn wants_processor(&self, index: usize) -> bool {
        let driver = self.driver(index).clone();
        driver.is_some_and(|hand| hand.wants_processor())
    }

    fn note_waiting(&self) {
        self.info.stats.note_waiting();
    }

    fn note_served(&self) {
        self.info.stats.note_served();
    }
}
