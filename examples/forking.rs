//! Answers every GET with the process that does it: each worker counts its own requests.
//!
//! ```text
//! cargo run --example forking
//! curl -i http://localhost:8080/
//! ```
//!
//! Several at once show several processes:
//!
//! ```text
//! for n in 1 2 3 4; do curl -s http://localhost:8080/ & done; wait
//! ```
//!
//! In Python, where each request has a process of its own, so that the count is always 1 (here:
//! `max_requests_per_child: Some(1)` in the `Config`):
//!
//! ```python
//! class ForkingHTTPServer(ForkingMixIn, HTTPServer):
//!     pass
//!
//! class GetHandler(BaseHTTPRequestHandler):
//!     def do_GET(self):
//!         self.send_response(200)
//!         self.send_header('Content-Type', 'text/plain; charset=utf-8')
//!         self.end_headers()
//!         self.wfile.write(f'request 1 of process {os.getpid()}\n'.encode('utf-8'))
//! ```

use std::cell::Cell;
use std::io;

use basehttp::{ForkingHttpServer, http_handler};

/// What it counts needs no lock: no other thread, and no other process, ever sees it.
struct GetHandler {
    requests: Cell<u64>,
}

#[http_handler]
impl GetHandler {
    fn do_GET(&self) -> String {
        self.requests.set(self.requests.get() + 1);
        format!("request {} of process {}\n", self.requests.get(), std::process::id())
    }
}

fn main() -> io::Result<()> {
    basehttp::log_to_stderr();
    let port = std::env::args().nth(1).unwrap_or("8080".into());
    let handler = GetHandler { requests: Cell::new(0) };
    let server = ForkingHttpServer::bind(format!("localhost:{port}"), handler)?;
    println!("Starting server at http://{}, use <Ctrl-C> to stop", server.server_address());
    server.serve_until_signal()
}
