//! A server in a process of its own, so that its memory, threads and files can be counted.
//!
//! Arguments: `http` or `threading`, and `impatient=300` for deadlines of so many milliseconds.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, panic};

use basehttp::{Config, Exchange, HttpServer, ThreadingHttpServer, http_handler};

/// Does what paths say.
#[derive(Default)]
struct Told {
    files: Mutex<Vec<File>>,
}

#[http_handler]
impl Told {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match http.path {
            // Without the words that the hook for panics would print 10,000 times.
            "/panic" => {
                drop(files);
                panic::resume_unwind(Box::new("a handler"))
            }
            "/hold" => files.extend(std::iter::from_fn(|| File::open("/dev/null").ok())),
            "/release" => files.clear(),
            _ => {}
        }
        drop(files);
        http.send_response(200);
        if http.path == "/mib" {
            http.send_header("Content-Length", MIB.len());
        }
        http.end_headers()?;
        match http.path {
            "/mib" => http.wfile.write_all(MIB),
            "/panics" => write!(http.wfile, "{}", http.server.stats().panics()),
            "/open" => write!(http.wfile, "{}", http.server.stats().open_connections()),
            path => writeln!(http.wfile, "hello {path}"),
        }
    }

    fn do_PUT(&self, http: &mut Exchange) -> io::Result<String> {
        let body = http.body()?;
        Ok(format!("{} {}", http.path, body.len()))
    }
}

static MIB: &[u8] = &[b'x'; 1024 * 1024];

fn main() -> io::Result<()> {
    let impatient =
        env::args().find_map(|argument| argument.strip_prefix("impatient=")?.parse().ok());
    let config = match impatient.map(Duration::from_millis) {
        Some(short) => Config {
            head_timeout: short,
            body_timeout: short,
            write_timeout: short,
            min_body_rate: u32::MAX,
            ..Config::default()
        },
        None => Config::default(),
    };
    let handler = Told::default();
    if env::args().any(|argument| argument == "threading") {
        let server = ThreadingHttpServer::bind_with("127.0.0.1:0", handler, config)?;
        println!("{}", server.server_address());
        server.serve_until_signal()
    } else {
        let server = HttpServer::bind_with("127.0.0.1:0", handler, config)?;
        println!("{}", server.server_address());
        server.serve_until_signal()
    }
}
