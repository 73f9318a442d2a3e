//! What two readers could read differently is refused: with which status, row by row.

use basehttp::{Config, Exchange, RequestHandler, handler_fn, http_handler};
use basehttp_tests::{TestServer, echo, get, serve, serve_with, shown};

/// Sends `request` and a sound one behind it: one answer, of that status, and the end.
fn assert_refused(server: &TestServer, request: &[u8], status: u16) {
    let mut client = server.connect();
    client.send([request, get("/behind").as_bytes()].concat());
    let reply = client.reply();
    assert_eq!(reply.status, status, "{}: {reply:?}", shown(request));
    assert!(reply.says_close(), "{}: {reply:?}", shown(request));
    assert_eq!(reply.header("Content-Type"), Some("text/html;charset=utf-8"));
    assert!(reply.text().contains(&format!("<p>Error code {status}.</p>")), "{}", reply.text());
    client.expect_closed();
}

fn assert_all_refused(rows: &[(&str, u16)]) {
    let server = serve(echo());
    for (request, status) in rows {
        assert_refused(&server, request.as_bytes(), *status);
    }
    server.assert_alive("all of them");
}

#[test]
fn line_ends_and_blanks_are_exact() {
    assert_all_refused(&[
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\rHost: a\r\r", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", 400),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("\tGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        ("GET / a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    ]);
}

#[test]
fn fields_are_a_name_a_colon_and_a_value() {
    assert_all_refused(&[
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX y: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nCaf\u{e9}: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\x1bb\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n", 400),
    ]);
}

#[test]
fn http_11_names_exactly_one_host() {
    assert_all_refused(&[
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ]);
}

#[test]
fn a_body_has_one_framing() {
    let post = |fields: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    let server = serve(echo());
    for (fields, status) in [
        ("Content-Length: abc", 400),
        ("Content-Length: +2", 400),
        ("Content-Length: -1", 400),
        ("Content-Length: 0_2", 400),
        ("Content-Length: 0x2", 400),
        ("Content-Length: 2 2", 400),
        ("Content-Length: 2.0", 400),
        ("Content-Length:", 400),
        ("Content-Length: 18446744073709551616", 400),
        ("Content-Length: 2\r\nContent-Length: 3", 400),
        ("Content-Length: 2, 3", 400),
        ("Content-Length: 2\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0", 400),
        ("Transfer-Encoding: gzip", 501),
        ("Transfer-Encoding: gzip, chunked", 501),
        ("Transfer-Encoding: chunked, gzip", 400),
        ("Transfer-Encoding: chunked,", 400),
        ("Transfer-Encoding: , chunked", 501),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: xchunked", 501),
        ("Transfer-Encoding:", 400),
        ("Transfer-Encoding : chunked", 400),
        ("Transfer-Encoding: \x0bchunked", 400),
    ] {
        assert_refused(&server, post(fields).as_bytes(), status);
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_refused(&server, old.as_bytes(), 400);
}

#[test]
fn chunked_framing_is_exact() {
    let server = serve(echo());
    let long = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(20_000));
    let trailers = format!("1\r\na\r\n0\r\n{}\r\n", "A: b\r\n".repeat(5000));
    for body in [
        "+1\r\na\r\n0\r\n\r\n",
        "-1\r\na\r\n0\r\n\r\n",
        "0x1\r\na\r\n0\r\n\r\n",
        " 1\r\na\r\n0\r\n\r\n",
        "1 \r\na\r\n0\r\n\r\n",
        "1_0\r\na\r\n0\r\n\r\n",
        "\r\na\r\n0\r\n\r\n",
        "g\r\na\r\n0\r\n\r\n",
        "10000000000000000\r\na\r\n0\r\n\r\n",
        "fffffffffffffffff\r\na\r\n0\r\n\r\n",
        "00000000000000001\r\na\r\n0\r\n\r\n",
        "1\na\r\n0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "2\r\na\r\n0\r\n\r\n",
        "1\r\na\r\n0\n\n",
        "1\r\na\r\n0\r\n\n",
        "1\r\na\r\n0\r\nno colon\r\n\r\n",
        "1;a\nb\r\na\r\n0\r\n\r\n",
        "1;a\0b\r\na\r\n0\r\n\r\n",
        &long,
        &trailers,
    ] {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_refused(&server, format!("{head}{body}").as_bytes(), 400);
    }
    server.assert_alive("all of them");
}

#[test]
fn limits_have_a_status_each() {
    let server = serve(echo());
    let fields = |count: usize| "A: b\r\n".repeat(count);
    for (request, status) in [
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(16 * 1024)), 414),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(100_000)), 414),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", fields(100)), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70_000)), 431),
        (format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "X".repeat(33)), 501),
        (format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "X".repeat(100_000)), 501),
    ] {
        assert_refused(&server, request.as_bytes(), status);
    }
    let longest = format!("/{}", "x".repeat(16 * 1024 - 1));
    for request in [
        get(&longest),
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", fields(99)),
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(65_000)),
    ] {
        assert_eq!(server.connect().send(&request).reply().status, 200, "{}", shown(&request));
    }
}

