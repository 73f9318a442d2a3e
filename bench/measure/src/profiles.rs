//! What clients do: each profile is a load, and what of it is worth printing.

use crate::load::{Ends, Load};

pub struct Profile {
    pub name: &'static str,
    /// The heading in the document.
    pub title: &'static str,
    pub load: Load,
    /// Its requests are done as soon as the generator stops, so that servers can take turns.
    pub is_quick: bool,
    /// Threads for peers that answer from a pool of a fixed size.
    pub threads: usize,
    pub columns: &'static [Column],
}

/// A figure of the table; what a request costs the processor is always there.
#[derive(Clone, Copy, PartialEq)]
pub enum Column {
    RequestsPerSecond,
    MebibytesPerSecond,
    P99,
    /// The same with nobody who sleeps, just before.
    QuietP99,
    Memory,
    Threads,
}

use Column::{MebibytesPerSecond, Memory, P99, QuietP99, RequestsPerSecond, Threads};

/// What a browser sends, but for names and values that would say whose it is.
const BROWSER: &str = "\
Host: localhost:8080\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0\r
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r
Accept-Language: en-GB,en;q=0.7,de;q=0.3\r
Accept-Encoding: gzip, deflate, br, zstd\r
Referer: http://localhost:8080/articles/2024/11/how-to-keep-a-connection\r
Connection: keep-alive\r
Cookie: session=5f2c1b7e9a3d4c6f8e0b1a2c3d4e5f60; theme=dark; consent=necessary; seen=17\r
Upgrade-Insecure-Requests: 1\r
Sec-Fetch-Dest: document\r
Sec-Fetch-Mode: navigate\r
Sec-Fetch-Site: same-origin\r
Sec-Fetch-User: ?1\r
Priority: u=0, i\r
";

/// What `POST /` sends and gets back.
const BODY: &str = "twenty bytes of body";

/// What is uploaded.
const UPLOAD: usize = 20 << 20;

/// As many threads as tokio starts for blocking work, unless told otherwise.
const MANY: usize = 512;

pub fn all() -> Vec<Profile> {
    let quick = &[RequestsPerSecond][..];
    let profile = |name, title, load, columns| Profile {
        name,
        title,
        load,
        is_quick: false,
        threads: 1,
        columns,
    };
    let short = |name, title, load| Profile { is_quick: true, ..profile(name, title, load, quick) };
    let blocking = |name, title, load, columns| Profile {
        threads: MANY,
        ..profile(name, title, load, columns)
    };
    vec![
        short("pipelined", "GET, sixteen requests in a write", pipelined(16)),
        short("get", "GET on a connection that stays", get(64, "")),
        short("browser", "GET with the head of a browser", get(64, BROWSER)),
        short("post", "POST of 20 bytes by length", post()),
        short("post-chunked", "POST of 20 bytes in a chunk", post_chunked()),
        short("connect", "a new connection for each request", ending(0)),
        short("connect-ten", "a new connection for ten requests", ending(9)),
        profile("4096", "GET on 4,096 connections", get(4096, ""), &[RequestsPerSecond, Memory]),
        profile(
            "upload",
            "upload of 20 MiB",
            upload(),
            &[RequestsPerSecond, MebibytesPerSecond, Memory],
        ),
        profile(
            "big",
            "an answer of 1 MiB",
            big(),
            &[RequestsPerSecond, MebibytesPerSecond, Memory],
        ),
        blocking(
            "sleep-100",
            "a method that blocks for 10 ms, 100 connections",
            asks("/sleep10", 100),
            &[RequestsPerSecond, P99, Threads],
        ),
        blocking(
            "sleep-1000",
            "a method that blocks for 10 ms, 1,000 connections",
            asks("/sleep10", 1000),
            &[RequestsPerSecond, P99, Threads],
        ),
        blocking(
            "mixed",
            "one request in a hundred blocks for 100 ms; the others",
            mixed(),
            &[RequestsPerSecond, QuietP99, P99, Threads],
        ),
    ]
}

/// A small head, unless there are `fields`.
fn get(connections: usize, fields: &str) -> Load {
    let fields = if fields.is_empty() { "Host: localhost:8080\r\n" } else { fields };
    Load {
        connections,
        batch: format!("GET / HTTP/1.1\r\n{fields}\r\n").into_bytes(),
        requests: 1,
        answer: "Hello, world!".len(),
        slow: None,
        ends: None,
    }
}

fn asks(path: &str, connections: usize) -> Load {
    let batch = format!("GET {path} HTTP/1.1\r\nHost: localhost:8080\r\n\r\n").into_bytes();
    Load { batch, ..get(connections, "") }
}

fn pipelined(requests: usize) -> Load {
    let one = get(64, "");
    Load { batch: one.batch.repeat(requests), requests, ..one }
}

fn post() -> Load {
    let head = "POST / HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 20\r\n\r\n";
    Load { batch: format!("{head}{BODY}").into_bytes(), answer: BODY.len(), ..get(64, "") }
}

fn post_chunked() -> Load {
    let head = "POST / HTTP/1.1\r\nHost: localhost:8080\r\nTransfer-Encoding: chunked\r\n\r\n";
    let batch = format!("{head}14\r\n{BODY}\r\n0\r\n\r\n").into_bytes();
    Load { batch, answer: BODY.len(), ..get(64, "") }
}

/// The last request of each connection says so.
fn ending(batches: usize) -> Load {
    let last = b"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\n\r\n".to_vec();
    Load { ends: Some(Ends { batches, last }), ..get(64, "") }
}

fn upload() -> Load {
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: {UPLOAD}\r\n\r\n"
    );
    let mut batch = head.into_bytes();
    batch.resize(batch.len() + UPLOAD, b'x');
    Load { batch, answer: UPLOAD.to_string().len(), ..get(4, "") }
}

fn big() -> Load {
    Load { answer: 1 << 20, ..asks("/big", 16) }
}

fn mixed() -> Load {
    Load { slow: Some(asks("/sleep100", 1).batch), ..get(64, "") }
}

impl Profile {
    /// MiB that a request carries, there or back.
    pub fn mebibytes(&self) -> f64 {
        self.load.batch.len().max(self.load.answer) as f64 / (1 << 20) as f64
    }
}
