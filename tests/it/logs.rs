//! What is logged: Python's lines, once for each request, with nothing forged.

use std::io::{self, Write};

use basehttp::{Exchange, HttpError, handler_fn};
use basehttp_tests::{Line, TestServer, capture_log, get, serve};

fn server() -> TestServer {
    capture_log();
    serve(handler_fn(|http: &mut Exchange<'_>| -> basehttp::Result<()> {
        let path = http.path;
        let says = |word: &str| path.ends_with(word);
        match () {
            () if says("-panic") => panic!("what went wrong"),
            () if says("-error") => return Err(HttpError::new(403).because("the moon is full")),
            () if says("-nothing") => return Ok(()),
            () if says("-cut") => {
                http.send_response(200).end_headers()?;
                http.wfile.write_all(b"abc")?;
                http.wfile.flush()?;
                return Err(io::Error::other("broke").into());
            }
            () if says("-twice") => {
                http.send_error(404)?;
                return Ok(http.wfile.write_all(b"more")?);
            }
            () if says("-message") => {
                http.log_message(format_args!("{path}: \x1b[2J\r\nforged \\ \u{85} caf\u{e9}"));
            }
            () => {}
        }
        http.send_response(200).end_headers()?;
        http.wfile.write_all(b"twelve bytes")?;
        Ok(())
    }))
}

/// The message of a line, once its front has been found to be Python's.
fn message(line: &Line) -> &str {
    let (front, message) = line.text.split_once("] ").expect("there is a time");
    let time = front.strip_prefix("127.0.0.1 - - [").expect("there is an address");
    // As in 22/Nov/2026 17:50:01.
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape.len(), "00/Nov/0000 00:00:00".len(), "{time}");
    assert_eq!((&shape[..3], &shape[6..]), ("00/", "/0000 00:00:00"), "{time}");
    assert!("JanFebMarAprMayJunJulAugSepOctNovDec".contains(&shape[3..6]), "{time}");
    message
}

#[test]
fn a_request_is_logged_once_with_its_size() {
    let server = server();
    for (request, expected) in [
        (get("/log-a"), "\"GET /log-a HTTP/1.1\" 200 12"),
        ("HEAD /log-b HTTP/1.1\r\nHost: a\r\n\r\n".into(), "\"HEAD /log-b HTTP/1.1\" 200 0"),
        ("PUT /log-c?d HTTP/1.0\r\n\r\n".into(), "\"PUT /log-c?d HTTP/1.0\" 200 12"),
        (get("//log-e"), "\"GET //log-e HTTP/1.1\" 200 12"),
    ] {
        let mut client = server.connect();
        client.send(&request).reply_to(request.split(' ').next().unwrap_or_default());
        let word = expected.split_once(' ').map_or("", |words| words.1);
        let lines = capture_log().wait_for(word, 1);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert_eq!(message(&lines[0]), expected);
        assert_eq!(
            (lines[0].target.as_str(), lines[0].level),
            ("basehttp::access", log::Level::Info)
        );
    }
}

#[test]
fn an_error_is_logged_as_python_does_and_so_is_its_request() {
    let server = server();
    for (path, status, errors) in [
        (
            "/log-error",
            403,
            &["code 403, message Forbidden", "code 403 because the moon is full"][..],
        ),
        (
            "/log-nothing",
            500,
            &[
                "code 500, message Internal Server Error",
                "code 500 because the method returned without an answer",
            ],
        ),
        (
            "/log-twice",
            500,
            &[
                "code 404, message Not Found",
                "code 500 because the body is longer than the content-length sent for it (that of \
                 send_error() is complete: return the error instead)",
            ],
        ),
        (
            "/log-panic",
            500,
            &[
                "code 500, message Internal Server Error",
                "code 500 because the handler panicked: what went wrong",
            ],
        ),
    ] {
        let size = server.connect().send(get(path)).reply().body.len();
        let lines = capture_log().wait_for(path, 1);
        let messages: Vec<_> = lines.iter().map(message).collect();
        assert_eq!(messages, [format!("\"GET {path} HTTP/1.1\" {status} {size}")]);
        for error in errors {
            let line = &capture_log().wait_for(error, 1)[0];
            assert_eq!(message(line), *error);
            assert_eq!((line.target.as_str(), line.level), ("basehttp::error", log::Level::Error));
        }
    }
}

#[test]
fn a_cut_answer_is_logged_as_such() {
    let server = server();
    server.connect().send(get("/log-cut")).cut_reply();
    let lines = capture_log().wait_for("/log-cut", 2);
    let messages: Vec<_> = lines.iter().map(message).collect();
    assert!(messages.contains(&"\"GET /log-cut HTTP/1.1\" 200 3"), "{messages:#?}");
    let targets: Vec<_> = lines.iter().map(|line| line.target.as_str()).collect();
    assert!(targets.contains(&"basehttp::error"), "{lines:#?}");
}

#[test]
fn what_a_client_sends_cannot_forge_lines() {
    let server = server();
    server.connect().send(get("/log-message")).reply();
    let line = &capture_log().wait_for("/log-message: ", 1)[0];
    assert_eq!(message(line), "/log-message: \\x1b[2J\\x0d\\x0aforged \\\\ \\x85 caf\u{e9}");
    server.connect().send(get("/log-back\\slash")).reply();
    let line = &capture_log().wait_for("/log-back", 1)[0];
    assert_eq!(message(line), "\"GET /log-back\\\\slash HTTP/1.1\" 200 12");
}

#[test]
fn a_refused_request_is_logged_with_what_it_began_with() {
    let server = server();
    for (request, status, shown) in [
        ("GET /log-host HTTP/1.1\r\n\r\n", 400, "GET /log-host HTTP/1.1"),
        ("GET /log-lf HTTP/1.1\n\n", 400, "GET /log-lf HTTP/1.1"),
        (
            "GET /log\x1b-esc\x07 HTTP/1.1\r\nHost: a\r\n\r\n",
            400,
            "GET /log\\x1b-esc\\x07 HTTP/1.1",
        ),
        ("GET /log-two HTTP/2.0\r\n\r\n", 505, "GET /log-two HTTP/2.0"),
    ] {
        let reply = server.connect().send(request).reply();
        assert_eq!(reply.status, status, "{request:?}");
        let line = &capture_log().wait_for(shown, 1)[0];
        assert_eq!(message(line), format!("\"{shown}\" {status} {}", reply.body.len()));
    }
    let reason = capture_log().wait_for("a line does not end in CR LF", 1);
    assert_eq!(reason[0].target, "basehttp::error");
}

#[test]
fn a_refused_line_cannot_forge_what_stands_behind_its_quotes() {
    let server = server();
    let line = "GET /log-forged\" 200 5 \u{202e}\u{2028}\"x HTTP/1.1";
    let mut client = server.connect();
    assert_eq!(client.send(format!("{line}\r\nHost: a\r\n\r\n")).reply().status, 400);
    let lines = capture_log().wait_for("log-forged", 1);
    let found = message(&lines[0]);
    let (quoted, behind) = found.rsplit_once('"').expect("quotes");
    assert_eq!(quoted, "\"GET /log-forged%22 200 5 \\u202e\\u2028%22x HTTP/1.1");
    assert!(behind.starts_with(" 400 "), "{found}");
}
