//! Python's attributes, one by one, and what an exchange has beyond them.

use std::io::{self, Write};

use basehttp::{Exchange, Handled, RequestHandler, Response, Version, handler_fn};
use basehttp_tests::{get, serve};

use crate::answers::answer;

/// What a handler makes of a request, as text.
fn told(
    request: &str,
    tell: impl Fn(&mut Exchange<'_>) -> String + Send + Sync + 'static,
) -> String {
    answer(request, move |http| {
        let text = tell(http);
        http.wfile.write_all(text.as_bytes())
    })
    .text()
    .to_owned()
}

#[test]
fn the_request_is_as_it_was_sent() {
    let request = "POST //a%20b?c=d%26e&c=f HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\n\r\n";
    for (tell, expected) in [
        ((|http| http.command.to_owned()) as fn(&mut Exchange<'_>) -> String, "POST"),
        (|http| http.path.to_owned(), "/a%20b?c=d%26e&c=f"),
        (|http| http.requestline.to_owned(), "POST //a%20b?c=d%26e&c=f HTTP/1.1"),
        (|http| http.request_version.to_string(), "HTTP/1.1"),
        (|http| http.url_path().into_owned(), "/a b"),
        (|http| http.query().to_string(), "c=d%26e&c=f"),
        (|http| http.query().get("c").unwrap_or_default().into_owned(), "d&e"),
        (|http| http.query().get_all("c").collect::<Vec<_>>().join("|"), "d&e|f"),
        (|http| http.headers.get("X-ONE").unwrap_or_default().to_owned(), "1"),
        (|http| http.headers.get_all("x-one").collect::<Vec<_>>().join("|"), "1|2"),
        (|http| http.headers.to_string().replace("\r\n", "\n"), "Host: a\nX-One: 1\nx-one: 2\n"),
        (|http| http.headers.len().to_string(), "3"),
        (|http| http.close_connection.to_string(), "false"),
        (|http| format!("{:?}", http.status()), "None"),
    ] {
        let found = told(request, tell);
        assert_eq!(found.trim_end(), expected.trim_end());
    }
    let old = "GET / HTTP/1.0\r\n\r\n";
    assert_eq!(told(old, |http| http.request_version.to_string()), "HTTP/1.0");
    assert_eq!(told(old, |http| (http.request_version < Version::HTTP_11).to_string()), "true");
    assert_eq!(told(old, |http| http.close_connection.to_string()), "true");
}

#[test]
fn both_ends_are_named() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| {
        format!(
            "{} {} {} {} {} {}",
            http.client_address,
            http.address_string(),
            http.server.server_name,
            http.server.server_port,
            http.server.server_address(),
            http.version_string(),
        )
    }));
    let mut client = server.connect();
    let reply = client.send(get("/")).reply();
    let own = client.stream().local_addr().expect("it has an address");
    let (address, port) = (server.address(), server.address().port());
    let version = reply.header("Server").expect("it says what it is");
    let expected = format!("{own} 127.0.0.1 127.0.0.1 {port} {address} {version}");
    assert_eq!(reply.text(), expected);
    assert!(version.starts_with("basehttp/"), "{version}");
}

#[test]
fn latin_1_fields_make_the_round_trip() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| {
        let text = http.headers.get("x-name").unwrap_or_default().to_owned();
        let bytes = http.headers.get_bytes("x-name").unwrap_or_default().to_owned();
        http.send_header("X-Back", bytes);
        text
    }));
    for (sent, text) in [(&b"caf\xe9"[..], "caf\u{e9}"), ("caf\u{e9}".as_bytes(), "caf\u{e9}")] {
        let request = [b"GET / HTTP/1.1\r\nHost: a\r\nX-Name: ", sent, b"\r\n\r\n"].concat();
        let reply = server.connect().send(request).reply();
        assert_eq!(reply.text(), text);
        let back: String = sent.iter().copied().map(char::from).collect();
        assert_eq!(reply.header("X-Back"), Some(back.as_str()));
    }
}

#[test]
fn close_connection_can_be_set_before_the_headers_end() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| {
        http.send_response(200);
        http.close_connection = true;
        http.end_headers()
    }));
    let mut client = server.connect();
    assert!(client.send(get("/")).reply().says_close());
    client.expect_closed();
}

#[test]
fn locals_live_as_long_as_their_request_or_connection() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| {
        let earlier = http.connection_locals.get::<u32>().copied().unwrap_or(0);
        http.connection_locals.insert(earlier + 1);
        format!("{earlier} {:?}", http.locals.insert("seen"))
    }));
    let mut client = server.connect();
    assert_eq!(client.send(get("/")).reply().text(), "0 None");
    assert_eq!(client.send(get("/")).reply().text(), "1 None");
    assert_eq!(server.connect().send(get("/")).reply().text(), "0 None");
}

