//! A handler that fails is answered for, as long as nothing has left; then its answer is cut.

use std::io::{self, Read, Write};

use basehttp::{Exchange, HttpError, Result, handler_fn, http_handler};
use basehttp_tests::{Framing, Reply, TestServer, get, serve};

fn fails(
    handler: impl Fn(&mut Exchange<'_>) -> io::Result<()> + Send + Sync + 'static,
) -> TestServer {
    serve(handler_fn(move |http: &mut Exchange<'_>| match http.path {
        "/alive" => http.send_response(200).end_headers(),
        _ => handler(http),
    }))
}

/// The only answer to a request that fails, which is Python's page of that status.
fn assert_page(server: &TestServer, path: &str, status: u16) -> Reply {
    let mut client = server.connect();
    let reply = client.send(get(path)).send(get("/alive")).reply();
    assert_eq!((reply.status, reply.says_close()), (status, true), "{path}: {reply:?}");
    assert!(matches!(reply.framing, Framing::Length(_)), "{path}: {reply:?}");
    assert!(reply.text().contains(&format!("<p>Error code {status}.</p>")), "{path}: {reply:?}");
    client.expect_gone();
    server.assert_alive(path);
    reply
}

/// The only answer to a request that fails too late: it breaks off.
fn assert_cut(server: &TestServer, path: &str, body: &str) {
    let mut client = server.connect();
    client.send(get(path)).send(get("/alive"));
    let cut = client.cut_reply();
    assert_eq!((cut.status, cut.framing, cut.text()), (200, Framing::Chunked, body), "{path}");
    server.assert_alive(path);
}

#[test]
fn a_panic_is_a_500_or_a_cut_answer() {
    let server = fails(|http| {
        if http.path != "/early" {
            http.send_response(200).send_header("X-Gone", "1");
        }
        if ["/gathered", "/flushed", "/drop"].contains(&http.path) {
            http.end_headers()?;
            http.wfile.write_all(b"secret")?;
        }
        if http.path == "/flushed" {
            http.wfile.flush()?;
        }
        if http.path == "/string" {
            panic!("in a handler of {}", http.path);
        }
        panic!("in a handler")
    });
    for path in ["/early", "/begun", "/gathered", "/string"] {
        let reply = assert_page(&server, path, 500);
        assert_eq!(reply.header("X-Gone"), None, "{path}");
        assert!(!reply.text().contains("handler"), "the client is not told why: {}", reply.text());
    }
    assert_cut(&server, "/flushed", "secret");
}

#[test]
fn an_error_is_a_500_or_a_cut_answer() {
    let server = fails(|http| {
        if http.path != "/early" {
            http.send_response(200).send_header("X-Gone", "1");
        }
        if ["/gathered", "/flushed", "/long"].contains(&http.path) {
            http.end_headers()?;
            http.wfile.write_all(b"secret")?;
        }
        match http.path {
            "/flushed" => http.wfile.flush()?,
            "/long" => http.wfile.write_all(&[b'x'; 1_000_000])?,
            _ => {}
        }
        Err(io::Error::other("the disk is full"))
    });
    for path in ["/early", "/begun", "/gathered"] {
        let reply = assert_page(&server, path, 500);
        assert_eq!(reply.header("X-Gone"), None, "{path}");
        assert!(!reply.text().contains("disk"), "the client is not told why: {}", reply.text());
    }
    assert_cut(&server, "/flushed", "secret");
    assert_cut(&server, "/long", &("secret".to_owned() + &"x".repeat(1_000_000)));
}

#[test]
fn a_failure_in_the_middle_of_a_long_body_is_answered_too() {
    let server = fails(|http| {
        http.rfile.read_exact(&mut [0; 10])?;
        match http.path {
            "/panic" => panic!("in a handler"),
            _ => Err(io::Error::other("no")),
        }
    });
    for path in ["/error", "/panic"] {
        let mut client = server.connect();
        client.send(format!("PUT {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n"));
        client.send(vec![b'x'; 2_000_000]);
        let reply = client.reply();
        assert_eq!((reply.status, reply.says_close()), (500, true), "{path}");
        client.expect_closed();
        server.assert_alive(path);
    }
}

#[test]
fn a_failure_behind_an_interim_answer_is_a_500() {
    let server = fails(|http| {
        http.send_response(103).send_header("Link", "</a>").end_headers()?;
        Err(io::Error::other("no"))
    });
    let mut client = server.connect();
    assert_eq!(client.send(get("/")).reply().status, 103);
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("Link")), (500, None));
    client.expect_closed();
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

