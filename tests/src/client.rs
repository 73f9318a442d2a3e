//! A client that sends what it is told to, byte for byte.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use crate::reply::{Parsed, Reply, parse};
use crate::{DEADLINE, shown};

/// A connection of raw bytes. Its methods panic where the connection does not do what they say.
pub struct Client {
    stream: TcpStream,
    /// What was read and belongs to no reply yet.
    received: Vec<u8>,
    ended: bool,
}

/// How a connection came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// As it should: the other side has nothing more to say.
    Closed,
    /// Cut.
    Reset,
}

impl Client {
    /// Connects, with a deadline on everything that follows.
    pub fn connect(address: SocketAddr) -> Client {
        Client::try_connect(address).expect("connects")
    }

    /// Connects to a server that may not be there any more.
    pub fn try_connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, received: Vec::new(), ended: false })
    }

    /// The socket, for what a test wants to do to it.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends `bytes` at once.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Client {
        let bytes = bytes.as_ref();
        self.try_send(bytes).unwrap_or_else(|error| panic!("sending {}: {error}", shown(bytes)));
        self
    }

    /// Sends `bytes` to a server that may already have had enough.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends each of `pieces` as a packet of its own.
    pub fn send_pieces<'p>(&mut self, pieces: impl IntoIterator<Item = &'p [u8]>) -> &mut Client {
        for piece in pieces {
            self.send(piece);
        }
        self
    }

    /// Sends `bytes` one by one.
    pub fn send_slowly(&mut self, bytes: impl AsRef<[u8]>) -> &mut Client {
        self.send_pieces(bytes.as_ref().chunks(1))
    }

    /// Says that nothing more will be sent, and still listens.
    pub fn end_writing(&mut self) -> &mut Client {
        self.stream.shutdown(Shutdown::Write).expect("can end its side");
        self
    }

    /// Leaves with a reset instead of a goodbye.
    pub fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("can be rude");
    }

    /// The next answer, be it an interim one.
    pub fn reply(&mut self) -> Reply {
        self.reply_to("GET")
    }

    /// The next answer, to a request of that method: one to HEAD has no body.
    pub fn reply_to(&mut self, method: &str) -> Reply {
        match self.next_reply(method) {
            Ok(Some(reply)) => reply,
            Ok(None) => panic!("the connection ended without an answer"),
            Err(cut) => panic!("the answer was cut: {cut:?}"),
        }
    }

    /// The next answer, which must break off before its end.
    pub fn cut_reply(&mut self) -> Reply {
        match self.next_reply("GET") {
            Err(cut) => cut,
            Ok(reply) => panic!("the answer is not cut: {reply:?}"),
        }
    }

    /// The next answer: `None` if the connection ended before one began, an error if within.
    pub fn next_reply(&mut self, method: &str) -> Result<Option<Reply>, Reply> {
        loop {
            match parse(&self.received, method, self.ended) {
                Parsed::Whole(reply, len) => {
                    self.received.drain(..len);
                    return Ok(Some(reply));
                }
                Parsed::Cut(reply) => {
                    self.received.clear();
                    return Err(reply);
                }
                Parsed::Partial if self.ended => {
                    assert_eq!(shown(&self.received), "", "the end of a connection");
                    return Ok(None);
                }
                Parsed::Partial => self.receive(),
            }
        }
    }

    /// Everything up to the end of the connection, however it comes.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        while !self.ended {
            self.receive();
        }
        std::mem::take(&mut self.received)
    }

    /// Reads some bytes that are not looked at; to be slow with.
    pub fn read_some(&mut self, most: usize) -> usize {
        self.stream.read(&mut vec![0; most]).expect("something is there")
    }

    /// Insists that nothing more comes, and that the connection ends as it should.
    pub fn expect_closed(&mut self) {
        assert_eq!(self.wait_for_end(), End::Closed, "how the connection ended");
    }

    /// Insists that nothing more comes, and that the connection ends, if need be by a reset.
    pub fn expect_gone(&mut self) {
        self.wait_for_end();
    }

    fn wait_for_end(&mut self) -> End {
        let mut end = End::Closed;
        while !self.ended {
            end = self.receive_or_end();
        }
        assert_eq!(shown(&self.received), "", "nothing more should come");
        end
    }

    fn receive(&mut self) {
        self.receive_or_end();
    }

    fn receive_or_end(&mut self) -> End {
        let mut piece = vec![0; 64 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => self.ended = true,
            Ok(count) => self.received.extend_from_slice(&piece[..count]),
            Err(error) => match error.kind() {
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                    self.ended = true;
                    return End::Reset;
                }
                ErrorKind::Interrupted => {}
                _ => panic!("waiting, after {}: {error}", shown(&self.received)),
            },
        }
        End::Closed
    }
}
