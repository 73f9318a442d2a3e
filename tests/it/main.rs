//! What the server promises, one file for each promise, told to it in raw bytes.

mod answers;
mod bad_clients;
mod bodies;
mod client_gone;
mod examples;
mod exchange;
mod expectations;
mod fairness;
mod floors;
#[cfg(unix)]
mod forking;
mod form_fixtures;
mod form_parity;
mod form_threats;
mod forms;
mod framing;
mod handlers_that_fail;
mod hooks;
mod keep_alive;
mod leniency;
mod limits;
mod logs;
mod many_connections;
#[cfg(unix)]
mod measured;
mod python_parity;
mod python_requests;
mod readers;
mod refusals;
mod rfc;
mod shutdown;
mod stats;
mod stop_under_load;
mod traffic;
mod trailers;
mod tunnels;