/// Turns the text of every answer round, and keeps the rest of it.
struct Reversed<H>(H);

impl<H: RequestHandler> RequestHandler for Reversed<H> {
    fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
        self.0.dispatch(http)?;
        let Some(response) = http.take_response() else { return Ok(()) };
        let body: Vec<u8> = response.body_bytes().iter().rev().copied().collect();
        let mut turned = Response::new(response.status()).header("X-Turned", "yes").body(body);
        for (name, value) in response.headers() {
            turned = turned.header(name, value);
        }
        basehttp::IntoResponse::respond(turned, http)
    }
}

#[test]
fn a_wrapper_can_take_an_answer_back_and_send_another() {
    let server = serve(Reversed(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        let body = if http.path == "/long" { vec![b'l'; 100_000] } else { b"abc".to_vec() };
        match http.path {
            "/none" => return Ok(()),
            "/open" => {
                http.send_response(201).send_header("X-Inner", "in");
                return Ok(());
            }
            "/declared" => {
                http.send_response(201).send_header("X-Inner", "in");
                http.send_header("Content-Length", body.len());
            }
            _ => {
                http.send_response(201).send_header("X-Inner", "in");
            }
        }
        http.wfile.write_all(&body)?;
        if http.path == "/flushed" { http.wfile.flush() } else { Ok(()) }
    })));
    for (path, expected, turned) in [
        ("/held", (201, "cba"), true),
        ("/declared", (201, "cba"), true),
        ("/open", (201, ""), true),
        ("/flushed", (201, "abc"), false),
    ] {
        let reply = server.connect().send(get(path)).reply();
        assert_eq!(reply.brief(), expected, "{path}");
        assert_eq!(reply.header("X-Turned").is_some(), turned, "{path}: {reply:?}");
        assert_eq!(reply.header("X-Inner"), Some("in"), "{path}: {reply:?}");
    }
    assert_eq!(server.connect().send(get("/none")).reply().status, 500);
    let long = server.connect().send(get("/long")).reply();
    assert_eq!((long.status, long.body.len(), long.header("X-Turned")), (201, 100_000, None));
}

#[test]
fn the_host_is_that_of_the_target_or_else_that_of_the_field() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| format!("{:?}", http.host())));
    for (request, host) in [
        ("GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", "Some(\"a:80\")"),
        ("GET http://b/c HTTP/1.1\r\nHost: a\r\n\r\n", "Some(\"b\")"),
        ("GET HTTPS://[::1]:443?q HTTP/1.1\r\nHost: a\r\n\r\n", "Some(\"[::1]:443\")"),
        ("GET http://b/ HTTP/1.0\r\n\r\n", "Some(\"b\")"),
        ("GET /http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "Some(\"a\")"),
        ("CONNECT b:1 HTTP/1.1\r\nHost: a\r\n\r\n", "Some(\"b:1\")"),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "Some(\"a\")"),
        ("GET / HTTP/1.0\r\n\r\n", "None"),
    ] {
        let mut client = server.connect();
        let text =
            String::from_utf8(client.send(request).end_writing().read_to_end()).expect("text");
        assert!(text.ends_with(&format!("\r\n\r\n{host}")), "{request:?}: {text}");
    }
}

#[test]
fn a_target_with_a_host_needs_a_sound_host_field_too() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| format!("{:?}", http.host())));
    for request in [
        "GET http://b/ HTTP/1.1\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET http://user@b/ HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET http://b:x/ HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET http://b\\@c/ HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET http://b/#c HTTP/1.1\r\nHost: b\r\n\r\n",
        "CONNECT user@b:1 HTTP/1.1\r\nHost: b\r\n\r\n",
        "CONNECT b:65536 HTTP/1.1\r\nHost: b\r\n\r\n",
        "CONNECT http://b:80 HTTP/1.1\r\nHost: b\r\n\r\n",
    ] {
        let mut client = server.connect();
        assert_eq!(client.send(request).reply().status, 400, "{request:?}");
        client.expect_closed();
    }
}

#[test]
fn cookies_are_pairs_between_semicolons() {
    let request =
        "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1; b=\"2\";c\r\ncookie: a=3; d=%41\r\n\r\n";
    let found = told(request, |http| format!("{:?} {:?}", http.cookies(), http.cookies().get("a")));
    assert_eq!(found, r#"{"a": "1", "b": "2", "a": "3", "d": "%41"} Some("1")"#);
    assert_eq!(told(&get("/"), |http| format!("{:?}", http.cookies())), "{}");
}
