//! `ForkingHttpServer`: bind, serve in worker processes, shut down.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
#[cfg(unix)]
use std::sync::Arc;

use crate::config::Config;
use crate::handler::RequestHandler;
#[cfg(unix)]
use crate::handler::{HandlerHooks, server_info};
#[cfg(unix)]
use crate::net::{listener::Listener, poller::Poller};
use crate::peer::ServerInfo;
use crate::serve::shutdown::ShutdownHandle;
#[cfg(unix)]
use crate::serve::{
    child::{self, Bell, Job},
    parent::{Parent, Role},
    visit::{Serving, head_limits},
};

/// A server of several processes (Python: `ForkingMixIn`).
///
/// As it begins to serve, it forks [`Config::workers`] worker processes, each of which is a
/// [`HttpServer`](crate::HttpServer) of its own on the shared port: many connections, one request at
/// a time. So as many requests are answered at once as there are workers, and a handler that blocks
/// holds up its own worker only. The process that called serves nothing: it replaces workers that
/// end. A worker that aborts, or is killed, takes with it the requests that it had, and nobody
/// else's; its death is logged with its signal.
///
/// **Each worker has its own copy of the handler**, as it was when the server began to serve. What a
/// method changes in it is seen by the requests of the same worker, until that ends; share through a
/// file, a database or a socket instead. In return the handler need not be `Send` or `Sync`, and may
/// borrow. It is dropped once, by the process that called, and not by the workers, which all share
/// what it refers to outside of memory.
///
/// **The process must have one thread** when it begins to serve: a fork copies only the thread that
/// calls, and the locks of all. Linux tells, and then several are an error; on other systems it is
/// yours to see to. So start threads inside the handler, when it is first called; threads of a
/// logger or a runtime count, too. Limits of [`Config`] that are numbers of connections hold for
/// each worker.
///
/// [`Config::max_requests_per_child`] has a worker replaced after so many requests; 1 is Python's
/// process for each request. Unix only: elsewhere [`bind`](Self::bind) returns an error.
///
/// ```no_run
/// use basehttp::{ForkingHttpServer, http_handler};
///
/// struct Hello;
///
/// #[http_handler]
/// impl Hello {
///     fn do_GET(&self) -> String { format!("hello from process {}\n", std::process::id()) }
/// }
///
/// fn main() -> std::io::Result<()> {
///     let server = ForkingHttpServer::bind("localhost:8080", Hello)?;
///     println!("Starting server at http://{}", server.server_address());
///     server.serve_forever()
/// }
/// ```
pub struct ForkingHttpServer<'h> {
    parts: Parts<'h>,
    info: ServerInfo,
    shutdown: ShutdownHandle,
}

/// What it serves with.
#[cfg(unix)]
struct Parts<'h> {
    listener: Listener,
    poller: Poller,
    handler: Box<dyn RequestHandler + 'h>,
    config: Config,
    bell: Arc<Bell>,
}

/// There are none: where there is no fork, no such server can be made.
#[cfg(not(unix))]
struct Parts<'h>(std::convert::Infallible, std::marker::PhantomData<&'h ()>);

