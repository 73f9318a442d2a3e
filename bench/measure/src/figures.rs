//! One measurement: a fresh server under one load, in one piece or in several.

use std::time::Duration;

use crate::load::{Count, Generator, Load};
use crate::peers::Peer;
use crate::profiles::{Column, Profile};
use crate::server::{Server, free_port};

/// What is known of a server after a run; or, of several runs, the medians.
pub struct Figures {
    /// Microseconds of processor time per request, in user code and in the kernel.
    pub cpu: f64,
    pub requests_per_second: f64,
    /// Milliseconds that 99 of 100 quick requests stayed below.
    pub p99: f64,
    /// The same, measured before, without the slow requests.
    pub quiet_p99: f64,
    /// MiB that were resident at the end.
    pub memory: f64,
    pub threads: f64,
}

/// Measures each peer once: where requests are quick, side by side and in short turns, so that what
/// slows the machine for a moment slows them all; else one behind the other.
pub fn measure(peers: &[&Peer], profile: &Profile, time: Duration) -> Vec<Result<Figures, String>> {
    let side_by_side = if profile.is_quick { peers.len() } else { 1 };
    let groups = peers.chunks(side_by_side.max(1));
    groups.flat_map(|peers| take_turns(peers, profile, time)).collect()
}

fn take_turns(peers: &[&Peer], profile: &Profile, time: Duration) -> Vec<Result<Figures, String>> {
    let start = |peer: &&Peer| Run::start(peer, profile, time);
    let mut runs: Vec<_> = peers.iter().map(start).collect();
    // Who is alone is not stopped: that wakes every thread that sleeps.
    let turns = if runs.len() > 1 { TURNS } else { 1 };
    for _ in 0..turns {
        for run in &mut runs {
            if let Ok(running) = run
                && let Err(reason) = running.go_on(time / turns)
            {
                *run = Err(reason);
            }
        }
    }
    runs.into_iter().map(|run| run.map(Run::figures)).collect()
}

/// A measurement is made in so many pieces, where servers take turns.
const TURNS: u32 = 10;

/// A fresh server under one load.
struct Run<'p> {
    server: Server,
    generator: Generator<'p>,
    quiet_p99: f64,
    /// Processor time before what is counted.
    before: Duration,
    count: Count,
}

impl<'p> Run<'p> {
    /// Starts a server, warms it up, and lets it rest; `time` is how long it will be measured.
    fn start(peer: &Peer, profile: &'p Profile, time: Duration) -> Result<Run<'p>, String> {
        let port = free_port().map_err(|error| error.to_string())?;
        let server = Server::start(&mut peer.command(port, profile.threads)?, port)?;
        // Does it answer at all, and rightly?
        let alone = Load { connections: 1, ..profile.load.clone() };
        Generator::connect(&alone, server.address)?.run(Duration::ZERO)?;

        let mut quiet_p99 = 0.0;
        if profile.columns.contains(&Column::QuietP99) {
            let quiet = Load { slow: None, ..profile.load.clone() };
            let mut generator = Generator::connect(&quiet, server.address)?;
            generator.run(WARM_UP)?;
            quiet_p99 = generator.run(time)?.p99();
        }
        let mut generator = Generator::connect(&profile.load, server.address)?;
        generator.run(WARM_UP)?;
        server.pause()?;
        let before = server.cpu_time();
        Ok(Run { server, generator, quiet_p99, before, count: Count::default() })
    }

    /// Loads it for `time` more.
    fn go_on(&mut self, time: Duration) -> Result<(), String> {
        self.server.resume()?;
        self.count.add(self.generator.run(time)?);
        self.server.pause()
    }

    /// What that has shown.
    fn figures(mut self) -> Figures {
        let cpu = self.server.cpu_time() - self.before;
        Figures {
            cpu: cpu.as_secs_f64() * 1e6 / self.count.requests as f64,
            requests_per_second: self.count.requests as f64 / self.count.time.as_secs_f64(),
            p99: self.count.p99(),
            quiet_p99: self.quiet_p99,
            memory: self.server.memory(),
            threads: self.server.threads(),
        }
    }
}

const WARM_UP: Duration = Duration::from_millis(200);

/// Each figure's median, for they are independent of each other.
pub fn medians(runs: &[Figures]) -> Figures {
    let each = |figure: fn(&Figures) -> f64| median(runs.iter().map(figure));
    Figures {
        cpu: each(|run| run.cpu),
        requests_per_second: each(|run| run.requests_per_second),
        p99: each(|run| run.p99),
        quiet_p99: each(|run| run.quiet_p99),
        memory: each(|run| run.memory),
        threads: each(|run| run.threads),
    }
}

/// What a request costs, as a multiple of what it costs the base in the same round.
pub fn ratio(runs: &[Figures], base: &[Figures]) -> f64 {
    median(runs.iter().zip(base).map(|(run, base)| run.cpu / base.cpu))
}

/// The middle one; of an even number, the greater of the two.
fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}
