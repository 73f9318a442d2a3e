//! `HttpServer`: bind, serve, shut down.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Instant;

use crate::config::{Config, max_connections};
use crate::handler::{HandlerHooks, RequestHandler, server_info};
use crate::net::listener::Listener;
use crate::peer::ServerInfo;
use crate::serve::shutdown::{ShutdownHandle, ShutdownReport};
#[cfg(feature = "signals")]
use crate::serve::signals;
use crate::serve::visit::{Desk, Serving, head_limits};
use crate::serve::worker::{self, Until, Worker};
use crate::stats::Stats;

/// A server with one thread: many connections at once, one request at a time (Python:
/// `HTTPServer`).
///
/// Clients that are idle, or slow with their heads and the first 64 KiB of their bodies, hold nobody
/// up. A handler that takes long does, and so does one that reads more of a body, or writes more
/// than 1 MiB, for as long as its client takes. The handler need not be `Send` or `Sync`, and may
/// borrow what outlives the server.
///
/// ```no_run
/// use basehttp::{HttpServer, http_handler};
///
/// struct Hello;
///
/// #[http_handler]
/// impl Hello {
///     fn do_GET(&self) -> &'static str { "hello\n" }
/// }
///
/// fn main() -> std::io::Result<()> {
///     let server = HttpServer::bind("localhost:8080", Hello)?;
///     println!("Starting server at http://{}", server.server_address());
///     server.serve_forever()
/// }
/// ```
pub struct HttpServer<'h> {
    worker: Box<Worker>,
    desk: Desk,
    handler: Box<dyn RequestHandler + 'h>,
    info: ServerInfo,
    config: Config,
    shutdown: ShutdownHandle,
}

impl<'h> HttpServer<'h> {
    /// Binds an address, with the default [`Config`]; port 0 takes a free one.
    ///
    /// Connections are accepted by the system from here on, and answered once the server serves.
    ///
    /// # Errors
    /// Those of the system, with the address in their words: `AddrInUse` for a taken port.
    pub fn bind(
        address: impl ToSocketAddrs,
        handler: impl RequestHandler + 'h,
    ) -> io::Result<HttpServer<'h>> {
        HttpServer::bind_with(address, handler, Config::default())
    }

    /// [`bind`](Self::bind) with limits and deadlines of your own.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_with(
        address: impl ToSocketAddrs,
        handler: impl RequestHandler + 'h,
        config: Config,
    ) -> io::Result<HttpServer<'h>> {
        let listener =
            Listener::bind(address, config.request_queue_size, config.allow_reuse_address)?;
        HttpServer::build(listener, Box::new(handler), config)
    }

    /// Not generic, so that it is compiled once, with this crate.
    fn build(
        listener: Listener,
        handler: Box<dyn RequestHandler + 'h>,
        config: Config,
    ) -> io::Result<HttpServer<'h>> {
        let info = server_info(listener.address(), &*handler);
        let (mut workers, neighbours) = worker::loops(listener, 1, max_connections(&config, 1))?;
        let worker = workers.remove(0);
        let desk = Desk::new(&info.version_string);
        let shutdown = ShutdownHandle::new(&info, move || worker::tell_to_stop(&neighbours));
        Ok(HttpServer { worker, desk, handler, info, config, shutdown })
    }

    /// Serves until it is [shut down](ShutdownHandle::shutdown) (Python: `serve_forever`).
    ///
    /// # Errors
    /// When the system will not let it wait for its sockets: nothing that a client can do.
    pub fn serve_forever(mut self) -> io::Result<()> {
        let handle = self.shutdown.clone();
        let mut guard = handle.serving();
        guard.report = self.run(Until::Stopped)?;
        Ok(())
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

    /// Answers one request, and returns (Python: `handle_request`).
    ///
    /// It waits for one as long as [`Config::timeout`] says. Connections stay open in between, and
    /// are looked after only while this runs; a [`ShutdownHandle`] does not end it. A request that is
    /// refused counts, and `Ok` is also returned when none has come in time:
    /// [`stats`](Self::stats) tells the two apart.
    ///
    /// # Errors
    /// As [`serve_forever`](Self::serve_forever).
    pub fn handle_request(&mut self) -> io::Result<()> {
        let at_most = self.config.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        self.run(Until::Answered { at_most }).map(drop)
    }

    /// A handle that stops the server, from another thread or from inside a handler.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.shutdown.clone()
    }

    /// Address and port it is bound to (Python: `server_address`); port 0 is resolved.
    pub fn server_address(&self) -> SocketAddr {
        self.info.server_address()
    }

    /// The port it is bound to (Python: `server_port`).
    pub fn server_port(&self) -> u16 {
        self.info.server_port()
    }

    /// The address it is bound to, as text (Python: `server_name`). No name is looked up.
    pub fn server_name(&self) -> &str {
        self.info.server_name()
    }

    /// What it has counted so far, connections, requests, panics and more; stays live.
    pub fn stats(&self) -> Stats {
        self.info.stats()
    }

    fn run(&mut self, until: Until) -> io::Result<ShutdownReport> {
        let _member = self.shutdown.member();
        let handler = HandlerHooks(&*self.handler);
        let (config, limits) = (&self.config, &head_limits(&self.config));
        let serving = Serving { handler: &handler, server: &self.info, config, limits };
        self.worker.run(&mut self.desk, serving, until)
    }
}

impl std::fmt::Debug for HttpServer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpServer").field("server_address", &self.server_address()).finish()
    }
}
