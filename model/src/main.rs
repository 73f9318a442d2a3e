//! Tries many schedules of each scenario: `cargo run --release -- [SCHEDULES [NAME]]`.

use std::env;
use std::time::{Instant, SystemTime};

use basehttp_model::{SCENARIOS, Search};

fn main() {
    let mut arguments = env::args().skip(1);
    let schedules = arguments.next().map_or(SCHEDULES, |text| text.parse().expect("a number"));
    let name = arguments.next().unwrap_or_default();
    let seed = SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
    println!("{schedules} schedules of each kind, seed {seed}");
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.name.contains(&name)) {
        for search in [Search::Random, Search::Pct] {
            let start = Instant::now();
            scenario.check(search, seed, schedules);
            println!("{}: {search:?}, {:.1} s", scenario.name, start.elapsed().as_secs_f64());
        }
    }
}

/// Of each kind, for each scenario.
const SCHEDULES: usize = 20_000;
