//! Where an answer ends is the server's to say, and a cut answer never looks complete.

use std::io::{self, Write};

use basehttp::{Config, Exchange, handler_fn};
use basehttp_tests::{Framing, Reply, TestServer, get, serve, serve_with};

/// Serves what the path asks for: `/flushed/5` is five bytes, flushed after the first.
fn bodies() -> TestServer {
    serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        let path = http.path.trim_start_matches('/');
        let (how, len) = path.split_once('/').unwrap_or((path, "0"));
        let body = vec![b'x'; len.parse().unwrap_or(0)];
        http.send_response(200);
        match how {
            "held" => http.wfile.write_all(&body),
            "flushed" => {
                http.end_headers()?;
                http.wfile.write_all(&body[..1])?;
                http.wfile.flush()?;
                http.wfile.write_all(&body[1..])
            }
            "headers" => {
                http.flush_headers()?;
                http.wfile.write_all(&body)
            }
            "pieces" => {
                http.end_headers()?;
                body.chunks(1000).try_for_each(|piece| http.wfile.write_all(piece))
            }
            "declared" => {
                http.send_header("Content-Length", body.len()).end_headers()?;
                http.wfile.write_all(&body)
            }
            _ => Ok(()),
        }
    }))
}

fn request(method: &str, path: &str, version: &str) -> String {
    format!("{method} {path} HTTP/{version}\r\nHost: a\r\n\r\n")
}

#[test]
fn the_length_and_the_version_choose_the_framing() {
    let server = bodies();
    const KIB_64: usize = 64 * 1024;
    for (path, len, on_11, on_10) in [
        ("/held", 0, Framing::Length(0), Framing::Length(0)),
        ("/held", 5, Framing::Length(5), Framing::Length(5)),
        ("/held", KIB_64, Framing::Length(KIB_64), Framing::Length(KIB_64)),
        ("/held", KIB_64 + 1, Framing::Chunked, Framing::UntilClose),
        ("/held", 3_000_000, Framing::Chunked, Framing::UntilClose),
        ("/pieces", 5000, Framing::Length(5000), Framing::Length(5000)),
        ("/pieces", 300_000, Framing::Chunked, Framing::UntilClose),
        ("/flushed", 5, Framing::Chunked, Framing::UntilClose),
        ("/flushed", 300_000, Framing::Chunked, Framing::UntilClose),
        ("/headers", 5, Framing::Chunked, Framing::UntilClose),
        ("/headers", 0, Framing::Chunked, Framing::UntilClose),
        ("/declared", 5, Framing::Length(5), Framing::Length(5)),
        ("/declared", 3_000_000, Framing::Length(3_000_000), Framing::Length(3_000_000)),
    ] {
        for (version, framing) in [("1.1", on_11), ("1.0", on_10)] {
            let mut client = server.connect();
            let reply = client.send(request("GET", &format!("{path}/{len}"), version)).reply();
            let found = (reply.status, reply.framing, reply.body.len());
            assert_eq!(found, (200, framing, len), "{path}/{len} on {version}: {reply:?}");
            assert!(reply.body.iter().all(|byte| *byte == b'x'), "{path}/{len} on {version}");
            if version == "1.1" {
                assert_eq!(client.send(get("/held/1")).reply().text(), "x", "{path}/{len}");
            } else {
                client.expect_closed();
            }
        }
    }
}

#[test]
fn head_is_answered_as_get_without_the_body() {
    let server = bodies();
    for path in ["/held/5", "/held/65537", "/flushed/5", "/pieces/300000", "/declared/5", "/none"] {
        let mut client = server.connect();
        client.send(request("HEAD", path, "1.1")).send(get("/held/1"));
        let reply = client.reply_to("HEAD");
        assert_eq!(reply.status, 200, "{path}");
        let get_reply = server.connect().send(get(path)).reply();
        if let Some(length) = reply.header("Content-Length") {
            // RFC 9110 §8.6: if it is there, it is what GET would say.
            assert_eq!(length, get_reply.body.len().to_string(), "{path}");
        }
        assert_eq!(client.reply().text(), "x", "behind {path}");
    }
}

#[test]
fn a_status_without_a_body_has_none_whatever_is_written() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        let code: u16 = http.path[1..4].parse().unwrap_or(200);
        http.send_response(code);
        if http.path.ends_with("length") {
            http.send_header("Content-Length", 6);
        }
        http.end_headers()?;
        http.wfile.write_all(b"hidden")?;
        if http.path.ends_with("flush") { http.wfile.flush() } else { Ok(()) }
    }));
    for how in ["", "-flush", "-length"] {
        for (code, lengths) in [
            // RFC 9110 §8.6: none with 204; a 304 may say what a 200 would have.
            (204, &[][..]),
            (304, &["6"]),
            // §15.3.6: no content, and it says so.
            (205, &["0"]),
        ] {
            let path = format!("/{code}{how}");
            let mut client = server.connect();
            let reply = client.send(get(&path)).send(get("/200")).reply();
            assert_eq!((reply.status, reply.body.len()), (code, 0), "{path}: {reply:?}");
            assert_eq!(reply.header("Transfer-Encoding"), None, "{path}: {reply:?}");
            for length in reply.all("Content-Length") {
                assert!(lengths.contains(&length), "{path}: {reply:?}");
            }
            assert_eq!(client.reply().brief(), (200, "hidden"), "behind {path}");
        }
    }
}

