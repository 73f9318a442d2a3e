//! A connection outlives its requests where both sides want that, and answers keep their order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

use basehttp::{Config, Exchange, Version, handler_fn, http_handler};
use basehttp_tests::{DEADLINE, echo, get, is_threading, post, serve, serve_with};

#[test]
fn persistence_follows_the_version_and_the_connection_field() {
    let server = serve(echo());
    for (version, connection, persists) in [
        ("1.1", "", true),
        ("1.1", "Connection: keep-alive\r\n", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "connection: CLOSE\r\n", false),
        ("1.1", "Connection: TE, close\r\n", false),
        ("1.1", "Connection: close, TE\r\n", false),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("1.1", "Connection: closed\r\n", true),
        ("1.1", "Connection: x-close\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true),
        ("1.0", "Connection: Keep-Alive, x\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
        ("1.7", "", true),
    ] {
        let mut client = server.connect();
        let request = format!("GET /first HTTP/{version}\r\nHost: a\r\n{connection}\r\n");
        let reply = client.send(&request).reply();
        assert_eq!(reply.brief(), (200, "GET /first "), "{request:?}");
        assert_eq!(reply.says_close(), !persists, "{request:?} {reply:?}");
        // An old client has to be told that its wish was heard.
        let told = persists && version == "1.0";
        assert_eq!(reply.header("Connection") == Some("keep-alive"), told, "{request:?}");
        if persists {
            assert_eq!(client.send(get("/second")).reply().brief(), (200, "GET /second "));
        } else {
            client.expect_closed();
        }
    }
}

#[test]
fn answers_keep_the_order_of_pipelined_requests() {
    let server = serve(echo());
    let requests: String = (0..200)
        .map(|n| match n % 3 {
            0 => get(&format!("/{n}")),
            1 => post(&format!("/{n}"), &"b".repeat(n)),
            _ => format!(
                "PUT /{n} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 3\r\n{n:03}\r\n2;x=y\r\nzz\r\n0\r\nTrailer: t\r\n\r\n"
            ),
        })
        .collect();
    for piece in [usize::MAX, 1000, 7] {
        let mut client = server.connect();
        client.send_pieces(requests.as_bytes().chunks(piece));
        for n in 0..200 {
            let expected = match n % 3 {
                0 => format!("GET /{n} "),
                1 => format!("POST /{n} {}", "b".repeat(n)),
                _ => format!("PUT /{n} {n:03}zz"),
            };
            assert_eq!(client.reply().brief(), (200, expected.as_str()), "pieces of {piece}");
        }
        client.end_writing().expect_closed();
    }
}

#[test]
fn more_pipelined_requests_than_one_turn_takes_are_all_answered() {
    let server = serve(echo());
    let mut client = server.connect();
    client.send((0..1000).map(|n| get(&format!("/{n}"))).collect::<String>());
    for n in 0..1000 {
        assert_eq!(client.reply().text(), format!("GET /{n} "));
    }
}

#[test]
fn requests_that_repeat_each_other_are_each_answered_by_themselves() {
    struct Counter(AtomicUsize);

    #[http_handler]
    impl Counter {
        fn do_GET(&self, http: &mut Exchange) -> String {
            let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            let seen = http.locals.insert(count);
            http.connection_locals.insert(count);
            match http.path {
                "/panic" => panic!("number {count}"),
                "/close" if count % 100 == 3 => http.close_connection = true,
                "/long" => return count.to_string().repeat(30_000),
                _ => {}
            }
            format!("{count} {seen:?}")
        }
    }

    let server = serve(Counter(AtomicUsize::new(0)));
    let mut next = 0;
    let mut expect = |path: &str, answers: usize, text: &dyn Fn(usize) -> String| {
        let mut client = server.connect();
        client.send(get(path).repeat(100));
        for _ in 0..answers {
            next += 1;
            assert_eq!(client.reply().text(), text(next), "{path}");
        }
        if answers < 100 {
            client.expect_closed();
        }
    };
    // Nothing of one is there for the next.
    expect("/", 100, &|count| format!("{count} None"));
    expect("/long", 100, &|count| count.to_string().repeat(30_000));
    expect("/close", 3, &|count| format!("{count} None"));
    let mut client = server.connect();
    client.send(get("/panic").repeat(100));
    assert_eq!(client.reply().status, 500);
    client.expect_closed();
}

#[test]
fn a_method_that_takes_long_does_not_part_requests_that_repeat_each_other() {
    let ((began, has_begun), (go, go_on)) = (mpsc::channel(), mpsc::channel());
    let (go_on, called) = (Mutex::new(go_on), AtomicUsize::new(0));
    let answer = move |http: &mut Exchange<'_>| {
        if http.path == "/other" {
            return "other".to_owned();
        }
        let count = called.fetch_add(1, Ordering::Relaxed) + 1;
        if count % 10 == 4 {
            began.send(()).expect("the test waits");
            let go_on = go_on.lock().expect("sound");
            go_on.recv_timeout(DEADLINE).expect("the test goes on");
        }
        count.to_string()
    };
    let config = Config { event_loops: Some(1), ..Config::default() };
    let server = serve_with(handler_fn(answer), config);
    let (mut client, mut other) = (server.connect(), server.connect());
    for round in 0..3 {
        client.send(get("/").repeat(10));
        has_begun.recv_timeout(DEADLINE).expect("the method begins");
        if is_threading() {
            // The loop is taken over.
            assert_eq!(other.send(get("/other")).reply().text(), "other");
        }
        go.send(()).expect("the method waits");
        for n in 1..=10 {
            assert_eq!(client.reply().text(), (10 * round + n).to_string());
        }
    }
}

#[test]
fn what_is_pipelined_behind_more_than_is_kept_of_answers_keeps_its_order() {
    // From the second answer on, some have to be sent before the next is made.
    let server = serve(handler_fn(|http: &mut Exchange<'_>| http.path.repeat(20_000)));
    let expecting = "POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
        Content-Length: 3\r\n\r\n";
    let mut client = server.connect();
    let requests: String = (0..8).map(|n| get(&format!("/{n}"))).collect();
    client.send(requests + expecting);
    for n in 0..8 {
        assert_eq!(client.reply().text(), format!("/{n}").repeat(20_000));
    }
    assert_eq!(client.reply().status, 100);
    let refused = "GET / HTTP/1.1\r\nHost: a b\r\n\r\n";
    client.send(["abc", &get("/f"), &get("/g"), refused, &get("/never")].concat());
    for path in ["/e", "/f", "/g"] {
        assert_eq!(client.reply().text(), path.repeat(20_000));
    }
    assert_eq!(client.reply().status, 400);
    client.expect_closed();
}

#[test]
fn what_is_pipelined_behind_a_close_is_not_answered() {
    let server = serve(echo());
    let mut client = server.connect();
    let close = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    client.send([get("/first").as_str(), close, &get("/never")].concat());
    assert_eq!(client.reply().text(), "GET /first ");
    assert_eq!(client.reply().text(), "GET /last ");
    client.expect_closed();
}

#[test]
fn one_empty_line_before_each_request_is_forgiven() {
    let server = serve(echo());
    let mut client = server.connect();
    client.send(format!("\r\n{}\r\n{}", get("/a"), get("/b")));
    assert_eq!(client.reply().text(), "GET /a ");
    assert_eq!(client.reply().text(), "GET /b ");
    client.send(format!("\r\n\r\n{}", get("/c")));
    assert_eq!(client.reply().status, 400);
    client.expect_closed();
}

#[test]
fn a_client_that_has_ended_its_side_is_still_answered() {
    let server = serve(echo());
    let mut client = server.connect();
    client.send([get("/a"), post("/b", "body")].concat()).end_writing();
    assert_eq!(client.reply().text(), "GET /a ");
    assert_eq!(client.reply().text(), "POST /b body");
    client.expect_closed();
}

#[test]
fn the_last_request_of_a_limited_connection_is_told_so() {
    let config = Config { max_requests_per_connection: Some(3), ..Config::default() };
    let server = serve_with(echo(), config);
    let mut client = server.connect();
    client.send(get("/").repeat(5));
    assert!(!client.reply().says_close());
    assert!(!client.reply().says_close());
    assert!(client.reply().says_close());
    client.expect_closed();
    server.assert_alive("a connection that was used up");
}

struct Old;

#[http_handler]
impl Old {
    const PROTOCOL_VERSION: Version = Version::HTTP_10;

    fn do_GET(&self) -> &'static str {
        "old"
    }
}

#[test]
fn a_server_of_http_10_closes_after_each_answer() {
    let server = serve(Old);
    for request in [get("/"), "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_owned()] {
        let mut client = server.connect();
        let reply = client.send(&request).reply();
        assert_eq!((reply.version.as_str(), reply.brief()), ("HTTP/1.0", (200, "old")));
        assert!(reply.says_close(), "{request:?}");
        client.expect_closed();
    }
}

#[test]
fn a_handler_cannot_keep_a_connection_that_the_client_closes() {
    // RFC 9112 §9.6: who receives `close` must close after the answer.
    let server = serve(handler_fn(|http: &mut Exchange<'_>| {
        http.send_response(200).send_header("Connection", "keep-alive").end_headers()?;
        Ok::<_, std::io::Error>("kept")
    }));
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n", // RFC 9112 §9.3: it has not asked for more.
    ] {
        let mut client = server.connect();
        let reply = client.send(request).send(get("/again")).reply();
        assert_eq!((reply.text(), reply.says_close()), ("kept", true), "{request:?} {reply:?}");
        client.expect_gone();
    }
}

/// Flushes half of its answer, and leaves the headers to be ended by that.
fn flushing() -> impl basehttp::RequestHandler + Send {
    handler_fn(|http: &mut Exchange<'_>| -> std::io::Result<()> {
        http.close_connection |= http.path == "/last";
        std::io::Write::write_all(&mut http.wfile, b"one")?;
        std::io::Write::flush(&mut http.wfile)?;
        std::io::Write::write_all(&mut http.wfile, b"two")
    })
}

#[test]
fn an_answer_that_is_ended_by_the_connection_ends_it() {
    let server = serve(flushing());
    let mut client = server.connect();
    let reply = client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").reply();
    assert_eq!((reply.text(), reply.header("connection")), ("onetwo", Some("close")));
    client.expect_closed();
}

#[test]
fn headers_that_a_write_has_ended_say_the_same_as_others() {
    let server = serve(flushing());
    let mut client = server.connect();
    for _ in 0..2 {
        let reply = client.send(get("/")).reply();
        assert_eq!((reply.text(), reply.header("connection")), ("onetwo", None));
    }
    assert_eq!(client.send(get("/last")).reply().text(), "onetwo");
    client.expect_closed();
}
