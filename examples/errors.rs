//! Answers every GET with an error: Python's page, whatever the path.
//!
//! ```text
//! cargo run --example errors
//! curl -i http://localhost:8080/
//! ```
//!
//! In Python:
//!
//! ```python
//! class ErrorHandler(BaseHTTPRequestHandler):
//!     def do_GET(self):
//!         self.send_error(404)
//! ```

use std::io;

use basehttp::{Exchange, HttpServer, http_handler};

struct ErrorHandler;

#[http_handler]
impl ErrorHandler {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        http.send_error(404)
    }
}

fn main() -> io::Result<()> {
    basehttp::log_to_stderr();
    let port = std::env::args().nth(1).unwrap_or("8080".into());
    let server = HttpServer::bind(format!("localhost:{port}"), ErrorHandler)?;
    println!("Starting server at http://{}, use <Ctrl-C> to stop", server.server_address());
    server.serve_until_signal()
}
