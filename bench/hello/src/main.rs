//! The smallest server that does everything a server must: parses, dispatches, frames, dates.
//!
//!     hello [PORT]

use std::io::{self, Write};

use basehttp::{Exchange, HttpServer, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        http.send_response(200)
            .send_header("Content-Type", "text/plain; charset=utf-8")
            .end_headers()?;
        http.wfile.write_all(b"Hello, world!")
    }

    fn do_POST(&self, http: &mut Exchange) -> io::Result<()> {
        let body = http.body()?;
        http.send_response(200).send_header("Content-Type", "text/plain").end_headers()?;
        http.wfile.write_all(&body)
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8091".into());
    HttpServer::bind(format!("127.0.0.1:{port}"), Hello)?.serve_forever()
}
