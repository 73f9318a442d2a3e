//! The body of a request reaches its handler whole, and the next request is found behind it.

use std::io::{self, Read};

use basehttp::{Config, Exchange, RequestHandler, handler_fn};
use basehttp_tests::{echo, get, post, serve, serve_with};

const MIB: usize = 1024 * 1024;

fn chunked(path: &str, chunks: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
}

/// Answers with how many bytes came, and with their sum.
fn summing() -> impl RequestHandler + Send + Sync {
    handler_fn(|http: &mut Exchange<'_>| -> io::Result<String> {
        let (mut len, mut sum, mut piece) = (0, 0u64, vec![0; 10_000]);
        loop {
            match http.rfile.read(&mut piece)? {
                0 => return Ok(format!("{len} {sum}")),
                count => {
                    len += count;
                    sum = piece[..count].iter().fold(sum, |sum, byte| sum + u64::from(*byte));
                }
            }
        }
    })
}

/// A body of that length, and what `summing` says of it.
fn pattern(len: usize) -> (Vec<u8>, String) {
    let body: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
    let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
    (body, format!("{len} {sum}"))
}

#[test]
fn delivery_does_not_matter() {
    let server = serve(echo());
    let requests = [
        (post("/l", "hello"), "POST /l hello"),
        (chunked("/c", "5\r\nhello\r\n0\r\n\r\n"), "POST /c hello"),
        (
            chunked("/d", "A;a=b;c=\"d\"\r\n0123456789\r\n00001\r\nx\r\n0\r\nT: v\r\n\r\n"),
            "POST /d 0123456789x",
        ),
        (post("/b", "hello").replace("Length: 5", "Length:\t 5 \t"), "POST /b hello"),
        (post("/e", ""), "POST /e "),
        (chunked("/f", "0\r\n\r\n"), "POST /f "),
    ];
    for (request, expected) in requests {
        let bytes = request.as_bytes();
        let mut client = server.connect();
        for cut in 1..bytes.len() {
            client.send(&bytes[..cut]).send(&bytes[cut..]);
            assert_eq!(client.reply().brief(), (200, expected), "cut at {cut}");
        }
        assert_eq!(client.send_slowly(bytes).reply().brief(), (200, expected), "byte by byte");
        let behind = client.send([bytes, get("/next").as_bytes()].concat()).reply();
        assert_eq!(behind.brief(), (200, expected), "with more behind");
        assert_eq!(client.reply().text(), "GET /next ");
    }
}

#[test]
fn long_bodies_come_from_the_socket() {
    let server = serve(summing());
    let mut client = server.connect();
    for len in [65_535, 65_536, 65_537, MIB, 20 * MIB] {
        let (body, expected) = pattern(len);
        let head = format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {len}\r\n\r\n");
        client.send([head.as_bytes(), &body, get("/").as_bytes()].concat());
        assert_eq!(client.reply().brief(), (200, expected.as_str()), "by length");
        assert_eq!(client.reply().text(), "0 0", "behind {len} by length");
        for chunk in [1000, 100_000] {
            let mut coded = chunked("/", "").into_bytes();
            for piece in body.chunks(chunk) {
                coded.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                coded.extend_from_slice(piece);
                coded.extend_from_slice(b"\r\n");
            }
            coded.extend_from_slice(b"0\r\n\r\n");
            client.send([&coded, get("/").as_bytes()].concat());
            assert_eq!(client.reply().brief(), (200, expected.as_str()), "chunks of {chunk}");
            assert_eq!(client.reply().text(), "0 0", "behind {len} in chunks of {chunk}");
        }
    }
}

