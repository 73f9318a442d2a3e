//! Answers every GET after a second, with the thread that did it: three at once take one second.
//!
//! ```text
//! cargo run --example threads
//! curl -i http://localhost:8080/
//! ```
//!
//! Three at once, each in a thread of its own:
//!
//! ```text
//! time (for n in 1 2 3; do curl -s http://localhost:8080/ & done; wait)
//! ```
//!
//! In Python:
//!
//! ```python
//! class Handler(BaseHTTPRequestHandler):
//!     def do_GET(self):
//!         time.sleep(1)
//!         self.send_response(200)
//!         self.send_header('Content-Type', 'text/plain; charset=utf-8')
//!         self.end_headers()
//!         message = threading.current_thread().name
//!         self.wfile.write(f'{message}\n'.encode('utf-8'))
//!
//! class ThreadedHTTPServer(ThreadingMixIn, HTTPServer):
//!     """Handle requests in a separate thread."""
//! ```

use std::time::Duration;
use std::{io, thread};

use basehttp::{ThreadingHttpServer, http_handler};

struct Handler;

#[http_handler]
impl Handler {
    fn do_GET(&self) -> String {
        thread::sleep(Duration::from_secs(1));
        format!("{}\n", thread::current().name().unwrap_or_default())
    }
}

fn main() -> io::Result<()> {
    basehttp::log_to_stderr();
    let port = std::env::args().nth(1).unwrap_or("8080".into());
    let server = ThreadingHttpServer::bind(format!("localhost:{port}"), Handler)?;
    println!("Starting server at http://{}, use <Ctrl-C> to stop", server.server_address());
    server.serve_until_signal()
}
