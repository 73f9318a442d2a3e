//! One server at work: started on a core of its own, looked at through `/proc`, killed at the end.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Where servers run, and where the generator does.
pub const SERVER_CORE: usize = 0;
pub const GENERATOR_CORE: usize = 1;

pub struct Server {
    process: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts `command`, and waits until it takes connections.
    pub fn start(command: &mut Command, port: u16) -> Result<Server, String> {
        // A process inherits the core of the thread that starts it.
        stay_on(SERVER_CORE).map_err(|error| error.to_string())?;
        let started =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        stay_on(GENERATOR_CORE).map_err(|error| error.to_string())?;
        let process = started.map_err(|error| error.to_string())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut server = Server { process, address };
        let patience = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = server.process.try_wait() {
                return Err(format!("it ended: {status}"));
            }
            if Instant::now() > patience {
                return Err("it takes no connections".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// Keeps it from running: some take the processor from others even while nobody asks anything.
    pub fn pause(&self) -> Result<(), String> {
        self.signal(Signal::STOP)
    }

    pub fn resume(&self) -> Result<(), String> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), String> {
        let process = Pid::from_child(&self.process);
        kill_process(process, signal).map_err(|error| error.to_string())
    }

    /// User and system time so far, of all its threads.
    pub fn cpu_time(&self) -> Duration {
        let stat = self.proc("stat");
        // The name of the program stands in parentheses and may hold anything.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 =
            fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
    }

    /// Resident memory, in MiB.
    pub fn memory(&self) -> f64 {
        self.status("VmRSS:") / 1024.0
    }

    pub fn threads(&self) -> f64 {
        self.status("Threads:")
    }

    /// A number of `/proc/PID/status`.
    fn status(&self, name: &str) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0.0)
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It fails if the server has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Binds the calling thread to one core.
fn stay_on(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

/// A port that nobody listens on.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The first line that a command prints, if it is installed.
pub fn first_line(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let printed = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8(printed).ok()?.lines().next().map(str::to_owned)
}
