//! In the steady state a request costs no allocation.
//!
//! A program of its own: its allocator counts for each thread what that thread asks for. The
//! server's thread is looked at from within, by its handler.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver};

use basehttp::{Exchange, http_handler};
use basehttp_tests::{DEADLINE, TestServer, get, post, serve};

thread_local! {
    // Without a destructor and without lazy initialisation, so that it needs no memory itself.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

#[allow(unsafe_code)] // the trait is unsafe to implement, and there is no other way to count
// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the promises that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Answers without an allocation of its own, except where it is asked for one, and reports how many
/// its thread has made so far at every `/count`.
struct Frugal(mpsc::SyncSender<u64>);

#[http_handler]
impl Frugal {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        match http.path {
            "/count" => _ = self.0.try_send(ALLOCATIONS.get()),
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
}

fn start() -> (TestServer, Receiver<u64>) {
    let (counted, counts) = mpsc::sync_channel(16);
    (serve(Frugal(counted)), counts)
}

const ROUNDS: usize = 200;

/// Allocations of the server's thread while `requests` are sent again and again, on one connection.
fn allocations(requests: &str) -> u64 {
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
    assert_eq!(allocations(&get("/box")), ROUNDS as u64);
}
