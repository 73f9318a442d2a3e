//! What `send_response`, `send_header`, `send_error` and `end_headers` put on the wire.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use basehttp::{Exchange, Handled, IntoResponse, Response, Status, handler_fn};
use basehttp_tests::{Framing, Reply, get, serve};

/// The answer of a handler to one request.
pub(crate) fn answer(
    request: &str,
    handler: impl Fn(&mut Exchange<'_>) -> io::Result<()> + Send + Sync + 'static,
) -> Reply {
    let server = serve(handler_fn(handler));
    let mut client = server.connect();
    client.send(request).reply_to(request.split(' ').next().unwrap_or_default())
}

#[test]
fn send_response_adds_server_and_date() {
    let reply = answer(&get("/"), |http| http.send_response(200).end_headers());
    let names: Vec<_> = reply.headers.iter().map(|field| field.0.as_str()).collect();
    assert_eq!(names, ["Server", "Date", "Content-Length"]);
    assert_eq!((reply.version.as_str(), reply.reason.as_str()), ("HTTP/1.1", "OK"));

    let reply = answer(&get("/"), |http| http.send_response_with(299, "Fine by me").end_headers());
    assert_eq!((reply.status, reply.reason.as_str()), (299, "Fine by me"));

    let reply = answer(&get("/"), |http| http.send_response_only(200).end_headers());
    assert_eq!((reply.header("Server"), reply.header("Date").is_some()), (None, true));
}

#[test]
fn own_server_and_date_fields_replace_those_of_the_server() {
    let reply = answer(&get("/"), |http| {
        http.send_response(200)
            .send_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
            .send_header("server", "mine")
            .end_headers()
    });
    assert_eq!(reply.header("Date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(reply.header("Server"), Some("mine"));
}

#[test]
fn the_date_is_now() {
    let before = SystemTime::now();
    let reply = answer(&get("/"), |http| {
        let date = http.date_time_string();
        http.send_response(200).send_header("X-Now", date).end_headers()
    });
    let near: Vec<String> = (0..=12)
        .map(|second| before + Duration::from_secs(second))
        .chain([before - Duration::from_secs(1)])
        .map(|time| basehttp::HttpDate::from(time).to_string())
        .collect();
    for name in ["Date", "X-Now"] {
        let date = reply.header(name).expect("it is there").to_owned();
        assert!(near.contains(&date), "{name}: {date}");
    }
}

#[test]
fn the_date_goes_on() {
    let server = serve(handler_fn(|_: &mut Exchange<'_>| ""));
    let mut client = server.connect();
    let start = SystemTime::now();
    let first = client.send(get("/")).reply().header("Date").map(str::to_owned);
    loop {
        let date = client.send(get("/")).reply().header("Date").map(str::to_owned);
        if date != first {
            break;
        }
        let waited = start.elapsed().unwrap_or_default();
        assert!(waited < basehttp_tests::DEADLINE, "the clock stands still at {date:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn values_of_many_kinds_are_sent() {
    let reply = answer(&get("/"), |http| {
        http.send_response(200)
            .send_header("A", "text")
            .send_header("B", String::from("owned"))
            .send_header("C", 7)
            .send_header("D", format_args!("{}-{}", 1, 2))
            .send_header("E", SystemTime::UNIX_EPOCH)
            .send_header("F", "caf\u{e9}")
            .send_header("G", b"caf\xe9")
            .send_header("H", "")
            .send_header("I", "a\tb")
            .end_headers()
    });
    for (name, value) in [
        ("A", "text"),
        ("B", "owned"),
        ("C", "7"),
        ("D", "1-2"),
        ("E", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("F", "caf\u{c3}\u{a9}"), // UTF-8, read as Latin-1
        ("G", "caf\u{e9}"),
        ("H", ""),
        ("I", "a\tb"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
}

#[test]
fn fields_sent_before_the_status_go_out_with_whatever_follows() {
    for (path, status) in [("/fine", 200), ("/error", 404), ("/failed", 500), ("/panic", 500)] {
        let reply = answer(&get(path), |http| {
            http.send_header("X-Request-Id", 7);
            match http.path {
                "/error" => http.send_error(404),
                "/failed" => Err(io::Error::other("failed")),
                "/panic" => panic!("failed"),
                _ => http.send_response(200).send_header("X-Second", 8).end_headers(),
            }
        });
        assert_eq!((reply.status, reply.header("X-Request-Id")), (status, Some("7")), "{path}");
        assert_eq!(reply.header("X-Second").is_some(), status == 200, "{path}");
    }
}

#[test]
fn send_error_takes_the_place_of_what_was_begun() {
    let reply = answer(&get("/"), |http| {
        http.send_response(200).send_header("X-Gone", 1).end_headers()?;
        http.wfile.write_all(b"half an answer")?;
        http.send_error_with(409, "Changed my mind", "It happens")
    });
    assert_eq!((reply.status, reply.reason.as_str()), (409, "Changed my mind"));
    assert_eq!((reply.header("X-Gone"), reply.header("Connection")), (None, Some("close")));
    assert!(reply.text().contains("<p>Message: Changed my mind.</p>"), "{}", reply.text());
    assert!(reply.text().contains("409 = It happens."), "{}", reply.text());
    assert!(!reply.text().contains("half"), "{}", reply.text());
}

#[test]
fn send_error_has_no_page_where_there_can_be_none() {
    for (method, code, has_length) in
        [("GET", 204, false), ("GET", 304, false), ("HEAD", 404, true), ("GET", 205, true)]
    {
        let request = format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n");
        let reply = answer(&request, move |http| http.send_error(code));
        assert_eq!((reply.status, reply.body.len()), (code, 0), "{method} {code}: {reply:?}");
        assert_eq!(reply.header("Content-Length").is_some(), has_length, "{method} {code}");
        assert_eq!(reply.header("Content-Type").is_some(), method == "HEAD", "{method} {code}");
    }
}

#[test]
fn flush_headers_sends_the_head_at_once() {
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let server = serve(handler_fn(move |http: &mut Exchange<'_>| -> io::Result<()> {
        http.send_response(200).send_header("X-First", 1).flush_headers()?;
        let _ = gone.lock().expect("alone").recv_timeout(basehttp_tests::DEADLINE);
        http.wfile.write_all(b"second")
    }));
    let mut client = server.connect();
    client.send(get("/"));
    let mut start = [0; 8];
    client.stream().peek(&mut start).expect("the head is there before the body is written");
    assert_eq!(&start, b"HTTP/1.1");
    go.send(()).expect("the handler waits");
    let reply = client.reply();
    assert_eq!((reply.text(), reply.framing), ("second", Framing::Chunked));
}

#[test]
fn interim_answers_come_first_and_only_to_new_clients() {
    let handler = |http: &mut Exchange<'_>| -> io::Result<()> {
        http.send_response(103).send_header("Link", "</a.css>; rel=preload").end_headers()?;
        http.send_response(102).end_headers()?;
        http.send_response(200).send_header("X-Real", 1).end_headers()?;
        http.wfile.write_all(b"real")
    };
    let server = serve(handler_fn(handler));
    let mut client = server.connect();
    client.send(get("/"));
    let early = client.reply();
    assert_eq!((early.status, early.headers.len()), (103, 1), "{early:?}");
    assert_eq!(early.header("Link"), Some("</a.css>; rel=preload"));
    assert_eq!(client.reply().status, 102);
    let reply = client.reply();
    assert_eq!((reply.brief(), reply.header("Link")), ((200, "real"), None));
    // RFC 9110 §15.2: never to a client of HTTP/1.0.
    let mut client = server.connect();
    assert_eq!(client.send("GET / HTTP/1.0\r\n\r\n").reply().brief(), (200, "real"));
}

#[test]
fn a_status_beside_a_value_is_the_status_of_the_answer() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| -> Handled {
        match http.path {
            "/text" => (404, "none").respond(http),
            "/status" => (404, Status::OK).respond(http),
            "/response" => (404, Response::new(200).header("A", "b").body("none")).respond(http),
            _ => {
                http.send_response(202);
                (404, "begun").respond(http)
            }
        }
    }));
    let mut client = server.connect();
    for (path, expected) in [
        ("/text", (404, "none")),
        ("/status", (404, "")),
        ("/response", (404, "none")),
        ("/begun", (202, "begun")),
    ] {
        assert_eq!(client.send(get(path)).reply().brief(), expected, "{path}");
    }
}
