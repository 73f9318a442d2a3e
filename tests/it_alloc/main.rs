//! In the steady state a request costs no allocation, and an idle connection little memory.
//!
//! A program of its own: its allocator counts for each thread what that thread asks for, and what
//! it holds. The server's thread is looked at from within, by its handler.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver};

use basehttp::{Exchange, http_handler};
use basehttp_tests::{Client, DEADLINE, TestServer, affordable_connections, get, post, serve};

thread_local! {
    // Without a destructor and without lazy initialisation, so that it needs no memory itself.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static HELD_BYTES: Cell<i64> = const { Cell::new(0) };
}

fn hold(bytes: usize) {
    HELD_BYTES.set(HELD_BYTES.get() + bytes as i64);
}

fn release(bytes: usize) {
    HELD_BYTES.set(HELD_BYTES.get() - bytes as i64);
}

struct Counting;

#[allow(unsafe_code)] // the trait is unsafe to implement, and there is no other way to count
// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        hold(layout.size());
        // SAFETY: the caller keeps the promises that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        release(layout.size());
        hold(size);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        release(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Answers without an allocation of its own, except where it is asked for one, and reports how many
/// its thread has made so far at every `/count`, and how many bytes it holds at every `/held`.
struct Frugal(mpsc::SyncSender<i64>);

#[http_handler]
impl Frugal {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        match http.path {
            "/count" => _ = self.0.try_send(ALLOCATIONS.get() as i64),
            "/held" => _ = self.0.try_send(HELD_BYTES.get()),
            "/box" => drop(std::hint::black_box(Box::new(1))),
            _ => {}
        }
        http.send_response(200)
            .send_header("Content-Type", "text/plain; charset=utf-8")
            .send_header("X-Number", 7)
            .end_headers()?;
        let agent = http.headers.get("user-agent").unwrap_or("stranger");
        writeln!(http.wfile, "{} {agent}", http.path)
    }

    fn do_POST(&self, http: &mut Exchange) -> io::Result<()> {
        let (mut piece, mut sum) = ([0; 64], 0);
        loop {
            match http.rfile.read(&mut piece)? {
                0 => break,
                count => sum += count,
            }
        }
        http.send_response(200).end_headers()?;
        write!(http.wfile, "{sum}")
    }

    fn do_PUT(&self) -> &'static str {
        "put"
    }

    /// Leaves in its exchange what one can hold, short of a mistake and of a body that breaks off.
    fn do_PATCH(&self, http: &mut Exchange) -> io::Result<()> {
        http.locals.insert(vec![0u8; 100]);
        http.send_header("X-Early", "a field before the status")
            .send_response(200)
            .send_header("Trailer", "X-Sum")
            .end_headers()?;
        // More than comes with the head, and what stands behind it.
        io::copy(&mut http.rfile, &mut io::sink())?;
        assert!(http.rfile.trailers().get("x-left").is_some());
        write!(http.wfile, "patched")?;
        http.send_trailer("X-Sum", "of all that was sent")
    }
}

fn start() -> (TestServer, Receiver<i64>) {
    let (counted, counts) = mpsc::sync_channel(16);
    (serve(Frugal(counted)), counts)
}

const ROUNDS: usize = 200;

/// Allocations of the server's thread while `requests` are sent again and again, on one connection.
fn allocations(requests: &str) -> i64 {
    let (server, counts) = start();
    let mut client = server.connect();
    let in_one = requests.matches(" HTTP/1.1\r\n").count();
    let mut count_after = |rounds: usize| {
        for _ in 0..rounds {
            client.send(requests);
            for _ in 0..in_one {
                assert_eq!(client.reply().status, 200);
            }
        }
        client.send(get("/count")).reply();
        counts.recv_timeout(DEADLINE).expect("the handler counts")
    };
    // What is counted with has its place from the first time on, too.
    count_after(0);
    let warm = count_after(20);
    count_after(ROUNDS) - warm
}

#[test]
fn requests_cost_no_allocation() {
    let browser = "GET /a?b=c HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Mozilla/5.0\r\n\
         Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
         Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n\
         Connection: keep-alive\r\nCookie: a=b; c=d\r\nUpgrade-Insecure-Requests: 1\r\n\
         Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n\r\n";
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    for (what, requests) in [
        ("a GET", get("/")),
        ("a browser's GET", browser.to_owned()),
        ("32 pipelined GETs", get("/").repeat(32)),
        ("a small POST", post("/", "hello")),
        ("a POST of 10 KB", post("/", &"x".repeat(10_000))),
        ("a chunked POST", chunked.to_owned()),
        ("a returned value", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("all of them", get("/") + browser + &post("/", "hello") + chunked),
    ] {
        assert_eq!(allocations(&requests), 0, "in {ROUNDS} rounds of {what}");
    }
}

#[test]
fn an_allocation_would_be_seen() {
    assert_eq!(allocations(&get("/box")), ROUNDS as i64);
}

#[test]
fn what_an_exchange_held_is_given_back() {
    let (server, counts) = start();
    let mut client = server.connect();
    let body = format!("{:x}\r\n{}\r\n0\r\nX-Left: yes\r\n\r\n", 200_000, "x".repeat(200_000));
    let patch = format!("PATCH / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    let mut held_after = |rounds: usize| {
        for _ in 0..rounds {
            let (mut answer, mut piece) = (Vec::new(), [0; 512]);
            client.send(&patch);
            while !answer.ends_with(b"\r\n0\r\nX-Sum: of all that was sent\r\n\r\n") {
                let count = client.stream().read(&mut piece).expect("the answer goes on");
                assert!(count > 0, "{}", answer.escape_ascii());
                answer.extend_from_slice(&piece[..count]);
            }
        }
        client.send(get("/held")).reply();
        counts.recv_timeout(DEADLINE).expect("the handler counts")
    };
    held_after(0);
    let before = held_after(5);
    assert_eq!(held_after(50) - before, 0, "bytes, after 50 requests more");
}

#[test]
fn an_idle_connection_costs_little_memory() {
    const MOST: i64 = 1536; // bytes for each, and more than four times what it is
    let (server, counts) = start();
    let mut client = server.connect();
    let mut held = || {
        client.send(get("/held")).reply();
        counts.recv_timeout(DEADLINE).expect("the handler counts")
    };
    held();
    let before = held();
    // Each has been used, and has given back what it was lent.
    let idle: Vec<Client> = (0..affordable_connections(5000))
        .map(|_| {
            let mut client = server.connect();
            assert_eq!(client.send(get("/")).reply().status, 200);
            client
        })
        .collect();
    let each = (held() - before) / idle.len() as i64;
    assert!(each < MOST, "{each} bytes for each of {} connections", idle.len());
}
