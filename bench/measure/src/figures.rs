//! One measurement: a fresh server under one load.

use std::time::Duration;

use crate::load::{Generator, Load};
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

const WARM_UP: Duration = Duration::from_millis(200);

pub fn measure(peer: &Peer, profile: &Profile, time: Duration) -> Result<Figures, String> {
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
    let before = server.cpu_time();
    let mut count = generator.run(time)?;
    let cpu = server.cpu_time() - before;
    Ok(Figures {
        cpu: cpu.as_secs_f64() * 1e6 / count.requests as f64,
        requests_per_second: count.requests as f64 / count.time.as_secs_f64(),
        p99: count.p99(),
        quiet_p99,
        memory: server.memory(),
        threads: server.threads(),
    })
}

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
