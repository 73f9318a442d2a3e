//! The protocol of loans under a model checker.
//!
//! `serve/` holds the server's own files, with the checker's locks and threads; `toy.rs` gives them
//! loops and connections; `oracle.rs` looks on, and knows what must hold; `scenarios.rs` says what
//! happens. The checker runs each scenario in one order after the other, thousands of them.

pub mod mutants;
mod scenarios;

mod toy;

mod serve;

mod oracle;

pub use scenarios::{SCENARIOS, Scenario, Search};