#[test]
fn an_unread_body_is_dropped_up_to_64_kib() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| {
        let read = http.path.trim_start_matches('/').parse().unwrap_or(0);
        let mut some = vec![0; read];
        http.rfile.read_exact(&mut some).map(|()| format!("read {read}"))
    }));
    for (len, read, survives) in [
        (10, 0, true),
        (10, 4, true),
        (64 * 1024, 0, true),
        // So long that it is not all there when the method is called.
        (200_000, 0, false),
        (200_000, 200_000 - 64 * 1024, true),
        (MIB, 0, false),
        (MIB, 900_000, false),
        (MIB, MIB - 1000, true),
        (MIB, MIB, true),
    ] {
        let mut client = server.connect();
        let head = format!("POST /{read} HTTP/1.1\r\nHost: a\r\nContent-Length: {len}\r\n\r\n");
        // What looks like a request within a body must never be taken for one.
        let body = get("/smuggled").repeat(len / 30).into_bytes();
        let body = &[&body[..], &vec![b'-'; len]].concat()[..len];
        client.send(head);
        // The server may close while this is sent: then the answer is there all the same.
        let sent = client.try_send([body, get("/0").as_bytes()].concat());
        assert_eq!(client.reply().text(), format!("read {read}"), "{len}/{read} {sent:?}");
        if survives {
            sent.expect("all is taken");
            client.end_writing();
            assert_eq!(client.reply().text(), "read 0", "behind {len}/{read}");
        } else {
            client.expect_closed();
        }
    }
}

#[test]
fn an_unread_chunked_body_ends_the_connection_gently_when_it_is_long() {
    let server = serve(handler_fn(|_: &mut Exchange<'_>| "not read"));
    let mut client = server.connect();
    let chunk = format!("fa0\r\n{}\r\n", "c".repeat(4000));
    // RFC 9112 §9.6: what the client still sends must not destroy what it has not read.
    client.send(chunked("/", &chunk.repeat(60)));
    assert_eq!(client.reply().text(), "not read");
    client.expect_closed();
}

#[test]
fn a_body_that_breaks_behind_its_answer_gets_no_second_answer() {
    // RFC 9110 §15: a request has one final response.
    let server = serve(handler_fn(|_: &mut Exchange<'_>| "not read"));
    let mut client = server.connect();
    let chunk = format!("fa0\r\n{}\r\n", "c".repeat(4000));
    client.send(chunked("/", &(chunk.repeat(16) + "5f0\r\n" + &"c".repeat(1500))));
    assert_eq!(client.reply().text(), "not read");
    client.send("c".repeat(0x5f0 - 1500) + "nonsense\r\n");
    client.expect_gone();
}

#[test]
fn a_body_over_the_limit_is_413_while_it_is_still_being_sent() {
    let config = Config { max_body_bytes: 100_000, ..Config::default() };
    let server = serve_with(summing(), config);
    let (body, expected) = pattern(100_000);
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    let reply = server.connect().send([head.as_bytes(), &body].concat()).reply();
    assert_eq!(reply.brief(), (200, expected.as_str()), "just at the limit");

    let mut client = server.connect();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
    client.send(vec![b'x'; 4_000_000]);
    let reply = client.reply();
    assert_eq!((reply.status, reply.says_close()), (413, true));
    client.expect_closed();

    let mut client = server.connect();
    client.send(chunked("/", &format!("186a1\r\n{}", "x".repeat(100_001))));
    assert_eq!(client.reply().status, 413);
    client.expect_closed();
    server.assert_alive("bodies over the limit");
}

#[test]
fn the_largest_lengths_there_are_cost_nothing() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| match http.path {
        "/unread" => Ok("unread".to_owned()),
        _ => http.body().map(|body| body.len().to_string()),
    }));
    let length = format!("Content-Length: {}\r\n\r\n", u64::MAX);
    let chunk = "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_owned();
    let second = "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nfffffffffffffff0\r\n".to_owned();
    for framing in [length, chunk, second] {
        for (path, status) in [("/", 413), ("/unread", 200)] {
            let mut client = server.connect();
            client.send(format!("PUT {path} HTTP/1.1\r\nHost: a\r\n{framing}abc"));
            let reply = client.reply();
            assert_eq!(reply.status, status, "{path} {framing:?}: {reply:?}");
            client.end_writing().expect_gone();
            server.assert_alive(&framing);
        }
    }
}

#[test]
fn a_body_can_be_read_by_lines() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<String> {
        let mut longest = 0;
        let mut lines = 0;
        for line in io::BufRead::lines(&mut http.rfile) {
            longest = longest.max(line?.len());
            lines += 1;
        }
        Ok(format!("{lines} {longest}"))
    }));
    let line = format!("{}\n", "l".repeat(99));
    for lines in [1, 100, 20_000] {
        let body = line.repeat(lines);
        let mut coded = String::new();
        for piece in body.as_bytes().chunks(7777) {
            coded += &format!("{:X}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece));
        }
        let mut client = server.connect();
        client.send(post("/", &body)).send(chunked("/", &(coded + "0\r\n\r\n")));
        assert_eq!(client.reply().text(), format!("{lines} 99"), "by length");
        assert_eq!(client.reply().text(), format!("{lines} 99"), "in chunks");
    }
}

