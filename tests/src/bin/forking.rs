//! A forking server for tests, which all have threads and may not fork: it does what paths say.
//!
//! Arguments: `workers=2`, `requests=1` (of each child), `drain_ms=100`, `address=127.0.0.1:0`,
//! `signals`, and `threads` (it has one more when it begins to serve), `stopped` (before it serves).

use std::cell::{Cell, OnceCell};
use std::io::{self, Write};
use std::time::Duration;
use std::{env, fs, process, thread};

use basehttp::{Config, Exchange, ForkingHttpServer, ShutdownHandle, http_handler};

struct Told<'a> {
    requests: Cell<u64>,
    /// The handler is there before the server is.
    stop: &'a OnceCell<ShutdownHandle>,
}

#[http_handler]
impl Told<'_> {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        self.requests.set(self.requests.get() + 1);
        let path = http.url_path();
        let (word, number) = path.trim_start_matches('/').split_once('/').unwrap_or((&path, "0"));
        match word.trim_start_matches('/') {
            "abort" => process::abort(),
            "exit" => process::exit(number.parse().unwrap_or(0)),
            "sleep" => thread::sleep(Duration::from_millis(number.parse().unwrap_or(0))),
            "stop" => {
                let report = self.stop.get().map(ShutdownHandle::shutdown);
                assert_eq!(report, Some(Default::default()), "it does not wait");
            }
            "stop-from-a-thread" => {
                let stop = self.stop.get().cloned();
                thread::spawn(move || stop.map(|stop| stop.shutdown()));
            }
            _ => {}
        }
        let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        http.send_response(200).end_headers()?;
        write!(http.wfile, "{} {} {files}", process::id(), self.requests.get())
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        println!("dropped in {}", process::id());
    }
}

fn main() -> io::Result<()> {
    basehttp::log_to_stderr();
    let told = |name: &str| {
        let mut arguments = env::args().skip(1);
        arguments.find_map(|argument| argument.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    let is_told = |name: &str| env::args().any(|argument| argument == name);
    let address = env::args().find_map(|argument| Some(argument.strip_prefix("address=")?.into()));
    let config = Config {
        workers: told("workers").map(|count: u64| count as usize),
        max_requests_per_child: told("requests"),
        drain_timeout: told("drain_ms").map_or(Duration::from_secs(10), Duration::from_millis),
        ..Config::default()
    };
    let stop = OnceCell::new();
    let handler = Told { requests: Cell::new(0), stop: &stop };
    let address: String = address.unwrap_or("127.0.0.1:0".into());
    let server = ForkingHttpServer::bind_with(address, handler, config)?;
    let handle = server.shutdown_handle();
    let _ = stop.set(handle.clone());
    println!("{}", server.server_address());
    // Half a line, which is printed once.
    print!("served: ");
    if is_told("threads") {
        thread::spawn(thread::park);
    }
    if is_told("stopped") {
        handle.shutdown();
    }
    match is_told("signals") {
        true => server.serve_until_signal(),
        false => server.serve_forever(),
    }?;
    println!("{:?}", handle.shutdown());
    Ok(())
}
