//! What is done to a server in a process of its own, and what that costs it.
//!
//! Small ones are tests; the same at full size is `cargo xtask soak`.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::{Client, DEADLINE, ServerProcess, Usage, get};

/// Clients that have had an answer, and stay.
pub fn idle_clients(server: &ServerProcess, count: usize) -> Vec<Client> {
    let asks = |n| {
        let mut client = server.connect();
        assert_eq!(client.send(get("/")).reply().status, 200, "client {n}");
        client
    };
    (0..count).map(asks).collect()
}

/// How long each of `count` requests on one connection took, the quickest first.
pub fn latencies(client: &mut Client, count: usize) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..count)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(client.send(get("/quick")).reply().status, 200);
            start.elapsed()
        })
        .collect();
    times.sort();
    times
}

/// Which of a hundred is not exceeded by 99 of them.
pub fn p99(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() * 99 / 100).copied().unwrap_or_default()
}

/// Has so many handlers panic; each is answered with a 500.
pub fn panics(server: &ServerProcess, count: usize) {
    for n in 0..count {
        let reply = server.connect().send(get("/panic")).reply();
        assert_eq!(reply.status, 500, "panic {n}");
    }
}

/// Sends header lines without an end until the server has had enough: how many bytes it took.
pub fn endless_lines(server: &ServerProcess, most: usize) -> usize {
    let mut client = server.connect();
    let piece = "X-Endless: 0123456789012345678901234567890123456789\r\n".repeat(200);
    let (mut sent, start) = (0, "GET / HTTP/1.1\r\nHost: test\r\n");
    let mut next = client.try_send(start);
    while next.is_ok() && sent < most {
        next = client.try_send(&piece);
        sent += piece.len();
    }
    sent
}

/// Connects so many clients to a server that cannot have them all, and has them leave.
///
/// What the server used while nothing happened but that they were there.
pub fn crowd(server: &ServerProcess, count: usize, stay: Duration) -> io::Result<(Usage, Usage)> {
    let clients: Vec<Client> = (0..count).map(|_| server.connect()).collect();
    let before = server.usage()?;
    // Not to be right, but for something to measure.
    std::thread::sleep(stay);
    let after = server.usage()?;
    drop(clients);
    Ok((before, after))
}

/// How a slow client is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    /// Its head comes byte by byte.
    Head,
    /// Its body does.
    Body {
        /// As it is announced.
        length: usize,
    },
    /// It never reads its answer of a MiB.
    Answer,
}

/// A client that takes its time.
pub struct SlowClient {
    stream: TcpStream,
    how: Slow,
    start: Instant,
    answer: Vec<u8>,
    /// When the server had had enough of it.
    cut: Option<Duration>,
}

impl SlowClient {
    /// Connects, and begins.
    pub fn start(address: SocketAddr, how: Slow) -> io::Result<SlowClient> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // What does not fit here has to stay with the server.
        socket.set_recv_buffer_size(4096)?;
        socket.connect_timeout(&address.into(), DEADLINE)?;
        let mut stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        let begin = match how {
            Slow::Head => "GET /slow HTTP/1.1\r\nHost: test\r\nX-Slow: ".to_owned(),
            Slow::Body { length } => {
                format!("PUT /slow HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n")
            }
            Slow::Answer => get("/mib"),
        };
        stream.write_all(begin.as_bytes())?;
        stream.set_nonblocking(true)?;
        Ok(SlowClient { stream, how, start: Instant::now(), answer: Vec::new(), cut: None })
    }

    /// How it is slow.
    pub fn how(&self) -> Slow {
        self.how
    }

    /// Sends another byte, and looks whether the server is still there.
    pub fn drip(&mut self) {
        if self.cut.is_some() || self.how == Slow::Answer {
            return;
        }
        let is_refused = (&self.stream).write_all(b"x").is_err();
        let mut piece = [0; 2048];
        let is_over = match self.stream.read(&mut piece) {
            Ok(0) => true,
            Ok(count) => {
                self.answer.extend_from_slice(&piece[..count]);
                true
            }
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        if is_over || is_refused {
            self.cut = Some(self.start.elapsed());
        }
    }

    /// When the server had had enough, if it has, and whether it said so with a 408.
    pub fn cut(&self) -> Option<(Duration, bool)> {
        let said = self.answer.starts_with(b"HTTP/1.1 408 ");
        self.cut.map(|after| (after, said))
    }
}
