//! Everything at once: requests of all kinds, cut anywhere, from several clients, each answered
//! with what it asked for and in its turn.
//!
//! What goes wrong here is a wake-up that is lost, or a byte that lands in the wrong request.

use std::io::{self, Read, Write};
use std::thread;

use basehttp::{Exchange, handler_fn};
use basehttp_tests::{Client, TestServer, serve};

/// Answers `/<bytes to read>/<bytes to answer>/<tag>` with the tag, and as many bytes as it says.
fn server() -> TestServer {
    serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        let path = http.path;
        let mut words = path.trim_start_matches('/').split('/');
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let (mut left, answer): (usize, usize) = (number(), number());
        let mut piece = [0; 3000];
        while left > 0 {
            let most = left.min(piece.len());
            match http.rfile.read(&mut piece[..most])? {
                0 => return Err(io::Error::other("the body is too short")),
                count => left -= count,
            }
        }
        http.wfile.write_all(path.as_bytes())?;
        (0..answer / 1000).try_for_each(|_| http.wfile.write_all(&[b'x'; 1000]))
    }))
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// A request, the bytes of its body that are sent only after `100 Continue`, and its path.
struct Sent {
    bytes: Vec<u8>,
    awaited: Vec<u8>,
    path: String,
    answer: usize,
}

fn request(numbers: &mut Numbers, tag: &str) -> Sent {
    let length = [0, 0, 1, 500, 20_000, 65_536, 65_537, 150_000][numbers.below(8)];
    // All, nothing, or all but what is dropped.
    let read = match numbers.below(3) {
        0 if length <= 65_536 => 0,
        1 => length - length.min(1000),
        _ => length,
    };
    let answer = [0, 0, 0, 1000, 70_000, 400_000][numbers.below(6)];
    let path = format!("/{read}/{answer}/{tag}");
    let body = vec![b'b'; length];
    let (framing, body) = match numbers.below(2) {
        0 => (format!("Content-Length: {length}"), body),
        _ => {
            let size = 1 + numbers.below(70_000);
            let mut coded = Vec::new();
            for chunk in body.chunks(size) {
                coded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                coded.extend_from_slice(chunk);
                coded.extend_from_slice(b"\r\n");
            }
            coded.extend_from_slice(b"0\r\n\r\n");
            ("Transfer-Encoding: chunked".to_owned(), coded)
        }
    };
    // Whoever waits must be asked, so the handler must read.
    let waits = length > 0 && read == length && numbers.below(4) == 0;
    let expect = if waits { "Expect: 100-continue\r\n" } else { "" };
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{expect}{framing}\r\n\r\n");
    if waits {
        Sent { bytes: head.into_bytes(), awaited: body, path, answer }
    } else {
        Sent { bytes: [head.into_bytes(), body].concat(), awaited: Vec::new(), path, answer }
    }
}

/// Sends `bytes` in a few pieces.
fn send(client: &mut Client, numbers: &mut Numbers, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let most = [1, 10, 1000, 16 * 1024, 1_000_000][numbers.below(5)];
        let (piece, rest) = bytes.split_at(bytes.len().min(1 + numbers.below(most)));
        client.send(piece);
        bytes = if numbers.below(20) == 0 {
            rest
        } else {
            client.send(rest);
            &[]
        };
    }
}

fn converse(server: &TestServer, seed: u64) {
    let mut numbers = Numbers(seed);
    for connection in 0..4 {
        let mut client = server.connect();
        for turn in 0..20 {
            let batch: Vec<Sent> = (0..1 + numbers.below(3))
                .map(|n| request(&mut numbers, &format!("{seed}-{connection}-{turn}-{n}")))
                .collect();
            // Pipelined as far as nobody waits for an answer.
            let mut unanswered = Vec::new();
            for sent in &batch {
                send(&mut client, &mut numbers, &sent.bytes);
                unanswered.push(sent);
                if !sent.awaited.is_empty() || sent.answer > 100_000 {
                    for sent in unanswered.drain(..) {
                        receive(&mut client, sent);
                    }
                }
            }
            for sent in unanswered {
                receive(&mut client, sent);
            }
        }
    }
}

fn receive(client: &mut Client, sent: &Sent) {
    let mut reply = client.reply();
    if !sent.awaited.is_empty() {
        assert_eq!(reply.status, 100, "{}: {reply:?}", sent.path);
        client.send(&sent.awaited);
        reply = client.reply();
    }
    assert_eq!(reply.status, 200, "{}: {reply:?}", sent.path);
    assert!(reply.body.starts_with(sent.path.as_bytes()), "{}: {reply:?}", sent.path);
    assert_eq!(reply.body.len(), sent.path.len() + sent.answer, "{}", sent.path);
}

#[test]
fn mixed_requests_of_several_clients_are_answered_in_their_turn() {
    let server = server();
    thread::scope(|scope| {
        for seed in 1..=6 {
            let server = &server;
            scope.spawn(move || converse(server, seed));
        }
    });
    server.assert_alive("all of that");
}
