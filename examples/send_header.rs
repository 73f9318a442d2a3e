//! Sends a header field of its own with every answer: the time it was made.
//!
//! ```text
//! cargo run --example send_header
//! curl -i http://localhost:8080/
//! ```
//!
//! In Python:
//!
//! ```python
//! class GetHandler(BaseHTTPRequestHandler):
//!     def do_GET(self):
//!         self.send_response(200)
//!         self.send_header('Content-Type', 'text/plain; charset=utf-8')
//!         self.send_header('Last-Modified', self.date_time_string(time.time()))
//!         self.end_headers()
//!         self.wfile.write('Response body\n'.encode('utf-8'))
//! ```

use std::io::{self, Write};
use std::time::SystemTime;

use basehttp::{Exchange, HttpServer, http_handler};

struct GetHandler;

#[http_handler]
impl GetHandler {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        http.send_response(200)
            .send_header("Content-Type", "text/plain; charset=utf-8")
            .send_header("Last-Modified", SystemTime::now())
            .end_headers()?;
        writeln!(http.wfile, "Response body")
    }
}

fn main() -> io::Result<()> {
    basehttp::log_to_stderr();
    let port = std::env::args().nth(1).unwrap_or("8080".into());
    let server = HttpServer::bind(format!("localhost:{port}"), GetHandler)?;
    println!("Starting server at http://{}, use <Ctrl-C> to stop", server.server_address());
    server.serve_until_signal()
}
