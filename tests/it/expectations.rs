//! `100 Continue` is sent when a body is needed, and a body can be turned away before it is sent.

use std::io;
use std::sync::mpsc;

use basehttp::{Exchange, Handled, HttpError, RequestHandler, Result, handler_fn};
use basehttp_tests::{Client, DEADLINE, echo, get, post, serve};

#[test]
fn continue_is_sent_once_and_only_when_the_body_is_needed() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<String> {
        if http.path == "/unread" {
            Ok("unread".into())
        } else {
            Ok(http.body()?.len().to_string())
        }
    }));
    let head = |path: &str, len: usize| {
        let expect = "Expect: 100-continue";
        format!("POST {path} HTTP/1.1\r\nHost: a\r\n{expect}\r\nContent-Length: {len}\r\n\r\n")
    };
    let continued = |client: &mut Client| {
        let reply = client.reply();
        assert_eq!((reply.status, reply.headers.len()), (100, 0), "{reply:?}");
    };
    for len in [5, 100_000] {
        let body = "b".repeat(len);
        let mut client = server.connect();
        client.send(head("/", len));
        continued(&mut client);
        client.send(&body);
        assert_eq!(client.reply().brief(), (200, len.to_string().as_str()));

        // In order, behind the answers of earlier requests.
        client.send(get("/unread") + &get("/unread") + &head("/", len));
        assert_eq!(client.reply().text(), "unread");
        assert_eq!(client.reply().text(), "unread");
        continued(&mut client);
        client.send(&body);
        assert_eq!(client.reply().text(), len.to_string());
    }
    // Nobody waits for it once the body is there (RFC 9110 §10.1.1).
    let mut client = server.connect();
    assert_eq!(client.send(head("/", 5) + "abcde").reply().brief(), (200, "5"));
    // Nor without a body, nor on HTTP/1.0.
    assert_eq!(client.send(head("/", 0)).reply().brief(), (200, "0"));
    let old = head("/", 5).replace("HTTP/1.1", "HTTP/1.0") + "abcde";
    assert_eq!(client.send(old).reply().brief(), (200, "5"));
    // A long body that the handler does not want is never asked for: the connection ends instead,
    // since nobody knows whether it will come.
    let mut client = server.connect();
    assert_eq!(client.send(head("/unread", 100_000)).reply().brief(), (200, "unread"));
    client.expect_closed();
}

#[test]
fn an_unknown_expectation_is_refused() {
    let server = serve(echo());
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nExpect: a-pony\r\n\r\n");
    assert_eq!(client.reply().status, 417);
    client.expect_closed();
}

/// Wants no body for `/no`, and answers that by itself for `/own`.
struct Choosy(mpsc::Sender<String>);

impl RequestHandler for Choosy {
    fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
        let body = http.body()?;
        let _ = self.0.send(http.path.to_owned());
        http.send_response(200).send_header("Content-Length", body.len()).end_headers()?;
        io::Write::write_all(&mut http.wfile, &body)?;
        Ok(())
    }

    fn handle_expect_100(&self, http: &mut Exchange<'_>) -> Result<()> {
        match http.path {
            "/no" => Err(HttpError::new(401).message("Not you")),
            "/own" => Ok(http.send_response(413).end_headers()?),
            "/now" => Ok(http.send_response(100).end_headers()?),
            _ => Ok(()),
        }
    }
}

#[test]
fn a_body_can_be_turned_away_before_it_is_sent() {
    let (called, calls) = mpsc::channel();
    let server = serve(Choosy(called));
    for len in [5, 100_000] {
        for (path, statuses) in
            [("/no", &[401][..]), ("/own", &[413]), ("/now", &[100, 200]), ("/yes", &[100, 200])]
        {
            let mut client = server.connect();
            client.send(format!(
                "PUT {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {len}\r\n\r\n"
            ));
            for status in statuses {
                let reply = client.reply();
                assert_eq!(reply.status, *status, "{path} {len}: {reply:?}");
                if reply.status == 100 {
                    client.send("b".repeat(len));
                }
            }
            if statuses.contains(&200) {
                assert_eq!(calls.recv_timeout(DEADLINE).as_deref(), Ok(path));
                assert_eq!(client.send(post("/next", "b")).reply().brief(), (200, "b"));
                assert_eq!(calls.recv_timeout(DEADLINE).as_deref(), Ok("/next"));
            } else {
                client.expect_closed();
            }
        }
    }
    drop(server);
    assert_eq!(calls.try_iter().count(), 0, "a body that was turned away is not dispatched");
}

/// Reads of the body where it should only decide about it, and may end the connection there.
struct Curious;

impl RequestHandler for Curious {
    fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
        let text = String::from_utf8_lossy(&http.body()?).into_owned();
        http.send_response(200).end_headers()?;
        Ok(io::Write::write_all(&mut http.wfile, text.as_bytes())?)
    }

    fn handle_expect_100(&self, http: &mut Exchange<'_>) -> Result<()> {
        let mut few = [0; 5];
        let _ = io::Read::read(&mut http.rfile, &mut few)?;
        http.close_connection |= http.path == "/last";
        Ok(())
    }
}

#[test]
fn the_hook_takes_nothing_of_the_body_that_it_decides_about() {
    let server = serve(Curious);
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
        )
    };
    let mut client = server.connect();
    client.send(head("/"));
    assert_eq!(client.reply().status, 100);
    client.send("hello").send(" you".to_owned() + &get("/next"));
    assert_eq!(client.reply().brief(), (200, "hello you"));
    assert_eq!(client.reply().brief(), (200, ""));
    client.send(head("/last"));
    assert_eq!(client.reply().status, 100);
    let reply = client.send("hello you").reply();
    assert_eq!((reply.text(), reply.header("connection")), ("hello you", Some("close")));
    client.expect_closed();
}

#[test]
fn nothing_comes_into_the_middle_of_an_answer_that_has_begun() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        http.send_response(200).flush_headers()?;
        io::Write::write_all(&mut http.wfile, b"first ")?;
        io::Write::flush(&mut http.wfile)?;
        let length = http.body()?.len();
        io::Write::write_fmt(&mut http.wfile, format_args!("{length}"))
    }));
    let mut client = server.connect();
    let expect = "Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n";
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{expect}")).send([b'b'; 100_000]);
    assert_eq!(client.reply().brief(), (200, "first 100000"));
    assert_eq!(client.send(post("/", "abc")).reply().brief(), (200, "first 3"));
}
