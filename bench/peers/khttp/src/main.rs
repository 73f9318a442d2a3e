//! khttp: one thread waits for connections, a pool of threads serves them.
//!
//!     peer-khttp PORT THREADS

use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use khttp::{Headers, Method, ResponseHandle, Server};

static BIG: [u8; 1 << 20] = [b'x'; 1 << 20];

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().expect("a port");
    let threads = arguments.next().expect("a number of threads").parse().expect("a number");
    let mut app = Server::builder(format!("127.0.0.1:{port}"))?;
    app.thread_count(threads);
    app.route(Method::Get, "/", |_, response| text(response, b"Hello, world!"));
    app.route(Method::Post, "/", |mut request, response| text(response, &request.body().vec()?));
    app.route(Method::Get, "/big", |_, response| text(response, &BIG));
    for (path, milliseconds) in [("/sleep10", 10), ("/sleep100", 100)] {
        app.route(Method::Get, path, move |_, response| {
            thread::sleep(Duration::from_millis(milliseconds));
            text(response, b"Hello, world!")
        });
    }
    app.route(Method::Post, "/upload", |mut request, response| {
        let mut window = [0; 64 * 1024];
        let mut count = 0;
        loop {
            match request.body().read(&mut window)? {
                0 => return text(response, count.to_string().as_bytes()),
                length => count += length,
            }
        }
    });
    app.build().serve_epoll()
}

fn text(response: &mut ResponseHandle, body: &[u8]) -> io::Result<()> {
    let mut fields = Headers::new();
    fields.add("content-type", b"text/plain; charset=utf-8");
    fields.add("server", b"khttp");
    response.ok(&fields, body)
}
