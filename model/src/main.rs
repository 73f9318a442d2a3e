//! Tries many schedules of each scenario: `cargo run --release -- [SCHEDULES [NAME]]`; or breaks the
//! protocol in one place after the other: `cargo run -- mutants [NAME]`.

use std::env;
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use basehttp_model::{SCENARIOS, Search, mutants};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if(|word| word == "mutants").is_some() {
        let name = arguments.next().unwrap_or_default();
        if let Err(error) = mutants::run(FEWER, &name) {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
        return ExitCode::SUCCESS;
    }
    let schedules = arguments.next().map_or(MANY, |text| text.parse().expect("a number"));
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
    ExitCode::SUCCESS
}

/// Schedules of each kind, for each scenario.
const MANY: usize = 20_000;

/// Enough to notice that a rule is missing.
const FEWER: usize = 1_000;
