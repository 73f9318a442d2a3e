//! The process that serves nothing: it starts workers, replaces those that end, and stops them.
//!
//! ```text
//!              ┌──────────── worn out: at once ◀───────────┐
//!              ▼                                           │
//!   missing ──start──▶ serving ── the line ends ──▶ waited for
//!              ▲                                           │
//!              └── died: at once, or after a pause ◀───────┘
//! ```
//!
//! Each worker has a line to its parent, a pair of sockets. Whichever of the two ends, however it
//! ends, the system closes its side, and the other one knows; no signal is needed for that.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use slab::Slab;

use crate::config::{Config, LONGEST};
use crate::logging::log_error;
use crate::net::listener::Listener;
use crate::net::poller::{Event, Pipe, Poller, Token};
use crate::peer::ServerInfo;
use crate::serve::child::{GRACE, Job};
use crate::serve::fork::{self, Forked, Process};
use crate::serve::line::Message;
use crate::serve::shutdown::ShutdownReport;

/// Workers, and what is needed to start another.
pub(crate) struct Parent {
    poller: Poller,
    /// Closed when a stop begins.
    listener: Option<Listener>,
    workers: Slab<WorkerProcess>,
    wanted: usize,
    respite: Respite,
    stopping: Option<Stopping>,
}

struct WorkerProcess {
    process: Process,
    line: Pipe,
    /// What was heard and is no whole message yet.
    heard: Vec<u8>,
    started: Instant,
    /// It has served to the end.
    has_reported: bool,
}

/// A stop under way.
struct Stopping {
    deadline: Instant,
    report: ShutdownReport,
}

/// Who returns from [`Parent::run`].
pub(crate) enum Role {
    /// The parent, once all workers have ended.
    Parent(ShutdownReport),
    /// A new process, to do this.
    Worker(Job),
}

impl Parent {
    pub(crate) fn new(poller: Poller, listener: Listener, config: &Config) -> Parent {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        Parent {
            poller,
            listener: Some(listener),
            workers: Slab::new(),
            wanted: config.workers.unwrap_or_else(processors).max(1),
            respite: Respite::default(),
            stopping: None,
        }
    }

    /// Hears of signals as a worker is heard; see `signals`.
    #[cfg(feature = "signals")]
    pub(crate) fn add_signals(&self, signals: &mut Pipe) -> io::Result<()> {
        self.poller.add_pipe(signals, SIGNALS)
    }

    /// Keeps workers at work until `server` is told to stop; returns once in each worker as well.
    ///
    /// # Errors
    /// When no worker can be started: in a process with threads, or where the system refuses from
    /// the beginning. And when the system will not let it wait.
    pub(crate) fn run(mut self, server: &ServerInfo, config: &Config) -> io::Result<Role> {
        // In a worker, what is dropped here are its copies: of the poller, and of all lines.
        self.keep(server, config).inspect_err(|_| {
            self.stopping.get_or_insert(Stopping::new(Instant::now()));
            self.kill_all();
        })
    }

    fn keep(&mut self, server: &ServerInfo, config: &Config) -> io::Result<Role> {
        let mut events = Vec::new();
        loop {
            let now = Instant::now();
            if self.stopping.is_none()
                && server.is_stopping()
                && let Some(job) = self.begin_stop(now, config)
            {
                return Ok(Role::Worker(job));
            }
            match &self.stopping {
                Some(stopping) if self.workers.is_empty() => {
                    return Ok(Role::Parent(stopping.report));
                }
                Some(stopping) if now >= stopping.deadline => self.kill_all(),
                Some(_) => {}
                None => {
                    if let Some(job) = self.start_missing(now)? {
                        return Ok(Role::Worker(job));
                    }
                }
            }
            self.poller.wait(self.patience(now), &mut events)?;
            for event in events.drain(..) {
                match event {
                    Event::Ready { token: SIGNALS, .. } => server.stop(),
                    Event::Ready { token, .. } => self.hear(token, server),
                    Event::Woken | Event::Acceptable => {}
                }
            }
        }
    }

    fn patience(&self, now: Instant) -> Option<Duration> {
        let until = match &self.stopping {
            Some(stopping) => stopping.deadline,
            None if self.workers.len() < self.wanted => self.respite.until?,
            None => return None,
        };
        Some(until.saturating_duration_since(now))
    }

    /// Starts as many as are missing; in a new one, returns its job.
    fn start_missing(&mut self, now: Instant) -> io::Result<Option<Job>> {
        while self.workers.len() + self.respite.waiting(now) < self.wanted {
            match self.start(now) {
                Ok(None) => {}
                Ok(job) => return Ok(job),
                // There never was one, or there never will be one again.
                Err(error)
                    if self.workers.is_empty()
                        && (self.respite.is_new()
                            || error.kind() == io::ErrorKind::Unsupported) =>
                {
                    return Err(error);
                }
                Err(error) => {
                    let pause = self.respite.begin(now);
                    log_error(format_args!(
                        "cannot start a worker process, trying again in {pause:?}: {error}"
                    ));
                }
            }
        }
        Ok(None)
    }

    /// Starts a worker; in the new process, returns its job.
    fn start(&mut self, now: Instant) -> io::Result<Option<Job>> {
        let (line, theirs) = UnixStream::pair()?;
        let mut line = Pipe::new(line)?;
        // Or both processes would print what is still here.
        let _ = io::stdout().flush();
        match fork::fork()? {
            Forked::Child => match self.listener.take() {
                Some(listener) => Ok(Some(Job { listener, line: theirs })),
                // There is nothing to accept any more.
                None => fork::exit(0),
            },
            Forked::Parent(process) => {
                let entry = self.workers.vacant_entry();
                let watched = self.poller.add_pipe(&mut line, entry.key());
                entry.insert(WorkerProcess {
                    process,
                    line,
                    heard: Vec::new(),
                    started: now,
                    has_reported: false,
                });
                watched.map(|()| None)
            }
        }
    }

