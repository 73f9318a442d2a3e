//! A few schedules of each scenario, the same each time; `cargo xtask model` tries many.

use basehttp_model::{SCENARIOS, Search};

#[test]
fn the_protocol_holds_in_a_few_hundred_random_schedules() {
    SCENARIOS.iter().for_each(|scenario| scenario.check(Search::Random, 1, 300));
}

#[test]
fn the_protocol_holds_in_a_few_hundred_schedules_by_priority() {
    SCENARIOS.iter().for_each(|scenario| scenario.check(Search::Pct, 1, 300));
}