/// A handler whose answer is not what its head says, by `how`.
fn liar() -> TestServer {
    serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        let Some((how, body)) = http.path[1..].split_once('/') else { return Ok(()) };
        http.send_response(200).send_header("Content-Length", 5).end_headers()?;
        match how {
            "flushed" => {
                http.wfile.write_all(&body.as_bytes()[..1])?;
                http.wfile.flush()?;
                http.wfile.write_all(&body.as_bytes()[1..])
            }
            "ignored" => {
                let _ = http.wfile.write_all(body.as_bytes());
                Ok(())
            }
            _ => http.wfile.write_all(body.as_bytes()),
        }
    }))
}

#[test]
fn a_body_of_another_length_than_declared_never_looks_complete() {
    let server = liar();
    for (path, expected) in [
        ("/plain/fives", Some(200)),
        ("/flushed/fives", Some(200)),
        ("/plain/four", Some(500)),
        ("/plain/sixsix", Some(500)),
        ("/plain/", Some(500)),
        ("/ignored/sixsix", Some(500)),
        ("/ignored/four", Some(500)),
        ("/flushed/four", None),
        ("/flushed/sixsix", None),
    ] {
        let mut client = server.connect();
        client.send(get(path)).send(get("/plain/fives"));
        match (client.next_reply("GET"), expected) {
            (Ok(Some(reply)), Some(status)) => {
                assert_eq!(reply.status, status, "{path}: {reply:?}");
                assert_eq!(reply.says_close(), status == 500, "{path}: {reply:?}");
            }
            (Err(cut), None) => assert!(cut.body.len() < 5, "{path}: {cut:?}"),
            (reply, _) => panic!("{path}: {reply:?}"),
        }
        if expected == Some(200) {
            assert_eq!(client.reply().text(), "fives", "behind {path}");
        } else {
            client.expect_gone();
        }
    }
}

#[test]
fn the_handler_may_not_frame_by_itself() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        let Some((name, value)) = http.path[1..].split_once('=') else { return Ok(()) };
        let value = value.replace("%20", " ");
        let (first, second) = value.split_once('&').unwrap_or((&value, ""));
        http.send_response(200).send_header(name, first);
        if !second.is_empty() {
            http.send_header(name, second);
        }
        http.end_headers()?;
        http.wfile.write_all(b"ab")
    }));
    for (path, status) in [
        ("/Transfer-Encoding=chunked", 500),
        ("/transfer-encoding=identity", 500),
        ("/Content-Length=2", 200),
        ("/content-length=2&2", 500),
        ("/Content-Length=2&3", 500),
        ("/Content-Length=two", 500),
        ("/Content-Length=+2", 500),
        ("/Content-Length=-2", 500),
        ("/Content-Length=2,%202", 500),
        ("/Connection=close", 200),
        ("/Connection=close&close", 200),
        ("/Connection=close,%20keep-alive", 500),
        ("/Connection=content-length", 500),
        ("/Connection=X,%20Transfer-Encoding", 500),
        ("/Connection=a%20b", 500),
        ("/Connection=X-Hop", 200),
        ("/X-Other=2", 200),
    ] {
        let reply: Reply = server.connect().send(get(path)).reply();
        assert_eq!(reply.status, status, "{path}: {reply:?}");
        assert!(matches!(reply.framing, Framing::Length(_)), "{path}: {reply:?}");
        assert_eq!(reply.text() == "ab", status == 200, "{path}: {reply:?}");
    }
}

#[test]
fn nothing_written_is_not_the_end_of_a_chunked_answer() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        http.send_response(200).flush_headers()?;
        for piece in ["", "a", "", "bc", ""] {
            http.wfile.write_all(piece.as_bytes())?;
            http.wfile.flush()?;
            http.wfile.flush()?;
        }
        http.wfile.write_all(b"")?;
        http.wfile.write_all(&[b'd'; 20_000])?;
        http.wfile.write_all(b"")
    }));
    let mut client = server.connect();
    client.send(get("/")).send(get("/"));
    let expected = format!("abc{}", "d".repeat(20_000));
    assert_eq!(client.reply().text(), expected);
    assert_eq!(client.reply().text(), expected);
}

#[test]
fn connection_close_from_the_handler_is_kept() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| {
        http.send_header("Connection", "close");
        "bye"
    }));
    let mut client = server.connect();
    let reply = client.send(get("/")).send(get("/")).reply();
    assert_eq!((reply.text(), reply.header("Connection")), ("bye", Some("close")));
    client.expect_gone();
}

#[test]
fn a_long_answer_to_a_slow_reader_comes_whole() {
    let body: Vec<u8> = (0..8_000_000u32).map(|n| (n / 7) as u8).collect();
    let expected = body.clone();
    let handler = handler_fn(move |http: &mut Exchange<'_>| {
        http.send_response(200).end_headers()?;
        body.chunks(123_457).try_for_each(|piece| http.wfile.write_all(piece))
    });
    let server = serve_with(handler, Config::default());
    let mut client = server.connect();
    client.send(get("/")).send(get("/"));
    assert!(client.reply().body == expected);
    assert!(client.reply().body == expected);
}