#[test]
fn limits_are_those_of_the_config() {
    let config = Config {
        max_head_bytes: 300,
        max_target_bytes: 50,
        max_header_fields: 3,
        ..Config::default()
    };
    let server = serve_with(echo(), config);
    for (request, status) in [
        (get(&format!("/{}", "x".repeat(50))), 414),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(3)), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "x".repeat(300)), 431),
    ] {
        assert_refused(&server, request.as_bytes(), status);
    }
    let sound = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(2));
    assert_eq!(server.connect().send(sound).reply().status, 200);
}

#[test]
fn limits_may_be_as_large_as_numbers_are() {
    let config = Config {
        max_head_bytes: usize::MAX,
        max_target_bytes: usize::MAX,
        max_header_fields: usize::MAX,
        max_body_bytes: u64::MAX,
        max_requests_per_connection: Some(u64::MAX),
        ..Config::default()
    };
    let server = serve_with(echo(), config);
    let target = format!("/{}", "x".repeat(100_000));
    let mut client = server.connect();
    for request in [
        get(&target),
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(1000)),
        get("/slow"),
    ] {
        let (start, rest) = request.split_at(2);
        client.send_slowly(start).send(rest);
        assert_eq!(client.reply().status, 200, "{}", shown(&request));
    }
}

#[test]
fn versions_are_1_or_refused() {
    assert_all_refused(&[
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        ("GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/+1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1_1\r\nHost: a\r\n\r\n", 400),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / FTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("POST /\r\n\r\n", 400),
        ("GET\r\n\r\n", 400),
        ("GET \r\n\r\n", 400),
    ]);
    let server = serve(echo());
    for minor in 2..=9 {
        let request = format!("GET / HTTP/1.{minor}\r\nHost: a\r\n\r\n");
        let reply = server.connect().send(&request).reply();
        assert_eq!((reply.version.as_str(), reply.status), ("HTTP/1.1", 200), "{request:?}");
    }
}

#[test]
fn methods_are_tokens_and_targets_are_uris() {
    assert_all_refused(&[
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("G\0T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GÉT / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /<a> HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /caf\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /a\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ]);
    let server = serve(echo());
    for (request, expected) in [
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * "),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "CONNECT a:80 "),
        ("GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a/b?c "),
        ("GET ///b//c HTTP/1.1\r\nHost: a\r\n\r\n", "GET /b//c "),
        ("M-SEARCH /|{}^ HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH /|{}^ "),
    ] {
        assert_eq!(server.connect().send(request).reply().brief(), (200, expected));
    }
}

#[test]
fn a_refused_head_request_has_no_body() {
    let server = serve(echo());
    let mut client = server.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
    assert_eq!(client.reply_to("HEAD").status, 400);
    client.expect_closed();
}

struct OnlyGet;

#[http_handler]
impl OnlyGet {
    fn do_GET(&self) -> &'static str {
        "got"
    }
}

#[test]
fn a_verb_without_a_method_is_501_in_python_s_words() {
    assert_eq!(OnlyGet.methods().iter().map(|method| method.name()).collect::<Vec<_>>(), ["GET"]);
    let server = serve(OnlyGet);
    for verb in ["POST", "get", "HEAD", "SPAM", "G'T", "G~T"] {
        let mut client = server.connect();
        client.send(format!("{verb} / HTTP/1.1\r\nHost: a\r\n\r\n"));
        let reply = client.reply_to(verb);
        let quoted = if verb == "G'T" { "\"G'T\"".into() } else { format!("'{verb}'") };
        assert_eq!((reply.status, reply.reason), (501, format!("Unsupported method ({quoted})")));
        client.expect_closed();
    }
    assert_eq!(server.connect().send(get("/")).reply().text(), "got");
}

#[test]
fn what_was_sent_is_escaped_on_the_page() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| {
        http.send_error_with(404, "<b>&\"", "<script>alert(1)</script>")
    }));
    let reply = server.connect().send(get("/")).reply();
    assert_eq!(reply.reason, "<b>&\"");
    assert!(reply.text().contains("<p>Message: &lt;b&gt;&amp;\".</p>"), "{}", reply.text());
    assert!(reply.text().contains("404 = &lt;script&gt;alert(1)&lt;/script&gt;."));
}

#[test]
fn a_refusal_behind_answers_that_wait_for_the_client_is_not_lost() {
    let long = handler_fn(|_: &mut Exchange<'_>| vec![b'x'; 900_000]);
    let server = serve(long);
    for before in 1..8 {
        let mut client = server.connect();
        client.send(get("/").repeat(before) + "BAD\r\n\r\n");
        for _ in 0..before {
            assert_eq!(client.reply().body.len(), 900_000);
        }
        assert_eq!(client.reply().status, 400, "behind {before}");
    }
}
