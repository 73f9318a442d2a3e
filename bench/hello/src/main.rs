//! The smallest server that does everything a server must: parses, dispatches, frames, dates.
//!
//!     hello [PORT [one]]
//!
//! With `one` it is an `HttpServer`, else a `ThreadingHttpServer`; `THREADS` in its environment is how
//! many threads that may have for handlers, if not as many as by default.

use std::io::{self, BufRead, Write};
use std::thread;
use std::time::Duration;

use basehttp::{Config, Exchange, HttpServer, ThreadingHttpServer, http_handler};

static BIG: [u8; 1 << 20] = [b'x'; 1 << 20];

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        match http.path {
            "/big" => return text(http, &BIG),
            "/sleep10" => thread::sleep(Duration::from_millis(10)),
            "/sleep100" => thread::sleep(Duration::from_millis(100)),
            _ => {}
        }
        text(http, b"Hello, world!")
    }

    fn do_POST(&self, http: &mut Exchange) -> io::Result<()> {
        if http.path == "/upload" {
            let count = count(&mut http.rfile)?;
            return text(http, count.to_string().as_bytes());
        }
        let body = http.body()?;
        text(http, &body)
    }
}

fn text(http: &mut Exchange, body: &[u8]) -> io::Result<()> {
    http.send_response(200)
        .send_header("Content-Type", "text/plain; charset=utf-8")
        .end_headers()?;
    http.wfile.write_all(body)
}

/// How many bytes are left to read.
fn count(body: &mut impl BufRead) -> io::Result<usize> {
    let mut count = 0;
    loop {
        let length = body.fill_buf()?.len();
        if length == 0 {
            return Ok(count);
        }
        count += length;
        body.consume(length);
    }
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = format!("127.0.0.1:{}", arguments.next().unwrap_or("8091".into()));
    match arguments.next().as_deref() {
        Some("one") => HttpServer::bind(address, Hello)?.serve_forever(),
        _ => {
            let mut config = Config::default();
            if let Some(threads) = std::env::var("THREADS").ok().and_then(|text| text.parse().ok())
            {
                config.max_handler_threads = threads;
            }
            ThreadingHttpServer::bind_with(address, Hello, config)?.serve_forever()
        }
    }
}
