//! The life of a worker process: one loop, until it is worn out or its line to the parent ends.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::config::{Config, LONGEST, max_connections};
use crate::locals::drop_quietly;
use crate::logging::log_error;
use crate::net::listener::Listener;
use crate::net::poller::Waker;
use crate::peer::ServerInfo;
use crate::serve::fork;
use crate::serve::line::Message;
use crate::serve::shutdown::{ShutdownHandle, ShutdownReport};
use crate::serve::sync::{Mutex, lock};
use crate::serve::visit::{Desk, Serving};
use crate::serve::worker::{self, Loops, Until};

/// What a worker gets from its parent.
pub(crate) struct Job {
    pub(crate) listener: Listener,
    pub(crate) line: UnixStream,
}

/// Serves, and ends the process: nothing of the parent's program goes on in it.
///
/// What the program and its handler own is not dropped, since the parent still has it.
pub(crate) fn work(job: Job, serving: Serving<'_>, bell: &Bell, stop: &ShutdownHandle) -> ! {
    let worked = panic::catch_unwind(AssertUnwindSafe(|| try_work(job, serving, bell, stop)));
    let code = match worked {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            log_error(format_args!("worker process {} cannot serve: {error}", std::process::id()));
            1
        }
        Err(payload) => {
            drop_quietly(payload);
            PANICKED
        }
    };
    // Who reads it may be gone.
    let _ = io::stdout().flush();
    fork::exit(code)
}

fn try_work(job: Job, serving: Serving<'_>, bell: &Bell, stop: &ShutdownHandle) -> io::Result<()> {
    let (server, config) = (serving.server, serving.config);
    let (workers, neighbours) = worker::loops(job.listener, 1, max_connections(config, 1))?;
    let line = Arc::new(job.line);
    // The parent then stops all of them, this one too.
    bell.hang(Arc::clone(&line));
    watch_parent(Arc::clone(&line), server.clone(), neighbours, config)?;
    let _member = stop.member();
    let mut desk = Desk::new(&server.version_string);
    let mut report = ShutdownReport::default();
    for mut worker in workers {
        worker.join_others(config.max_requests_per_child)?;
        report.add(worker.run(&mut desk, serving, Until::Stopped)?);
    }
    tell(&line, Message::Served(report));
    Ok(())
}

/// What a [`ShutdownHandle`] of a forking server rings: it may be called in any of the processes.
pub(crate) struct Bell(Mutex<Rope>);

enum Rope {
    /// In the parent: it looks up.
    Waker(Waker),
    /// In a worker: its parent is told.
    Line(Arc<UnixStream>),
}

impl Bell {
    pub(crate) fn new(parent: Waker) -> Bell {
        Bell(Mutex::new(Rope::Waker(parent)))
    }

    /// From now on, this process is a worker.
    fn hang(&self, line: Arc<UnixStream>) {
        *lock(&self.0) = Rope::Line(line);
    }

    pub(crate) fn ring(&self) {
        match &*lock(&self.0) {
            Rope::Waker(waker) => waker.wake(),
            Rope::Line(line) => tell(line, Message::StopServer),
        }
    }
}

fn tell(line: &UnixStream, message: Message) {
    // A parent that has died needs no telling.
    let _ = (&mut &*line).write_all(&message.encode());
}

/// Stops the worker when its line ends: the parent wants it to stop, or has died.
///
/// A thread does it, since the loop may be inside a handler, and who has no parent any more must not
/// stay there for ever.
fn watch_parent(
    line: Arc<UnixStream>,
    server: ServerInfo,
    neighbours: Arc<Loops>,
    config: &Config,
) -> io::Result<()> {
    let patience = config.drain_timeout.min(LONGEST) + GRACE;
    let watch = move || {
        // Nothing is ever said on it.
        let _ = (&mut &*line).read(&mut [0]);
        server.stop();
        worker::tell_to_stop(&neighbours);
        thread::sleep(patience);
        fork::exit(CUT);
    };
    let thread = thread::Builder::new().name("basehttp-parent".to_owned()).stack_size(STACK);
    thread.spawn(watch).map(drop)
}

/// How much longer than its drain a worker may take to end.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// The exit code of a panic, as Rust's own programs have it.
const PANICKED: i32 = 101;

/// The exit code of a worker that did not end in time.
const CUT: i32 = 1;

/// Bytes; it only waits.
const STACK: usize = 64 * 1024;
