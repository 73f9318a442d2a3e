//! The harness: a server on a free port, a client of raw bytes, and what was logged.
//!
//! Nothing here knows how the server works inside. Every wait has a deadline that only a failing
//! test reaches; no test sleeps to be right.

mod client;
mod lines;
mod process;
mod random;
mod reply;
mod soak;
pub mod trials;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::Child;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fs, io, panic};

use basehttp::{
    Config, Exchange, HttpServer, RequestHandler, ShutdownHandle, ShutdownReport, Stats,
    ThreadingHttpServer, handler_fn,
};

pub use client::Client;
pub use lines::{Line, capture_log};
pub use process::{ServerProcess, Usage};
pub use random::Random;
pub use reply::{Framing, Reply, replies};
pub use soak::{Soaked, soak};

/// How long anything may take before the test that waits for it fails.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// A server at work in a thread of its own; dropping it shuts it down.
pub struct TestServer {
    address: SocketAddr,
    shutdown: ShutdownHandle,
    stats: Stats,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Serves `handler` on a free port of the loopback, with the limits that users have.
pub fn serve(handler: impl RequestHandler + Send + Sync + 'static) -> TestServer {
    serve_with(handler, Config::default())
}

/// [`serve`], with limits and deadlines of the test's own.
pub fn serve_with(
    handler: impl RequestHandler + Send + Sync + 'static,
    config: Config,
) -> TestServer {
    let (started, start) = mpsc::channel();
    let thread = thread::spawn(move || {
        let address = "127.0.0.1:0";
        match is_threading() {
            false => {
                let server = HttpServer::bind_with(address, handler, config)?;
                let _ = started.send((
                    server.server_address(),
                    server.shutdown_handle(),
                    server.stats(),
                ));
                server.serve_forever()
            }
            true => {
                let server = ThreadingHttpServer::bind_with(address, handler, config)?;
                let _ = started.send((
                    server.server_address(),
                    server.shutdown_handle(),
                    server.stats(),
                ));
                server.serve_forever()
            }
        }
    });
    let (address, shutdown, stats) = start.recv_timeout(DEADLINE).expect("the server starts");
    TestServer { address, shutdown, stats, thread: Some(thread) }
}

/// Whether the tests of this process are about `ThreadingHttpServer`: what holds for one server
/// holds for both, so their files are part of two test programs.
pub fn is_threading() -> bool {
    let program = std::env::current_exe().unwrap_or_default();
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.starts_with("threading")
}

impl TestServer {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new client of it.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// What stops it from elsewhere.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.shutdown.clone()
    }

    /// What it counts.
    pub fn stats(&self) -> Stats {
        self.stats.clone()
    }

    /// Stops it, and has it tell what that came to.
    pub fn stop(mut self) -> ShutdownReport {
        let report = self.shutdown.shutdown();
        self.join();
        report
    }

    /// Waits until it has ended by itself.
    pub fn join(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        match thread.join() {
            Ok(result) => result.expect("the server ends well"),
            // A test that fails already must not fail twice: that would abort all the others.
            Err(_) if thread::panicking() => {}
            Err(payload) => panic::resume_unwind(payload),
        }
    }

    /// Insists that another client is answered, whatever the one before has done.
    pub fn assert_alive(&self, after: &str) {
        let reply = self.connect().send(get("/alive")).reply();
        assert!(reply.status < 500 || reply.status == 501, "after {after}: {reply:?}");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.shutdown();
        self.join();
    }
}

/// Answers with the method, the path and the body of the request.
pub fn echo() -> impl RequestHandler + Send + Sync {
    handler_fn(|http: &mut Exchange<'_>| -> io::Result<Vec<u8>> {
        let body = http.body()?;
        Ok([http.command.as_bytes(), b" ", http.path.as_bytes(), b" ", &body].concat())
    })
}

/// A GET without more than it needs.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

/// A POST whose body is framed by its length.
pub fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// The first line that a child process prints; empty if none comes.
pub fn first_line(child: &mut Child) -> String {
    let Some(stdout) = child.stdout.take() else { return String::new() };
    let (said, says) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(stdout).read_line(&mut line);
        let _ = said.send(line);
    });
    says.recv_timeout(DEADLINE).unwrap_or_default()
}

/// How many connections this process may hold both ends of beside other tests, `wanted` at most.
pub fn affordable_connections(wanted: usize) -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = files.and_then(|line| line.split_whitespace().next()?.parse().ok());
    // Where nobody tells, 256 is the least that a system gives.
    soft.unwrap_or(256usize).saturating_sub(200).div_ceil(2).min(wanted)
}

/// `bytes` as text for a message, with an end in sight.
pub fn shown(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let text = bytes[..bytes.len().min(300)].escape_ascii().to_string();
    if bytes.len() > 300 { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}
