//! A server in a process of its own, and what that process uses.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, io};

use crate::{Client, first_line};

/// A server in a process of its own; it is killed when this is dropped.
pub struct ServerProcess {
    child: Child,
    address: SocketAddr,
}

/// What a process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory in KiB.
    pub resident_kib: u64,
    /// Threads.
    pub threads: usize,
    /// Open descriptors.
    pub files: usize,
    /// Time of processors that it has used so far, to a hundredth of a second.
    pub cpu: Duration,
    /// How often its threads have gone to sleep so far.
    pub sleeps: u64,
}

impl ServerProcess {
    /// Starts `program`, which prints its address, with at most so many open files.
    pub fn start(program: &str, arguments: &[&str], max_files: Option<u32>) -> ServerProcess {
        let mut command = match max_files {
            None => Command::new(program),
            Some(max) => {
                let mut command = Command::new("sh");
                command.args(["-c", &format!("ulimit -n {max} && exec \"$0\" \"$@\""), program]);
                command
            }
        };
        let child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{program}: {error}"));
        let line = first_line(&mut child);
        match line.trim().parse() {
            Ok(address) => ServerProcess { child, address },
            Err(_) => {
                let _ = child.kill();
                panic!("{program} {arguments:?} says {line:?}");
            }
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new client of it.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// What it uses now; an error where the system does not tell.
    pub fn usage(&self) -> io::Result<Usage> {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let mut sleeps = 0;
        for task in fs::read_dir(process.join("task"))? {
            // A thread may have ended meanwhile.
            sleeps += number(&task?.path().join("status"), "voluntary_ctxt_switches:").unwrap_or(0);
        }
        // The name in the second field may have blanks in it, and ends with a bracket.
        let stat = fs::read_to_string(process.join("stat"))?;
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(Usage {
            resident_kib: number(&process.join("status"), "VmRSS:")?,
            threads: number(&process.join("status"), "Threads:")? as usize,
            files: fs::read_dir(process.join("fd"))?.count(),
            cpu: Duration::from_millis(ticks * 10),
            sleeps,
        })
    }
}

/// The number that follows `name` at the beginning of a line.
fn number(file: &Path, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|line| line.split_whitespace().next());
    word.and_then(|word| word.parse().ok()).ok_or(io::ErrorKind::InvalidData.into())
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