impl<'h> ForkingHttpServer<'h> {
    /// Binds an address, with the default [`Config`]; port 0 takes a free one.
    ///
    /// Connections are accepted by the system from here on, and answered once the server serves.
    /// No process is forked yet.
    ///
    /// # Errors
    /// Those of the system, with the address in their words: `AddrInUse` for a taken port.
    /// `Unsupported` where there is no fork.
    pub fn bind(
        address: impl ToSocketAddrs,
        handler: impl RequestHandler + 'h,
    ) -> io::Result<ForkingHttpServer<'h>> {
        ForkingHttpServer::bind_with(address, handler, Config::default())
    }

    /// [`bind`](Self::bind) with limits and deadlines of your own.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_with(
        address: impl ToSocketAddrs,
        handler: impl RequestHandler + 'h,
        config: Config,
    ) -> io::Result<ForkingHttpServer<'h>> {
        #[cfg(unix)]
        return ForkingHttpServer::build(
            Listener::bind(address, config.request_queue_size, config.allow_reuse_address)?,
            Box::new(handler),
            config,
        );
        #[cfg(not(unix))]
        {
            let _ = (address, handler, config);
            let words = "this system cannot fork: serve with ThreadingHttpServer or HttpServer";
            Err(io::Error::new(io::ErrorKind::Unsupported, words))
        }
    }

    /// Not generic, so that it is compiled once, with this crate.
    #[cfg(unix)]
    fn build(
        listener: Listener,
        handler: Box<dyn RequestHandler + 'h>,
        config: Config,
    ) -> io::Result<ForkingHttpServer<'h>> {
        let info = server_info(listener.address(), &*handler);
        let poller = Poller::new()?;
        let bell = Arc::new(Bell::new(poller.waker()));
        let rung = Arc::clone(&bell);
        let shutdown = ShutdownHandle::new(&info, move || rung.ring());
        let parts = Parts { listener, poller, handler, config, bell };
        Ok(ForkingHttpServer { parts, info, shutdown })
    }

    /// Forks the workers, and serves until it is [shut down](ShutdownHandle::shutdown) (Python:
    /// `serve_forever`).
    ///
    /// Only the process that called returns, once all its workers have ended. If it dies before, its
    /// workers drain and end. Signals are nobody's concern here: Ctrl-C ends all of them on the spot.
    ///
    /// # Errors
    /// `Unsupported`, with the number in words, if the process has several threads; those of the
    /// system when it cannot fork, or will not let it wait.
    pub fn serve_forever(self) -> io::Result<()> {
        #[cfg(unix)]
        return self.serve(|_| Ok(()), |(), _| {});
        #[cfg(not(unix))]
        match self.parts.0 {}
    }

    /// Serves until it is shut down, or until the process is told to end: by Ctrl-C, SIGTERM or
    /// SIGQUIT.
    ///
    /// It does not matter whether the signal goes to this process alone or, as from a terminal, to
    /// its workers too; a second one ends whom it reaches at once. One that goes to a worker alone
    /// has that one drain, end, and be replaced.
    ///
    /// # Errors
    /// As [`serve_forever`](Self::serve_forever), and those of installing the signal handlers.
    #[cfg(feature = "signals")]
    #[cfg_attr(docsrs, doc(cfg(feature = "signals")))]
    pub fn serve_until_signal(self) -> io::Result<()> {
        #[cfg(unix)]
        return self.serve(
            |parent| {
                use crate::serve::signals;
                let (mut signals, watch) = signals::watch_by_pipe()?;
                parent.add_signals(&mut signals)?;
                Ok((signals, watch))
            },
            |(_, watch), job| {
                // Otherwise a signal to this worker would stop the whole server: no great harm.
                let _ = watch.go_to(&job.line);
            },
        );
        #[cfg(not(unix))]
        match self.parts.0 {}
    }

    /// Serves as the parent, with what `prepare` makes of it; a worker gives that to `adopt`, and
    /// does not return.
    #[cfg(unix)]
    fn serve<W>(
        self,
        prepare: impl FnOnce(&Parent) -> io::Result<W>,
        adopt: impl FnOnce(W, &Job),
    ) -> io::Result<()> {
        let Parts { listener, poller, handler, config, bell } = self.parts;
        let parent = Parent::new(poller, listener, &config);
        let watch = prepare(&parent)?;
        let mut guard = self.shutdown.serving();
        match parent.run(&self.info, &config)? {
            Role::Parent(report) => {
                guard.report = report;
                Ok(())
            }
            Role::Worker(job) => {
                adopt(watch, &job);
                let handler = HandlerHooks(&*handler);
                let (config, limits) = (&config, &head_limits(&config));
                let serving = Serving { handler: &handler, server: &self.info, config, limits };
                child::work(job, serving, &bell, &self.shutdown)
            }
        }
    }

    /// A handle that stops the server, from inside a handler, or from elsewhere in this process.
    ///
    /// A handler has it as a part of its state: `shutdown()` there stops the whole server, all
    /// workers of it, and does not wait; its report is empty.
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
}

impl std::fmt::Debug for ForkingHttpServer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForkingHttpServer").field("server_address", &self.server_address()).finish()
    }
}
