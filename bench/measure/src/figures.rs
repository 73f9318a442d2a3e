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
    let median = |figure: fn(&Figures) -> f64| {
        let mut figures: Vec<f64> = runs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    Figures {
        cpu: median(|run| run.cpu),
        requests_per_second: median(|run| run.requests_per_second),
        p99: median(|run| run.p99),
        quiet_p99: median(|run| run.quiet_p99),
        memory: median(|run| run.memory),
        threads: median(|run| run.threads),
    }
}
