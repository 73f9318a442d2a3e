//! rouille as its documentation starts it: a thread for each connection, and one for each request.
//!
//!     peer-rouille PORT

use std::io::Read;
use std::thread;
use std::time::Duration;

use rouille::{Request, Response, start_server};

static BIG: [u8; 1 << 20] = [b'x'; 1 << 20];

fn main() {
    let port = std::env::args().nth(1).expect("a port");
    start_server(format!("127.0.0.1:{port}"), |request| {
        let body = answer(request);
        Response::from_data("text/plain; charset=utf-8", body)
    });
}

fn answer(request: &Request) -> Vec<u8> {
    match (request.method(), request.raw_url()) {
        ("GET", "/big") => BIG.to_vec(),
        ("GET", "/sleep10") => sleep(10),
        ("GET", "/sleep100") => sleep(100),
        ("POST", "/upload") => {
            let mut body = request.data().expect("nobody else has the body");
            let mut window = vec![0; 64 * 1024];
            let mut count = 0;
            while let Ok(length @ 1..) = body.read(&mut window) {
                count += length;
            }
            count.to_string().into_bytes()
        }
        ("POST", _) => {
            let mut body = Vec::new();
            let _ = request.data().expect("nobody else has the body").read_to_end(&mut body);
            body
        }
        _ => b"Hello, world!".to_vec(),
    }
}

fn sleep(milliseconds: u64) -> Vec<u8> {
    thread::sleep(Duration::from_millis(milliseconds));
    b"Hello, world!".to_vec()
}
