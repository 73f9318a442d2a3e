//! Each switch of `Config` forgives one thing, and nothing without being told to.

use std::io::{self, Write};

use basehttp::{Config, Exchange, RequestHandler, Version, handler_fn};
use basehttp_tests::{TestServer, get, serve_with, shown};

/// Answers with the request as its handler sees it.
fn mirror(config: Config) -> TestServer {
    serve_with(mirroring(), config)
}

fn mirroring() -> impl RequestHandler + Send {
    handler_fn(|http: &mut Exchange<'_>| -> io::Result<String> {
        let body = http.body()?.len();
        let fields: Vec<_> = http.headers.iter().collect();
        Ok(format!("{} {} {} {fields:?} {body}", http.command, http.path, http.request_version))
    })
}

/// A switch, how it is set, and what it forgives: the request, and what its handler sees.
type Row = (&'static str, fn(&mut Config), &'static [(&'static str, &'static str)]);

const SWITCHES: [Row; 5] = [
    (
        "bare LF",
        |config| config.allow_bare_lf = true,
        &[
            ("GET / HTTP/1.1\nHost: a\n\n", r#"GET / HTTP/1.1 [("Host", "a")] 0"#),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", r#"GET / HTTP/1.1 [("Host", "a")] 0"#),
            (
                "POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc",
                r#"POST / HTTP/1.1 [("Host", "a"), ("Content-Length", "3")] 3"#,
            ),
        ],
    ),
    (
        "blanks",
        |config| config.allow_blanks = true,
        &[
            (" GET  /a\t HTTP/1.1 \r\nHost: a\r\n\r\n", r#"GET /a HTTP/1.1 [("Host", "a")] 0"#),
            ("GET\t/a\tHTTP/1.1\r\nHost: a\r\n\r\n", r#"GET /a HTTP/1.1 [("Host", "a")] 0"#),
        ],
    ),
    (
        "empty lines",
        |config| config.allow_empty_lines = true,
        &[("\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", r#"GET / HTTP/1.1 [("Host", "a")] 0"#)],
    ),
    (
        "folded fields",
        |config| config.allow_folded_fields = true,
        &[
            (
                "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n  d\r\nY: e\r\n\r\n",
                r#"GET / HTTP/1.1 [("Host", "a"), ("X", "b c d"), ("Y", "e")] 0"#,
            ),
            // The first line of a field need not have any of its value.
            ("GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n", r#"GET / HTTP/1.1 [("Host", "a")] 0"#),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\t3\r\n\r\nabc",
                r#"POST / HTTP/1.1 [("Host", "a"), ("Content-Length", "3")] 3"#,
            ),
            (
                "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                r#"PUT / HTTP/1.1 [("Host", "a"), ("Transfer-Encoding", "chunked")] 1"#,
            ),
        ],
    ),
    (
        "missing Host",
        |config| config.allow_missing_host = true,
        &[("GET / HTTP/1.1\r\nX: b\r\n\r\n", r#"GET / HTTP/1.1 [("X", "b")] 0"#)],
    ),
];

#[test]
fn what_a_switch_forgives_is_refused_without_it_and_served_with_it() {
    let strict = mirror(Config::default());
    for (name, switch, rows) in SWITCHES {
        let mut config = Config::default();
        switch(&mut config);
        let lenient = mirror(config);
        // All others on: they do not do the work of this one.
        let mut others = Config::default();
        for (other, switch, _) in SWITCHES {
            if other != name {
                switch(&mut others);
            }
        }
        let others = mirror(others);
        for (request, expected) in rows {
            for server in [&strict, &others] {
                let mut client = server.connect();
                assert_eq!(client.send(request).reply().status, 400, "{name}: {}", shown(request));
                client.expect_closed();
            }
            // In one piece with a request behind it, and byte by byte.
            let mut client = lenient.connect();
            client.send(request.to_string() + &get("/behind"));
            assert_eq!(client.reply().brief(), (200, *expected), "{name}: {}", shown(request));
            assert!(client.reply().text().starts_with("GET /behind"), "{name}: {}", shown(request));
            client.send_slowly(request);
            assert_eq!(client.reply().brief(), (200, *expected), "{name}: {}", shown(request));
        }
    }
}

fn all() -> Config {
    let mut config = Config { allow_http_09: true, ..Config::default() };
    SWITCHES.iter().for_each(|(_, switch, _)| switch(&mut config));
    config
}

#[test]
fn what_could_be_read_in_two_ways_is_refused_with_every_switch_on() {
    let server = mirror(all());
    let post = "POST / HTTP/1.1\r\nHost: a\r\n";
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\nHost: a\nX: b\0\n\n".into(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n \rc\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\x0c\r\n\r\n".into(), 400),
        (format!("{post}Content-Length: 1\r\n \r\r\n\r\na"), 400),
        ("GET / HTTP/1.1\nHost: a\nHost: b\n\n".into(), 400),
        ("GET / HTTP/1.1\nHost: a b\n\n".into(), 400),
        ("GET / HTTP/2.0\n\n".into(), 505),
        ("GET / x HTTP/1.1\nHost: a\n\n".into(), 400),
        ("GET a HTTP/1.1\nHost: a\n\n".into(), 400),
        (format!("{post}Content-Length: 1\nContent-Length: 2\n\n"), 400),
        (format!("{post}Content-Length:\n 1\nTransfer-Encoding: chunked\n\n"), 400),
        (format!("{post}Transfer-Encoding: gzip\n\n"), 501),
        (format!("{post}Transfer-Encoding: chunked\n\n1\na\n0\n\n"), 400),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\n\r\n"), 400),
        (format!("GET /{} HTTP/1.1\nHost: a\n\n", "x".repeat(20_000)), 414),
        (format!("GET / HTTP/1.1\nHost: a\nX: {}\n\n", "x".repeat(70_000)), 431),
        ("\r\n".repeat(40_000), 431),
        (format!("GET / HTTP/1.1\nHost: a\n{}\n", "A: b\n".repeat(100)), 431),
        ("POST /\r\n\r\n".into(), 400),
    ] {
        let mut client = server.connect();
        let _ = client.try_send(&request);
        let reply = client.reply();
        assert_eq!(reply.status, status, "{}: {reply:?}", shown(&request));
        client.expect_gone();
    }
    server.assert_alive("all of them");
}

#[test]
fn a_switch_changes_nothing_for_what_is_right() {
    let (strict, lenient) = (mirror(Config::default()), mirror(all()));
    for request in [
        get("/a"),
        "\r\nGET / HTTP/1.0\r\nX:  b \r\n\r\n".into(),
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
            .into(),
        "OPTIONS * HTTP/1.7\r\nHost: a\r\n\r\n".into(),
    ] {
        let strict = strict.connect().send(&request).reply();
        assert_eq!(strict.status, 200);
        assert_eq!(lenient.connect().send(&request).reply().text(), strict.text(), "{request:?}");
    }
}

#[test]
fn http_09_is_answered_by_a_body_and_nothing_else() {
    let handler = || {
        handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
            assert!(http.request_version == Version::HTTP_09 && http.headers.is_empty());
            assert_eq!(http.requestline, format!("GET {}", http.path));
            match http.path {
                "/error" => http.send_error(404),
                "/flushed" => {
                    http.send_response(103).end_headers()?;
                    http.send_response(200).flush_headers()?;
                    http.wfile.write_all(b"a")?;
                    http.wfile.flush()?;
                    http.wfile.write_all(b"b")
                }
                "/declared" => {
                    http.send_response(200).send_header("Content-Length", 2).end_headers()?;
                    http.wfile.write_all(b"ab")
                }
                "/long" => http.wfile.write_all(&[b'x'; 200_000]),
                _ => http.wfile.write_all(b"hello"),
            }
        })
    };
    let config = Config { allow_http_09: true, ..Config::default() };
    let server = serve_with(handler(), config);
    for (path, body) in [
        ("/", "hello".to_owned()),
        ("/flushed", "ab".into()),
        ("/declared", "ab".into()),
        ("/long", "x".repeat(200_000)),
    ] {
        for behind in ["", "Host: a\r\n\r\n"] {
            let mut client = server.connect();
            client.send(format!("GET {path}\r\n{behind}"));
            assert!(client.read_to_end() == body.as_bytes(), "{path}");
        }
    }
    let mut client = server.connect();
    client.send_slowly("GET /error\r\n");
    let page = String::from_utf8(client.read_to_end()).expect("text");
    assert!(page.starts_with("<!DOCTYPE HTML>"), "{page}");
    for request in ["POST /\r\n", "GET a\r\n", "GET /#\r\n", "GET  /\r\n", "get /\r\n"] {
        let mut client = server.connect();
        client.send(format!("{request}\r\n"));
        assert_eq!(client.reply().status, 400, "{request:?}");
    }
    let strict = serve_with(handler(), Config::default());
    assert_eq!(strict.connect().send("GET /\r\n\r\n").reply().status, 400);
}
