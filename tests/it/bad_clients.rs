//! Whatever a client does, the next one is served.

use std::io::{self, Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use basehttp::{Config, Exchange, RequestHandler, handler_fn};
use basehttp_tests::{DEADLINE, TestServer, echo, get, serve, serve_with, shown};

#[test]
fn nonsense_is_refused() {
    let server = serve(echo());
    let client_hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(40);
    let all_bytes: Vec<u8> = (0..=255).collect();
    for bytes in [
        &client_hello[..],
        &all_bytes,
        b"\0",
        b"\x16",
        b"\xff\xfe",
        b"\r\r\r\r",
        b"\n\n\n\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"EHLO example.org\r\n",
        b"{\"json\": true}\r\n\r\n",
        b"GET / HTTP/1.1\r\n\xff\xff\xff: \xff\r\n\r\n",
    ] {
        let mut client = server.connect();
        let reply = client.send(bytes).end_writing().reply();
        assert_eq!((reply.status, reply.says_close()), (400, true), "{}", shown(bytes));
        client.expect_closed();
        server.assert_alive(&shown(bytes));
    }
}

#[test]
fn a_head_of_10_mib_is_refused_and_the_refusal_can_be_read() {
    let server = serve(echo());
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n");
    client.send("X: 0123456789012345678901234567890123456789\r\n".repeat(220_000));
    let reply = client.reply();
    assert_eq!((reply.status, reply.says_close()), (431, true));
    client.expect_closed();
    server.assert_alive("a head of 10 MiB");
}

#[test]
fn a_head_may_come_byte_by_byte() {
    let server = serve(echo());
    let mut client = server.connect();
    let reply = client
        .send_slowly(format!("GET /slow HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(300)));
    assert_eq!(reply.reply().text(), "GET /slow ");
}

#[test]
fn a_client_may_leave_at_any_point() {
    let handler = handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        http.body()?;
        let long = vec![b'x'; if http.path == "/long" { 30_000_000 } else { 1 }];
        http.wfile.write_all(&long)
    });
    let server = serve(handler);
    let long_body = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\nonly a start";
    for bytes in [
        "",
        "GE",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
        long_body,
        &get("/short"),
        &get("/short").repeat(300),
        &get("/long"),
    ] {
        // With a goodbye, or without; at once, or after the first bytes of the answer.
        let mut client = server.connect();
        client.send(bytes);
        drop(client);
        let mut client = server.connect();
        client.send(bytes);
        client.reset();
        if bytes == get("/long") {
            let mut client = server.connect();
            client.send(bytes).read_some(1000);
            drop(client);
            let mut client = server.connect();
            client.send(bytes).read_some(1000);
            client.reset();
        }
        server.assert_alive(&shown(bytes));
    }
}

/// Deadlines short enough to be waited for, each of them told apart by the others being long.
fn impatient() -> Config {
    let long = Duration::from_secs(60);
    Config { head_timeout: long, idle_timeout: long, body_timeout: long, ..Config::default() }
}

const SHORT: Duration = Duration::from_millis(300);

/// Insists that what happened since `start` took the short deadline, and not much longer.
fn assert_on_time(start: Instant) {
    let waited = start.elapsed();
    assert!(waited >= SHORT - Duration::from_millis(20), "only {waited:?}");
    assert!(waited < DEADLINE / 2, "{waited:?}");
}

#[test]
fn who_idles_after_a_slow_head_has_no_longer_for_it() {
    let server = serve_with(echo(), Config { idle_timeout: SHORT, ..impatient() });
    let mut client = server.connect();
    let request = get("/");
    let (start_of_head, rest) = request.split_at(10);
    client.send(start_of_head);
    // It is looked at meanwhile, and has time.
    std::thread::sleep(2 * SHORT);
    assert_eq!(client.send(rest).reply().status, 200);
    let start = Instant::now();
    client.expect_closed();
    assert_on_time(start);
}

#[test]
fn a_slow_head_is_408() {
    let server = serve_with(echo(), Config { head_timeout: SHORT, ..impatient() });
    for start_of_head in ["G", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        for bytes in [start_of_head.to_owned(), get("/") + start_of_head] {
            let mut client = server.connect();
            let start = Instant::now();
            client.send(&bytes);
            if bytes.len() > start_of_head.len() {
                assert_eq!(client.reply().status, 200);
            }
            let reply = client.reply();
            assert_eq!((reply.status, reply.says_close()), (408, true), "{bytes:?}");
            client.expect_closed();
            assert_on_time(start);
        }
    }
}

#[test]
fn the_deadline_of_a_head_is_not_renewed_by_its_bytes() {
    let server = serve_with(echo(), Config { head_timeout: SHORT, ..impatient() });
    let mut client = server.connect();
    let start = Instant::now();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    client.stream().set_nonblocking(true).expect("can poll");
    let mut answer = [0; 1];
    // A byte every few milliseconds, until the answer is there.
    while client.stream().peek(&mut answer).is_err() {
        assert!(start.elapsed() < DEADLINE, "it goes on for ever");
        let _ = client.try_send("x");
        std::thread::sleep(Duration::from_millis(5));
    }
    client.stream().set_nonblocking(false).expect("can wait");
    assert_eq!(client.reply().status, 408);
    assert_on_time(start);
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    // Twice as long as elsewhere, since it must not end between connecting and sending.
    let server = serve_with(echo(), Config { idle_timeout: 2 * SHORT, ..impatient() });
    let start = Instant::now();
    server.connect().expect_closed();
    assert_on_time(start);
    let mut client = server.connect();
    let start = Instant::now();
    assert_eq!(client.send(get("/")).reply().status, 200);
    client.expect_closed();
    assert_on_time(start);
}

#[test]
fn a_slow_body_is_408() {
    let config = Config { body_timeout: SHORT, min_body_rate: u32::MAX, ..impatient() };
    let server = serve_with(echo(), config);
    // The last of them is waited for by its method.
    for (length, sent) in [(10, 4), (100_000, 4), (100_000, 70_000)] {
        let mut client = server.connect();
        let start = Instant::now();
        client.send(format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
        client.send(vec![b'b'; sent]);
        let reply = client.reply();
        assert_eq!((reply.status, reply.says_close()), (408, true), "{length}: {reply:?}");
        client.expect_closed();
        assert_on_time(start);
    }
    server.assert_alive("slow bodies");
}

#[test]
fn bytes_that_come_earn_a_long_body_more_time() {
    let config = Config { body_timeout: SHORT, min_body_rate: 1000, ..impatient() };
    let server = serve_with(echo(), config);
    let mut client = server.connect();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
    client.send("x".repeat(199_000));
    let start = Instant::now();
    while start.elapsed() < 2 * SHORT {
        client.send("x");
        std::thread::sleep(Duration::from_millis(10));
    }
    client.send("x".repeat(1000));
    assert_eq!(client.reply().status, 200);
}

/// Answers `/endless` with far more than the kernel keeps for a client that does not read, and
/// `/ignored` too, without a look at what becomes of it.
fn endless(ended: mpsc::Sender<io::ErrorKind>) -> impl RequestHandler + Send + Sync {
    handler_fn(move |http: &mut Exchange<'_>| -> io::Result<()> {
        http.send_response(200);
        if http.path == "/alive" {
            return Ok(());
        }
        let piece = vec![b'x'; 1024 * 1024];
        let result = (0..200).try_for_each(|_| http.wfile.write_all(&piece));
        let error = result.as_ref().map_or_else(io::Error::kind, |()| io::ErrorKind::Other);
        let _ = ended.send(error);
        if http.path == "/ignored" { Ok(()) } else { result }
    })
}

#[test]
fn a_client_that_takes_nothing_is_cut() {
    for path in ["/endless", "/ignored"] {
        let (ended, end) = mpsc::channel();
        let server = serve_with(endless(ended), Config { write_timeout: SHORT, ..impatient() });
        let mut client = server.connect();
        let start = Instant::now();
        client.send(get(path) + &get("/alive"));
        assert_eq!(end.recv_timeout(DEADLINE), Ok(io::ErrorKind::TimedOut), "{path}");
        assert_on_time(start);
        server.assert_alive(path);
        // The kernel does not go on offering it the rest, and behind the cut there is no answer.
        let mut answer = Vec::new();
        let end = client.stream().read_to_end(&mut answer).map_err(|error| error.kind());
        assert_eq!(end, Err(io::ErrorKind::ConnectionReset), "{path}");
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(text.matches("HTTP/1.1").count(), 1, "{path}: {}", shown(&answer));
    }
}

#[test]
fn a_client_that_takes_too_little_is_cut() {
    // It takes some all the time, and what it takes is never enough.
    let (ended, end) = mpsc::channel();
    let config = Config { write_timeout: SHORT, min_write_rate: u32::MAX, ..impatient() };
    let server = serve_with(endless(ended), config);
    let mut client = server.connect();
    client.send(get("/endless"));
    let start = Instant::now();
    let kind = loop {
        client.read_some(256 * 1024);
        match end.recv_timeout(Duration::from_millis(5)) {
            Ok(kind) => break kind,
            Err(_) => assert!(start.elapsed() < DEADLINE, "it goes on for ever"),
        }
    };
    assert_eq!(kind, io::ErrorKind::TimedOut);
    server.assert_alive("a client that takes too little");
}

#[test]
fn a_short_answer_that_nobody_takes_is_cut_by_the_loop() {
    let body = vec![b'x'; 900_000];
    let handler = handler_fn(move |http: &mut Exchange<'_>| {
        http.send_response(200).end_headers()?;
        http.wfile.write_all(&body)
    });
    let server: TestServer = serve_with(handler, Config { write_timeout: SHORT, ..impatient() });
    let mut client = server.connect();
    client.send(get("/").repeat(20));
    // Somebody else is served meanwhile: no thread waits for the slow one.
    server.assert_alive("a client that does not read");
    let start = Instant::now();
    client.stream().set_nonblocking(true).expect("can poll");
    // Until the server has hung up, each byte that is sent is taken.
    while client.try_send("G").is_ok() {
        assert!(start.elapsed() < DEADLINE, "it is never cut");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_answer_that_only_the_end_of_the_connection_ends_never_looks_whole_when_it_is_cut() {
    let handler = handler_fn(|http: &mut Exchange<'_>| {
        let mebibytes = http.url_path().trim_start_matches('/').parse().unwrap_or(0);
        http.send_response(200).end_headers()?;
        (0..mebibytes).try_for_each(|_| http.wfile.write_all(&[b'x'; 1024 * 1024]))
    });
    let server = serve_with(handler, Config { write_timeout: SHORT, ..impatient() });
    let mut cut = 0;
    // The kernel takes some of these, a loop waits for the end of some, and a handler for others.
    for mebibytes in 0..=8 {
        let mut client = server.connect();
        client.send(format!("GET /{mebibytes} HTTP/1.0\r\n\r\n"));
        let start = Instant::now();
        while server.stats().requests() < mebibytes + 1 || server.stats().open_connections() > 0 {
            assert!(start.elapsed() < DEADLINE, "{mebibytes} MiB: it is never cut");
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut answer = Vec::new();
        match client.stream().read_to_end(&mut answer) {
            Ok(_) => {
                let body = answer.iter().rev().take_while(|byte| **byte == b'x').count() as u64;
                assert_eq!(body, mebibytes * 1024 * 1024, "it looks whole");
            }
            Err(_) => cut += 1,
        }
    }
    assert!(cut > 0, "nothing was cut");
}
