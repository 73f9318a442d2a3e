//! Answers every GET with what the server knows of the request; every other verb gets 501.
//!
//! ```text
//! cargo run --example get
//! curl -i 'http://localhost:8080/?foo=bar'
//! ```
//!
//! In Python:
//!
//! ```python
//! class GetHandler(BaseHTTPRequestHandler):
//!     def do_GET(self):
//!         parsed_path = parse.urlparse(self.path)
//!         message_parts = [
//!             'CLIENT VALUES:',
//!             f'client_address={self.client_address[0]}:{self.client_address[1]}',
//!             f'command={self.command}',
//!             …
//!         ]
//!         for name, value in sorted(self.headers.items()):
//!             message_parts.append(f'{name}={value.rstrip()}')
//!         self.send_response(200)
//!         self.send_header('Content-Type', 'text/plain; charset=utf-8')
//!         self.end_headers()
//!         self.wfile.write('\n'.join(message_parts).encode('utf-8'))
//! ```

use std::io::{self, Write};

use basehttp::{Exchange, HttpServer, RequestHandler, http_handler};

struct GetHandler;

#[http_handler]
impl GetHandler {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        http.send_response(200)
            .send_header("Content-Type", "text/plain; charset=utf-8")
            .end_headers()?;

        let (client, path, query) = (&http.client_address, http.url_path(), http.query());
        writeln!(http.wfile, "CLIENT VALUES:")?;
        writeln!(http.wfile, "client_address={client}")?;
        writeln!(http.wfile, "command={}", http.command)?;
        writeln!(http.wfile, "path={}", http.path)?;
        writeln!(http.wfile, "real path={path}")?;
        writeln!(http.wfile, "query={query}")?;
        writeln!(http.wfile, "request_version={}", http.request_version)?;

        writeln!(http.wfile, "\nSERVER VALUES:")?;
        writeln!(http.wfile, "server_version={}", self.server_version())?;
        writeln!(http.wfile, "sys_version={}", self.sys_version())?;
        writeln!(http.wfile, "protocol_version={}", self.protocol_version())?;

        writeln!(http.wfile, "\nHEADERS RECEIVED:")?;
        let mut headers: Vec<_> = http.headers.iter().collect();
        headers.sort();
        for (name, value) in headers {
            writeln!(http.wfile, "{name}={value}")?;
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    basehttp::log_to_stderr();
    let port = std::env::args().nth(1).unwrap_or("8080".into());
    let server = HttpServer::bind(format!("localhost:{port}"), GetHandler)?;
    println!("Starting server at http://{}, use <Ctrl-C> to stop", server.server_address());
    server.serve_until_signal()
}
