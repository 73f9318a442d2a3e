//! What the clients of `tests/clients/run` talk to: it says on which port, and serves until it is
//! killed.

use std::io::{self, Read, Write};
use std::time::Duration;

use basehttp::{Config, Exchange, ThreadingHttpServer, http_handler};

struct Clients;

#[http_handler]
impl Clients {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        match &*http.url_path() {
            "/" => {
                http.send_response(200).send_header("Content-Type", "text/html").end_headers()?;
                http.wfile.write_all(include_bytes!("page.html"))
            }
            "/long" => http.wfile.write_all(&[b'x'; 1_000_000]),
            "/stream" => {
                http.send_response(200).send_header("Trailer", "X-Pieces").end_headers()?;
                for piece in ["one ", "two ", "three"] {
                    http.wfile.write_all(piece.as_bytes())?;
                    http.wfile.flush()?;
                }
                http.send_trailer("X-Pieces", 3)
            }
            "/hints" => {
                http.send_response(103)
                    .send_header("Link", "</a.css>; rel=preload")
                    .end_headers()?;
                http.wfile.write_all(b"hinted")
            }
            "/nothing" => http.send_response(204).end_headers(),
            "/away" => http.send_response(302).send_header("Location", "/text").end_headers(),
            _ => write!(http.wfile, "{} {}", http.command, http.path),
        }
    }

    fn do_HEAD(&self, http: &mut Exchange) -> io::Result<()> {
        self.do_GET(http)
    }

    fn do_POST(&self, http: &mut Exchange) -> io::Result<()> {
        let mut length = 0;
        let mut window = [0; 16 * 1024];
        loop {
            match http.rfile.read(&mut window)? {
                0 => break,
                count => length += count,
            }
        }
        write!(http.wfile, "{} {length}", http.command)
    }

    fn do_PUT(&self, http: &mut Exchange) -> io::Result<()> {
        self.do_POST(http)
    }
}

fn main() -> io::Result<()> {
    let config =
        Config { allow_http_09: true, idle_timeout: Duration::from_secs(5), ..Config::default() };
    let server = ThreadingHttpServer::bind_with("127.0.0.1:0", Clients, config)?;
    println!("listening {}", server.server_port());
    server.serve_forever()
}
