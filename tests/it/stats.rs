//! A server counts what it does, and tells at any time.

use std::panic;
use std::time::Instant;

use basehttp::{BadRequest, Exchange, PeerAddress, http_handler};
use basehttp_tests::{Client, DEADLINE, echo, get, is_threading, serve};

/// Waits for a count that may lag by the turn under way.
fn eventually(what: &str, count: impl Fn() -> u64, expected: u64) {
    let start = Instant::now();
    while count() != expected {
        assert!(start.elapsed() < DEADLINE, "{what}: {} instead of {expected}", count());
        std::thread::yield_now();
    }
}

#[test]
fn connections_and_requests_are_counted() {
    let server = serve(echo());
    let stats = server.stats();
    assert_eq!((stats.connections(), stats.open_connections(), stats.requests()), (0, 0, 0));
    let mut clients: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(get("/").repeat(5));
        for _ in 0..5 {
            assert_eq!(client.reply().status, 200);
        }
    }
    assert_eq!((stats.connections(), stats.open_connections()), (3, 3));
    eventually("requests", || stats.requests(), 15);
    clients.pop();
    eventually("open connections", || stats.open_connections(), 2);
    drop(clients);
    eventually("open connections", || stats.open_connections(), 0);
    assert_eq!(stats.connections(), 3);
    assert_eq!(
        (stats.panics(), stats.refused(), stats.turned_away(), stats.waiting()),
        (0, 0, 0, 0)
    );
    if !is_threading() {
        assert_eq!(stats.take_overs(), 0, "nobody is there to take over");
    }
    // They are the same numbers wherever they are read, after the end too.
    drop(server);
    assert_eq!((stats.connections(), stats.requests()), (3, 15));
}

#[test]
fn what_a_stop_cuts_is_closed() {
    let server = serve(echo());
    let (stats, clients) = (server.stats(), [server.connect(), server.connect()]);
    server.assert_alive("two that say nothing");
    server.stop();
    assert_eq!((stats.connections(), stats.open_connections()), (3, 0));
    drop(clients);
}

#[test]
fn refusals_are_counted_by_their_reason() {
    let server = serve(echo());
    let stats = server.stats();
    let (no_host, no_length) =
        ("GET / HTTP/1.1\r\n\r\n", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n");
    for request in [no_host, no_host, no_length] {
        assert_eq!(server.connect().send(request).reply().status, 400);
    }
    assert_eq!(stats.refused_for(BadRequest::Host), 2);
    assert_eq!(stats.refused_for(BadRequest::ContentLength), 1);
    assert_eq!((stats.refused_for(BadRequest::HeadTooLarge), stats.refused()), (0, 3));
    // A refused one is an answered one.
    eventually("requests", || stats.requests(), 3);
}

struct Panicking;

#[http_handler]
impl Panicking {
    fn do_GET(&self) -> &'static str {
        panic::resume_unwind(Box::new("a method"))
    }

    fn do_POST(&self, http: &mut Exchange) -> String {
        http.server.stats().panics().to_string()
    }

    fn verify_request(&self, _peer: &PeerAddress) -> bool {
        true
    }
}

#[test]
fn panics_are_counted_and_a_handler_can_read_the_count() {
    let server = serve(Panicking);
    for _ in 0..12 {
        assert_eq!(server.connect().send(get("/")).reply().status, 500);
    }
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(server.connect().send(post).reply().text(), "12");
    assert_eq!(server.stats().panics(), 12);
}
