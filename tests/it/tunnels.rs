//! Where HTTP ends on a connection: CONNECT, `Upgrade`, and what is said to those who only ask.

use std::io::{self, Write};

use basehttp::{Exchange, HttpError, handler_fn, http_handler};
use basehttp_tests::{echo, get, serve};

#[test]
fn a_yes_to_connect_has_no_framing_and_takes_the_connection_with_it() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| match http.path {
        "no:1" => Err(HttpError::new(403)),
        _ => Ok("raw bytes"),
    }));
    let mut client = server.connect();
    client.send("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n").send(get("/not-http-any-more"));
    let text = String::from_utf8(client.read_to_end()).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    for field in ["Content-Length", "Transfer-Encoding", "Connection"] {
        assert!(!head.contains(field), "{text}");
    }
    assert_eq!(body, "raw bytes");
    // A no is an answer like any other.
    let mut client = server.connect();
    let reply = client.send("CONNECT no:1 HTTP/1.1\r\nHost: no:1\r\n\r\n").reply();
    assert_eq!((reply.status, reply.says_close()), (403, true));
    assert!(reply.header("Content-Length").is_some());
}

#[test]
fn connect_with_a_body_is_refused() {
    let server = serve(echo());
    for field in ["Content-Length: 5", "Transfer-Encoding: chunked"] {
        let mut client = server.connect();
        client.send(format!("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n{field}\r\n\r\nhello"));
        assert_eq!(client.reply().status, 400, "{field}");
        client.expect_closed();
    }
}

/// Takes the offer of `echo`, and of nothing else.
fn switching() -> basehttp_tests::TestServer {
    serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        match http.path {
            "/take" => {
                http.send_response_only(101).send_header("Upgrade", "echo").end_headers()?;
                http.wfile.write_all(b"no HTTP any more")
            }
            "/unnamed" => http.send_response(101).end_headers(),
            "/offer" => {
                http.send_response(426).send_header("Upgrade", "echo").end_headers()?;
                http.wfile.write_all(b"better")
            }
            _ => http.wfile.write_all(b"plain"),
        }
    }))
}

const ASKING: &str = "Connection: Upgrade\r\nUpgrade: echo\r\n";

fn asking(path: &str, version: &str, fields: &str) -> String {
    format!("GET {path} HTTP/{version}\r\nHost: a\r\n{fields}\r\n")
}

#[test]
fn upgrade_is_ignored_unless_a_handler_takes_it() {
    let server = switching();
    let mut client = server.connect();
    let reply = client.send(asking("/", "1.1", ASKING)).reply();
    assert_eq!((reply.brief(), reply.header("Upgrade")), ((200, "plain"), None));
    assert_eq!(client.send(get("/")).reply().text(), "plain", "the connection stays");
    client.send(asking("/take", "1.1", ASKING)).send(get("/not-http-any-more"));
    let text = String::from_utf8(client.read_to_end()).expect("text");
    let (head, raw) = text.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n"), "{text}");
    assert!(
        head.ends_with("\r\nConnection: Upgrade") && !head.contains("Content-Length"),
        "{text}"
    );
    assert_eq!(raw, "no HTTP any more");
}

#[test]
fn a_101_that_nobody_asked_for_or_that_names_no_protocol_is_a_500() {
    let server = switching();
    for request in [
        asking("/take", "1.1", ""),
        asking("/take", "1.0", ASKING),
        asking("/unnamed", "1.1", ASKING),
    ] {
        let mut client = server.connect();
        assert_eq!(client.send(&request).reply().status, 500, "{request}");
        client.expect_closed();
    }
}

#[test]
fn an_offer_to_upgrade_is_for_the_next_hop() {
    let server = switching();
    let mut client = server.connect();
    let reply = client.send(get("/offer")).send(get("/")).reply();
    assert_eq!((reply.brief(), reply.header("Upgrade")), ((426, "better"), Some("echo")));
    assert_eq!(reply.header("Connection"), Some("Upgrade"));
    assert_eq!(client.reply().text(), "plain");
}

struct Two;

#[http_handler]
impl Two {
    fn do_GET(&self, http: &mut Exchange) -> Result<&'static str, HttpError> {
        match http.path {
            "/405" => Err(HttpError::new(405)),
            "/own" => {
                http.send_header("Allow", "PUT");
                Err(HttpError::new(405))
            }
            _ => Ok("got"),
        }
    }
    fn do_OPTIONS(&self, http: &mut Exchange) -> String {
        format!("{} {}", http.path, http.headers.get("Max-Forwards").unwrap_or("-"))
    }
}

#[test]
fn a_method_that_is_not_allowed_is_told_which_are() {
    let server = serve(Two);
    for (request, status, allow) in [
        (get("/405"), 405, Some("GET, OPTIONS")),
        (get("/own"), 405, Some("PUT")),
        (get("/"), 200, None),
        (get("/").replace("GET", "BREW"), 501, Some("GET, OPTIONS")),
        (get("/").replace("GET", "TRACE"), 501, Some("GET, OPTIONS")),
    ] {
        let reply = server.connect().send(&request).reply();
        assert_eq!((reply.status, reply.header("Allow")), (status, allow), "{request}");
    }
}

#[test]
fn options_of_the_server_itself_and_max_forwards_end_here() {
    let server = serve(Two);
    for (target, forwards, expected) in [
        ("*", "", "* -"),
        ("*", "Max-Forwards: 0\r\n", "* 0"),
        ("/a", "Max-Forwards: 7\r\n", "/a 7"),
    ] {
        let request = format!("OPTIONS {target} HTTP/1.1\r\nHost: a\r\n{forwards}\r\n");
        assert_eq!(server.connect().send(&request).reply().brief(), (200, expected), "{request}");
    }
    let traced = serve(echo());
    let request = "TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n";
    assert_eq!(traced.connect().send(request).reply().brief(), (200, "TRACE / "));
}
