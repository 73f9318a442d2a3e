//! An epoll loop that parses nothing: what the kernel alone costs.
//!
//! It counts blank lines and answers each with the same bytes that the `hello` server sends. No
//! server that understands its requests can be quicker; how close one comes is the measure.
//!
//! Where a request ends it guesses from four bytes, since it knows the generator that it talks to:
//! the first of the head says GET or POST, the first of the path whether 1 MiB is wanted, and the
//! last of the last field is `e` in `Connection: close`, `d` in `Transfer-Encoding: chunked`, or
//! the end of a `Content-Length`. A head that comes in pieces it does not answer at all.
//!
//!     bare [PORT]

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};

use memchr::memmem;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::retry_on_intr;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nServer: basehttp/0.1.0\r\n\
    Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 13\r\n\r\nHello, world!";

/// What every other answer begins with; its length and its body follow.
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nServer: basehttp/0.1.0\r\n\
    Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: ";

static BIG: [u8; 1 << 20] = [b'x'; 1 << 20];

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8090".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let both = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
    epoll::add(&epoll, &listener, EventData::new_u64(u64::MAX), EventFlags::IN)?;

    let mut connections: HashMap<u64, Connection> = HashMap::new();
    let mut events = Vec::with_capacity(1024);
    let mut input = vec![0; 64 * 1024];
    let mut output = Vec::new();
    loop {
        events.clear();
        // A server that is stopped and let go on is interrupted.
        retry_on_intr(|| epoll::wait(&epoll, spare_capacity(&mut events), None))?;
        for event in &events {
            let (token, flags) = (event.data.u64(), event.flags);
            if token == u64::MAX {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    let token = stream.as_raw_fd() as u64;
                    epoll::add(&epoll, stream.as_fd(), EventData::new_u64(token), both)?;
                    let connection = Connection { stream, unread: 0, upload: 0, unsent: 0 };
                    connections.insert(token, connection);
                }
            } else if let Some(connection) = connections.get_mut(&token)
                && (flags.contains(EventFlags::IN) || connection.unsent > 0)
                && !connection.serve(&mut input, &mut output)
            {
                connections.remove(&token);
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    /// Bytes of an upload that have not come yet.
    unread: usize,
    /// Bytes of that upload in all.
    upload: usize,
    /// Bytes of `BIG` that the client has not taken yet.
    unsent: usize,
}

impl Connection {
    /// Answers what is there; false at the end of the connection.
    fn serve(&mut self, input: &mut [u8], output: &mut Vec<u8>) -> bool {
        loop {
            while self.unsent > 0 {
                match self.stream.write(&BIG[BIG.len() - self.unsent..]) {
                    Ok(sent) => self.unsent -= sent,
                    Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
                }
            }
            let received = match self.stream.read(input) {
                Ok(0) => return false,
                Ok(received) => received,
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            };
            output.clear();
            let stays = self.answer(&input[..received], output);
            // A slow reader is not what is measured here: it is cut off.
            if self.stream.write_all(output).is_err() || !stays {
                return false;
            }
            if received < input.len() && self.unsent == 0 {
                return true;
            }
        }
    }

    /// Writes the answers to what was received; false if the client wants no more of them.
    fn answer(&mut self, mut input: &[u8], output: &mut Vec<u8>) -> bool {
        if self.unread > 0 {
            let length = self.unread.min(input.len());
            self.unread -= length;
            input = &input[length..];
            if self.unread == 0 {
                text(output, self.upload.to_string().as_bytes());
            }
        }
        while let Some(end) = memmem::find(input, b"\r\n\r\n") {
            let (head, rest) = (&input[..end], &input[end + 4..]);
            input = rest;
            match (head[0], head[end - 1]) {
                (b'P', b'd') => {
                    let Some(length) = memmem::find(input, b"\r\n0\r\n\r\n") else { return false };
                    let data = memmem::find(input, b"\r\n").map_or(0, |size| size + 2);
                    text(output, &input[data..length]);
                    input = &input[length + 7..];
                }
                (b'P', _) => {
                    let digits = head.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
                    let length =
                        digits.iter().fold(0, |sum, &digit| sum * 10 + usize::from(digit - b'0'));
                    if length > input.len() {
                        self.upload = length;
                        self.unread = length - input.len();
                        return true;
                    }
                    text(output, &input[..length]);
                    input = &input[length..];
                }
                (_, last) => {
                    if head[5] == b'b' {
                        output.extend_from_slice(HEAD);
                        output.extend_from_slice(b"1048576\r\n\r\n");
                        self.unsent = BIG.len();
                    } else {
                        output.extend_from_slice(ANSWER);
                    }
                    if last == b'e' {
                        return false;
                    }
                }
            }
        }
        true
    }
}

/// An answer with a body of its own.
fn text(output: &mut Vec<u8>, body: &[u8]) {
    output.extend_from_slice(HEAD);
    output.extend_from_slice(body.len().to_string().as_bytes());
    output.extend_from_slice(b"\r\n\r\n");
    output.extend_from_slice(body);
}