    /// Hears what a worker has to say; when its line ends, so has the worker.
    fn hear(&mut self, token: Token, server: &ServerInfo) {
        let Some(worker) = self.workers.get_mut(token) else { return };
        let mut piece = [0; 64];
        let is_over = loop {
            match worker.line.read(&mut piece) {
                Ok(None) => break false,
                Ok(Some(0)) | Err(_) => break true,
                Ok(Some(count)) => worker.heard.extend(piece.iter().take(count)),
            }
        };
        while let Some(message) = Message::next(&mut worker.heard) {
            match message {
                Message::StopServer => server.stop(),
                Message::StopWorker => worker.line.end_writing(),
                Message::Served(report) => {
                    worker.has_reported = true;
                    if let Some(stopping) = &mut self.stopping {
                        stopping.report.add(report);
                    }
                }
            }
        }
        if is_over {
            self.bury(token);
        }
    }

    /// Waits for a worker whose line has ended.
    fn bury(&mut self, token: Token) {
        let worker = self.workers.remove(token);
        let pid = worker.process.id();
        // It is ending; and one that has only closed its line could not be stopped any more.
        worker.process.kill();
        let ended = match worker.process.wait() {
            Ok(status) if status.success() && worker.has_reported => return self.respite.end(),
            Ok(status) => status.to_string(),
            Err(_) if worker.has_reported => return self.respite.end(),
            Err(error) => format!("nobody knows how: {error}"),
        };
        if let Some(stopping) = &mut self.stopping {
            // What it was doing is not known; at least a request was under way.
            stopping.report.add(ShutdownReport { cut: 1, ..ShutdownReport::default() });
            return log_error(format_args!("worker process {pid} ended while stopping: {ended}"));
        }
        let now = Instant::now();
        let age = now.saturating_duration_since(worker.started);
        if age >= GROWN_UP {
            self.respite.end();
            log_error(format_args!("worker process {pid} died, and is replaced: {ended}"));
        } else {
            let pause = self.respite.begin(now);
            log_error(format_args!(
                "worker process {pid} died {age:.0?} after its start, and is replaced in \
                 {pause:.0?}: {ended}"
            ));
        }
    }

    /// Has all workers stop, and a last one see to those who have connected already: the others may
    /// be busy, or worn out, or dead. In the new process, returns its job.
    fn begin_stop(&mut self, now: Instant, config: &Config) -> Option<Job> {
        let deadline = now + config.drain_timeout.min(LONGEST) + GRACE + GRACE;
        self.stopping = Some(Stopping::new(deadline));
        self.end_lines();
        match self.start(now) {
            Ok(None) => {}
            Ok(job) => return job,
            Err(error) => log_error(format_args!("cannot start a last worker: {error}")),
        }
        self.end_lines();
        self.listener = None;
        None
    }

    fn end_lines(&self) {
        for (_, worker) in &self.workers {
            worker.line.end_writing();
        }
    }

    fn kill_all(&mut self) {
        let tokens: Vec<Token> = self.workers.iter().map(|(token, _)| token).collect();
        for (_, worker) in &self.workers {
            worker.process.kill();
        }
        for token in tokens {
            self.bury(token);
        }
    }
}

impl Stopping {
    fn new(deadline: Instant) -> Stopping {
        Stopping { deadline, report: ShutdownReport::default() }
    }
}

/// The pause before a worker is replaced, where they die young: a fork is no way to spin.
#[derive(Default)]
struct Respite {
    until: Option<Instant>,
    /// How many are not replaced before.
    waiting: usize,
    /// How long the last one was.
    pause: Option<Duration>,
}

impl Respite {
    /// How many places have to stay empty for now.
    fn waiting(&mut self, now: Instant) -> usize {
        if self.until.is_none_or(|until| now >= until) {
            self.waiting = 0;
        }
        self.waiting
    }

    /// Whether no worker has ever died young.
    fn is_new(&self) -> bool {
        self.until.is_none()
    }

    /// One more has died young: the pause that is left. Those who die together wait together.
    fn begin(&mut self, now: Instant) -> Duration {
        if self.waiting(now) == 0 {
            let pause = self.pause.map_or(FIRST_PAUSE, |last| (last * 2).min(LONGEST_PAUSE));
            self.pause = Some(pause);
            self.until = Some(now + pause);
        }
        self.waiting += 1;
        self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// One has lived: the next death is the first again.
    fn end(&mut self) {
        self.pause = None;
    }
}

/// No worker's: those count from 0, and the poller has the two above for itself.
const SIGNALS: Token = usize::MAX - 2;

/// A worker that dies before this age may have died of its birth.
const GROWN_UP: Duration = Duration::from_secs(1);

/// Enough that a loop of deaths costs next to nothing, and that one death is hardly noticed.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Soon enough for the others who wait, should requests of one client be the cause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_a_life() {
        let mut respite = Respite::default();
        let mut now = Instant::now();
        assert_eq!(respite.waiting(now), 0);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let pause = respite.begin(now);
            assert_eq!(respite.waiting(now), 1);
            assert_eq!(respite.begin(now), pause, "who dies in a pause does not make it longer");
            assert_eq!(respite.waiting(now), 2);
            pauses.push(pause.as_millis());
            now += pause;
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 2000, 2000, 2000]);
        respite.end();
        assert_eq!(respite.begin(now), FIRST_PAUSE);
    }
}
