//! may_minihttp with one worker. It has no chunked bodies, keeps every connection open, and a
//! method that blocks its thread blocks everybody.
//!
//!     peer-may_minihttp PORT

use std::io::{self, BufRead, Read};

use may_minihttp::{HttpServer, HttpService, Request, Response};

static BIG: [u8; 1 << 20] = [b'x'; 1 << 20];

#[derive(Clone)]
struct Peer;

impl HttpService for Peer {
    fn call(&mut self, request: Request, response: &mut Response) -> io::Result<()> {
        response.header("Content-Type: text/plain; charset=utf-8");
        match (request.method(), request.path()) {
            ("GET", "/big") => response.body(std::str::from_utf8(&BIG).expect("text")),
            ("POST", "/upload") => {
                let mut body = request.body();
                let mut count = 0;
                loop {
                    let length = body.fill_buf()?.len();
                    if length == 0 {
                        break;
                    }
                    count += length;
                    body.consume(length);
                }
                response.body_vec(count.to_string().into_bytes());
            }
            ("POST", _) => {
                let mut body = Vec::new();
                request.body().read_to_end(&mut body)?;
                response.body_vec(body);
            }
            _ => response.body("Hello, world!"),
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).expect("a port");
    may::config().set_workers(1);
    HttpServer(Peer).start(format!("127.0.0.1:{port}"))?.wait();
    Ok(())
}