#[test]
fn a_body_can_be_answered_while_it_comes() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        http.send_response(200).flush_headers()?;
        let mut piece = vec![0; 20_000];
        loop {
            match http.rfile.read(&mut piece)? {
                0 => return Ok(()),
                count => io::Write::write_all(&mut http.wfile, &piece[..count])?,
            }
        }
    }));
    let (body, _) = pattern(5 * MIB);
    let mut client = server.connect();
    let mut sender = client.stream().try_clone().expect("one more handle");
    let head = format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    let sent = [head.as_bytes(), &body, get("/").as_bytes()].concat();
    let sending = std::thread::spawn(move || io::Write::write_all(&mut sender, &sent));
    assert!(client.reply().body == body, "it comes back as it was sent");
    assert_eq!(client.reply().text(), "", "the request behind it");
    sending.join().expect("it sends").expect("all is taken");
}

#[test]
fn a_body_that_breaks_off_or_is_malformed_is_400() {
    let server = serve(summing());
    let long = "x".repeat(70_000);
    for (what, request) in [
        ("a short body", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc".to_owned()),
        (
            "a long body",
            format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 80000\r\n\r\n{long}"),
        ),
        ("no last chunk", chunked("/", "3\r\nabc\r\n")),
        ("a long chunk", chunked("/", &format!("20000\r\n{long}"))),
        (
            "nonsense behind a long chunk",
            chunked("/", &format!("11170\r\n{long}\r\nnonsense\r\n\r\n")),
        ),
    ] {
        let mut client = server.connect();
        client.send(request).end_writing();
        let reply = client.reply();
        assert_eq!((reply.status, reply.says_close()), (400, true), "{what}: {reply:?}");
        client.expect_gone();
    }
}

#[test]
fn an_answer_that_is_the_last_says_so() {
    // RFC 9112 §9.6: a client that is not told sends its next request into a closed connection.
    let server = serve(handler_fn(|http: &mut Exchange<'_>| {
        if http.path == "/broken" {
            let _ = http.body();
        }
        "answered"
    }));
    // So much has to be there before a method is called.
    let start = "b".repeat(64 * 1024);
    for (what, request) in [
        (
            "a long body that was not read",
            "/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
        ),
        (
            "a body that broke",
            "/broken HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n",
        ),
    ] {
        let mut client = server.connect();
        client.send(format!("PUT {request}{start}")).end_writing();
        let reply = client.reply();
        assert_eq!((reply.text(), reply.says_close()), ("answered", true), "{what}: {reply:?}");
        client.expect_gone();
    }
}

#[test]
fn a_limit_can_be_raised_by_the_method_that_reads() {
    let config = Config { max_body_bytes: 10, ..Config::default() };
    let server = serve_with(
        handler_fn(|http: &mut Exchange<'_>| {
            http.rfile.set_max_bytes(if http.path == "/raised" {
                20
            } else {
                http.rfile.max_bytes()
            });
            http.body()
        }),
        config,
    );
    let body = "eleven bytes";
    assert_eq!(server.connect().send(post("/raised", body)).reply().brief(), (200, body));
    assert_eq!(server.connect().send(post("/", body)).reply().status, 413);
}

#[test]
fn a_client_that_asked_to_close_can_send_all_of_its_body_and_read_the_answer() {
    let server = serve(handler_fn(|_: &mut Exchange<'_>| "unread"));
    for head in [
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n",
        "POST / HTTP/1.0\r\nContent-Length: 1000000\r\n\r\n",
    ] {
        let mut client = server.connect();
        client.send(head).send([b'b'; 100_000]);
        // The answer is there before the whole body is.
        assert_eq!(client.reply().brief(), (200, "unread"), "{head:?}");
        for _ in 0..9 {
            client.send([b'b'; 100_000]);
        }
        client.expect_closed();
    }
}