/// Insists that a server survives what `handler` leaves behind.
fn assert_survives(handler: impl Fn(&mut Exchange<'_>) -> io::Result<()> + Send + Sync + 'static) {
    let server = fails(handler);
    let mut client = server.connect();
    let _ = client.send(get("/")).next_reply("GET");
    drop(client);
    server.assert_alive("a drop that panics");
}

#[test]
fn a_panic_whose_payload_panics_when_dropped_costs_one_connection() {
    assert_survives(|_| std::panic::panic_any(Bomb));
}

#[test]
fn a_local_that_panics_when_dropped_costs_one_connection() {
    assert_survives(|http| {
        http.locals.insert(Bomb);
        http.send_response(200).end_headers()
    });
}

#[test]
fn a_connection_local_that_panics_when_dropped_costs_one_connection() {
    assert_survives(|http| {
        http.connection_locals.insert(Bomb);
        http.send_response(200).end_headers()
    });
}

#[test]
fn no_answer_at_all_is_a_500() {
    let server = fails(|_| Ok(()));
    assert_page(&server, "/", 500);
}

#[test]
fn headers_that_were_left_open_are_ended() {
    let server = fails(|http| {
        http.send_response(202).send_header("X-Open", "yes");
        Ok(())
    });
    let reply = server.connect().send(get("/")).reply();
    assert_eq!((reply.status, reply.header("X-Open"), reply.text()), (202, Some("yes"), ""));
}

#[test]
fn a_body_without_a_status_is_a_200() {
    let server = fails(|http| http.wfile.write_all(b"just this"));
    assert_eq!(server.connect().send(get("/")).reply().brief(), (200, "just this"));
}

#[test]
fn an_http_error_keeps_its_status_through_an_io_error() {
    fn inner() -> Result<()> {
        Err(HttpError::new(403).message("Not yours").explain("It is mine").because("a rule"))
    }
    fn middle() -> io::Result<()> {
        Ok(inner()?)
    }
    let server = fails(|_| middle());
    let reply = assert_page(&server, "/", 403);
    assert_eq!(reply.reason, "Not yours");
    assert!(reply.text().contains("403 = It is mine."), "{}", reply.text());
    assert!(!reply.text().contains("rule"), "the cause is for the log: {}", reply.text());
}

#[test]
fn a_mistake_in_a_head_is_a_500_and_nothing_is_injected() {
    let server = fails(|http| {
        match http.path {
            "/value" => http.send_response(200).send_header("X-A", "b\r\nX-Injected: c"),
            "/lf" => http.send_response(200).send_header("X-A", "b\nX-Injected: c"),
            "/cr" => http.send_response(200).send_header("X-A", "b\rX-Injected: c"),
            "/nul" => http.send_response(200).send_header("X-A", "b\0"),
            "/bytes" => http.send_response(200).send_header("X-A", b"b\r\nX-Injected: c"),
            "/early" => http.send_header("X-A", "b\r\nX-Injected: c").send_response(200),
            "/name" => http.send_response(200).send_header("X-Injected: c\r\nX-A", "b"),
            "/empty" => http.send_response(200).send_header("", "b"),
            "/blank" => http.send_response(200).send_header("X A", "b"),
            "/colon" => http.send_response(200).send_header("X-A:", "b"),
            "/phrase" => http.send_response_with(200, "OK\r\nX-Injected: c"),
            "/code" => http.send_response(42),
            "/large" => http.send_response(1000),
            "/twice" => http.send_response(200).send_response(404),
            _ => http,
        };
        http.end_headers()?;
        http.wfile.write_all(b"X-Injected")
    });
    for path in [
        "/value", "/lf", "/cr", "/nul", "/bytes", "/early", "/name", "/empty", "/blank", "/colon",
        "/phrase", "/code", "/large", "/twice", "/none",
    ] {
        let reply = assert_page(&server, path, 500);
        assert_eq!(reply.header("X-Injected"), None, "{path}: {reply:?}");
        assert!(!reply.text().contains("X-Injected"), "{path}: {reply:?}");
    }
}

#[test]
fn a_mistake_that_is_never_asked_about_is_a_500_too() {
    let server = fails(|http| {
        http.send_response(200).send_header("X-A", "b\r\nX-Injected: c");
        match http.path {
            "/ignored" => {
                let _ = http.end_headers();
            }
            "/written" => http.wfile.write_all(b"body")?,
            _ => {}
        }
        Ok(())
    });
    for path in ["/open", "/ignored", "/written"] {
        assert_page(&server, path, 500);
    }
}

#[test]
fn a_field_behind_the_head_is_not_sent() {
    let server = fails(|http| {
        http.send_response(200).end_headers()?;
        http.send_header("X-Late", "1");
        http.end_headers()
    });
    let reply = server.connect().send(get("/")).reply();
    assert_eq!(reply.header("X-Late"), None, "{reply:?}");
}

#[test]
fn any_status_of_three_digits_may_be_sent() {
    let server = fails(|http| {
        let code: u16 = http.path[1..].parse().unwrap_or(0);
        http.send_response(code).end_headers()
    });
    for (code, reason) in
        [(200, "OK"), (299, ""), (418, "I'm a Teapot"), (599, ""), (600, ""), (999, "")]
    {
        let reply = server.connect().send(get(&format!("/{code}"))).reply();
        assert_eq!((reply.status, reply.reason.as_str()), (code, reason));
    }
}

#[test]
fn an_error_page_has_one_content_type() {
    // RFC 9110 §8.3: a field of one value must not be there twice.
    let server = fails(|http| {
        http.send_header("Content-Type", "application/json");
        http.send_error(404)
    });
    let reply = assert_page(&server, "/", 404);
    assert_eq!(reply.all("Content-Type"), ["text/html;charset=utf-8"]);
}

struct Boxed;

#[http_handler]
impl Boxed {
    fn do_GET(&self) -> std::result::Result<String, Box<dyn std::error::Error + Send + Sync>> {
        Ok(format!("{}", "many".parse::<u32>()?))
    }

    fn do_PUT(&self) -> Option<&'static str> {
        None
    }

    fn do_POST(&self) -> (u16, &'static str) {
        (201, "made")
    }
}

#[test]
fn a_returned_value_has_its_status() {
    let server = serve(Boxed);
    for (verb, status) in [("GET", 500), ("PUT", 404), ("POST", 201)] {
        let request = format!("{verb} / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(server.connect().send(request).reply().status, status, "{verb}");
    }
}
