//! tiny_http: a thread for each connection, and as many as are asked for to answer.
//!
//!     peer-tiny_http PORT THREADS

use std::thread;
use std::time::Duration;

use tiny_http::{Header, Method, Request, Response, Server};

static BIG: [u8; 1 << 20] = [b'x'; 1 << 20];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().expect("a port");
    let threads: usize = arguments.next().expect("a number of threads").parse().expect("a number");
    let server = Server::http(format!("127.0.0.1:{port}")).expect("a free port");
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| server.incoming_requests().for_each(answer));
        }
    });
}

fn answer(mut request: Request) {
    let body = match (request.method(), request.url()) {
        (Method::Get, "/big") => BIG.to_vec(),
        (Method::Get, "/sleep10") => sleep(10),
        (Method::Get, "/sleep100") => sleep(100),
        (Method::Post, "/upload") => {
            let mut window = vec![0; 64 * 1024];
            let mut count = 0;
            while let Ok(length @ 1..) = request.as_reader().read(&mut window) {
                count += length;
            }
            count.to_string().into_bytes()
        }
        (Method::Post, _) => {
            let mut body = Vec::new();
            let _ = request.as_reader().read_to_end(&mut body);
            body
        }
        _ => b"Hello, world!".to_vec(),
    };
    let text: Header = "Content-Type: text/plain; charset=utf-8".parse().expect("a field");
    // What fails here is a client that has left.
    let _ = request.respond(Response::from_data(body).with_header(text));
}

fn sleep(milliseconds: u64) -> Vec<u8> {
    thread::sleep(Duration::from_millis(milliseconds));
    b"Hello, world!".to_vec()
}
