//! The generator: many connections, each of which sends what it has to as soon as it has its
//! answers. One thread, so that it fits on the core beside the server's.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};

use crate::answers::Answers;

/// What each connection sends, over and over.
#[derive(Clone)]
pub struct Load {
    pub connections: usize,
    /// What goes out in one write: one request, or as many as are pipelined.
    pub batch: Vec<u8>,
    /// Requests in a batch.
    pub requests: usize,
    /// Bytes of body in each answer.
    pub answer: usize,
    /// What goes out instead of every hundredth batch; how long its answer takes is not counted.
    pub slow: Option<Vec<u8>>,
    /// How a connection ends, if it does.
    pub ends: Option<Ends>,
}

/// After `batches` batches comes `last`, and then a new connection.
#[derive(Clone)]
pub struct Ends {
    pub batches: usize,
    pub last: Vec<u8>,
}

/// What a run has counted.
#[derive(Default)]
pub struct Count {
    pub requests: usize,
    pub time: Duration,
    /// Microseconds from each batch to the last of its answers, the slow ones left out.
    latencies: Vec<u32>,
}

impl Count {
    pub fn add(&mut self, mut more: Count) {
        self.requests += more.requests;
        self.time += more.time;
        self.latencies.append(&mut more.latencies);
    }

    /// What 99 of 100 batches stayed below, in milliseconds.
    pub fn p99(&mut self) -> f64 {
        self.latencies.sort_unstable();
        let last = self.latencies.len() * 99 / 100;
        self.latencies.get(last).map_or(0.0, |&latency| f64::from(latency) / 1000.0)
    }
}

pub struct Generator<'l> {
    load: &'l Load,
    server: SocketAddr,
    epoll: rustix::fd::OwnedFd,
    connections: Vec<Connection>,
    count: Count,
}

struct Connection {
    stream: TcpStream,
    answers: Answers,
    sends: What,
    /// Bytes of that which are out.
    sent: usize,
    /// Answers to it that have not come yet.
    awaited: usize,
    began: Instant,
    /// Batches since the connection began.
    batches: usize,
    /// Batches since the last slow one.
    since_slow: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    Batch,
    Slow,
    Last,
    /// Everything has been asked and answered: the server is to close.
    Nothing,
}

impl Generator<'_> {
    /// Opens all connections and sends the first batch on each.
    pub fn connect(load: &Load, server: SocketAddr) -> Result<Generator<'_>, String> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|e| e.to_string())?;
        let count = Count::default();
        let mut generator = Generator { load, server, epoll, connections: Vec::new(), count };
        for index in 0..load.connections {
            let stream = generator.open(index).map_err(|error| error.to_string())?;
            let connection = Connection {
                stream,
                answers: Answers::default(),
                sends: What::Nothing,
                sent: 0,
                awaited: 0,
                began: Instant::now(),
                batches: 0,
                // Else all would be slow at the same time.
                since_slow: index % 100,
            };
            generator.connections.push(connection);
            generator.begin(index)?;
        }
        Ok(generator)
    }

    fn open(&self, index: usize) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.server)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let both = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(&self.epoll, &stream, EventData::new_u64(index as u64), both)?;
        Ok(stream)
    }

    /// Keeps the connections busy for `time`, and until at least one batch is answered.
    pub fn run(&mut self, time: Duration) -> Result<Count, String> {
        self.count = Count::default();
        let mut input = vec![0; 256 * 1024];
        let mut events = Vec::with_capacity(1024);
        let patience = Timespec { tv_sec: 5, tv_nsec: 0 };
        let began = Instant::now();
        while began.elapsed() < time || self.count.requests == 0 {
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&patience))
                .map_err(|error| error.to_string())?;
            if events.is_empty() {
                return Err("no answer for 5 seconds".into());
            }
            for event in &events {
                self.drive(event.data.u64() as usize, &mut input)?;
            }
        }
        self.count.time = began.elapsed();
        Ok(std::mem::take(&mut self.count))
    }

    /// Does what one connection can do now.
    fn drive(&mut self, index: usize, input: &mut [u8]) -> Result<(), String> {
        self.connections[index].send(self.load)?;
        self.next_if_answered(index)?;
        loop {
            let connection = &mut self.connections[index];
            let received = match connection.stream.read(input) {
                Ok(0) if connection.sends == What::Nothing => {
                    self.reopen(index)?;
                    continue;
                }
                Ok(0) => return Err("the connection was closed before the answer".into()),
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.to_string()),
            };
            let answered = connection.answers.count(&input[..received], self.load.answer)?;
            self.count.requests += answered;
            connection.awaited =
                connection.awaited.checked_sub(answered).ok_or("more answers than requests")?;
            // A short read leaves nothing to read, unless it is the end.
            let next = self.next_if_answered(index)?;
            if received < input.len() && next != What::Nothing {
                return Ok(());
            }
        }
    }

    /// Begins anew on a connection that has sent all and got all; what it is at then.
    fn next_if_answered(&mut self, index: usize) -> Result<What, String> {
        let connection = &self.connections[index];
        // An answer may come before the whole request is out.
        let sent_all = connection.sent == connection.sends.bytes(self.load).len();
        if sent_all && connection.awaited == 0 && connection.sends != What::Nothing {
            if connection.sends != What::Slow {
                self.count.latencies.push(connection.began.elapsed().as_micros() as u32);
            }
            self.begin(index)?;
        }
        Ok(self.connections[index].sends)
    }

    /// Decides what a connection that has all its answers sends next, and sends it.
    fn begin(&mut self, index: usize) -> Result<(), String> {
        let connection = &mut self.connections[index];
        let next = match &self.load.ends {
            _ if connection.sends == What::Last => What::Nothing,
            Some(ends) if connection.batches == ends.batches => What::Last,
            _ if self.load.slow.is_some() && connection.since_slow >= 99 => What::Slow,
            _ => What::Batch,
        };
        connection.sends = next;
        connection.sent = 0;
        connection.began = Instant::now();
        connection.awaited = match next {
            What::Batch => self.load.requests,
            What::Slow | What::Last => 1,
            What::Nothing => 0,
        };
        connection.batches += 1;
        connection.since_slow = if next == What::Slow { 0 } else { connection.since_slow + 1 };
        connection.send(self.load)
    }

    /// The next connection in the place of one that has ended.
    fn reopen(&mut self, index: usize) -> Result<(), String> {
        let began = Instant::now();
        let stream = self.open(index).map_err(|error| error.to_string())?;
        let connection = &mut self.connections[index];
        // The old one is closed by that, and leaves the poller.
        connection.stream = stream;
        connection.answers = Answers::default();
        connection.batches = 0;
        self.begin(index)?;
        // What a client waits for is the connection too.
        self.connections[index].began = began;
        Ok(())
    }
}

impl Connection {
    /// Sends what the socket takes.
    fn send(&mut self, load: &Load) -> Result<(), String> {
        let all = self.sends.bytes(load);
        while self.sent < all.len() {
            match self.stream.write(&all[self.sent..]) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }
}

impl What {
    fn bytes(self, load: &Load) -> &[u8] {
        match (self, &load.slow, &load.ends) {
            (What::Batch, _, _) => &load.batch,
            (What::Slow, Some(slow), _) => slow,
            (What::Last, _, Some(ends)) => &ends.last,
            _ => &[],
        }
    }
}
