//! An epoll loop that parses nothing: what the kernel alone costs.
//!
//! It counts blank lines and answers each with the same bytes that the `hello` server sends. No
//! server that understands its requests can be quicker; how close one comes is the measure.
//!
//!     bare [PORT]

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nServer: basehttp/0.1.0\r\n\
    Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 13\r\n\r\nHello, world!";

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8090".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let both = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
    epoll::add(&epoll, &listener, EventData::new_u64(u64::MAX), EventFlags::IN)?;

    let mut connections: HashMap<u64, TcpStream> = HashMap::new();
    let mut events = Vec::with_capacity(1024);
    let mut input = vec![0; 16 * 1024];
    let mut output = Vec::new();
    loop {
        events.clear();
        epoll::wait(&epoll, spare_capacity(&mut events), None)?;
        for event in &events {
            let (token, flags) = (event.data.u64(), event.flags);
            if token == u64::MAX {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    let token = stream.as_raw_fd() as u64;
                    epoll::add(&epoll, stream.as_fd(), EventData::new_u64(token), both)?;
                    connections.insert(token, stream);
                }
            } else if flags.contains(EventFlags::IN)
                && let Some(stream) = connections.get_mut(&token)
                && !serve(stream, &mut input, &mut output)
            {
                connections.remove(&token);
            }
        }
    }
}

/// Answers what is there; false at the end of the connection.
fn serve(stream: &mut TcpStream, input: &mut [u8], output: &mut Vec<u8>) -> bool {
    loop {
        let received = match stream.read(input) {
            Ok(0) => return false,
            Ok(received) => received,
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        };
        output.clear();
        for _ in memchr::memmem::find_iter(&input[..received], b"\r\n\r\n") {
            output.extend_from_slice(ANSWER);
        }
        // A slow reader is not what is measured here: it is cut off.
        if stream.write_all(output).is_err() {
            return false;
        }
        if received < input.len() {
            return true;
        }
    }
}
