//! Fields behind a body, both ways: they are shown when the body is over, and replace nothing.

use std::io::{self, Write};

use basehttp::{Exchange, handler_fn};
use basehttp_tests::{Framing, get, serve, shown};

const HEAD: &str = "POST / HTTP/1.1\r\nHost: a\r\nX-Sum: 0\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn trailers_of_a_request_are_shown_without_those_that_must_not_stand_there() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<String> {
        assert!(http.rfile.trailers().is_empty(), "nothing is shown before the body is read");
        let length = http.body()?.len();
        let text = format!("{length} {} {:?}", http.headers.len(), http.rfile.trailers());
        Ok(text)
    }));
    let mut client = server.connect();
    for (body, expected) in [
        ("0\r\n\r\n".to_owned(), "0 3 {}"),
        ("5\r\nhello\r\n0\r\nX-Sum: 7\r\nx-sum: 8\r\n\r\n".into(), r#"5 3 {"X-Sum": "7", "x-sum": "8"}"#),
        (
            "1\r\na\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: b\r\nAuthorization: c\r\n\
             Content-Type: d\r\nTrailer: e\r\nX: caf\u{e9}\r\n\r\n"
                .into(),
            "1 3 {\"X\": \"caf\u{e9}\"}",
        ),
        (
            format!("{:x}\r\n{}\r\n0\r\nX-Sum: 9\r\n\r\n", 100_000, "b".repeat(100_000)),
            r#"100000 3 {"X-Sum": "9"}"#,
        ),
    ] {
        let reply = client.send(HEAD.to_owned() + &body).reply();
        assert_eq!(reply.brief(), (200, expected), "{}", shown(&body));
    }
}

#[test]
fn a_trailer_section_is_bounded_and_well_formed() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| http.body()));
    for (section, status) in [
        ("A: b\r\n".repeat(100), 200),
        ("A: b\r\n".repeat(101), 400),
        (format!("A:{}\r\n", "b".repeat(16 * 1024 - 3)), 200),
        (format!("A:{}\r\n", "b".repeat(16 * 1024 - 2)), 400),
        ("A : b\r\n".into(), 400),
        ("A\r\n".into(), 400),
        (" A: b\r\n".into(), 400),
        ("A: b\r\n c\r\n".into(), 400),
        ("A: b\nB: c\r\n".into(), 400),
        ("A: \0\r\n".into(), 400),
    ] {
        let request = format!("{HEAD}1\r\na\r\n0\r\n{section}\r\n");
        let mut client = server.connect();
        assert_eq!(client.send(&request).reply().status, status, "{}", shown(&section));
    }
}

#[test]
fn trailers_of_an_answer_follow_a_chunked_body() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        http.send_response(200).send_header("Trailer", "X-Sum").end_headers()?;
        http.wfile.write_all(b"hello")?;
        assert!(http.send_trailer("Set-Cookie", "a=b").is_err());
        assert!(http.send_trailer("X-Sum", "1\r\nX: y").is_err());
        http.send_trailer("X-Sum", 5)
    }));
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let text = String::from_utf8(client.read_to_end()).expect("text");
    let body = "\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n";
    assert!(text.contains("\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n"), "{text}");
    assert!(text.ends_with(body), "{text}");
    // An older client has no place for it, and HEAD has none either.
    let mut client = server.connect();
    let reply = client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").reply();
    assert_eq!((reply.framing, reply.text()), (Framing::Length(5), "hello"));
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.reply_to("HEAD").header("Transfer-Encoding"), Some("chunked"));
    let old = client.send("GET / HTTP/1.0\r\n\r\n").reply();
    assert_eq!(old.text(), "hello");
}

#[test]
fn a_trailer_that_was_not_announced_is_the_handler_s_mistake() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        match http.path {
            "/unannounced" => http.send_response(200).end_headers()?,
            _ => http
                .send_response(200)
                .send_header("Trailer", "X-Sum")
                .send_header("Content-Length", 0)
                .end_headers()?,
        }
        http.send_trailer("X-Sum", 5)
    }));
    for path in ["/unannounced", "/length"] {
        let mut client = server.connect();
        assert_eq!(client.send(get(path)).reply().status, 500, "{path}");
        client.expect_closed();
    }
}
