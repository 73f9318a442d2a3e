//! What `HttpServer` promises, `ThreadingHttpServer` promises too; and what it promises beyond.

#[path = "../it/answers.rs"]
mod answers;
#[path = "../it/bad_clients.rs"]
mod bad_clients;
#[path = "../it/bodies.rs"]
mod bodies;
#[path = "../it/client_gone.rs"]
mod client_gone;
#[path = "../it/exchange.rs"]
mod exchange;
#[path = "../it/expectations.rs"]
mod expectations;
#[path = "../it/fairness.rs"]
mod fairness;
#[path = "../it/forms.rs"]
mod forms;
#[path = "../it/framing.rs"]
mod framing;
#[path = "../it/handlers_that_fail.rs"]
mod handlers_that_fail;
#[path = "../it/hooks.rs"]
mod hooks;
#[path = "../it/keep_alive.rs"]
mod keep_alive;
#[path = "../it/leniency.rs"]
mod leniency;
#[path = "../it/many_connections.rs"]
mod many_connections;
#[cfg(unix)]
#[path = "../it/measured.rs"]
mod measured;
#[path = "../it/refusals.rs"]
mod refusals;
#[path = "../it/shutdown.rs"]
mod shutdown;
mod side_by_side;
#[path = "../it/stats.rs"]
mod stats;
#[path = "../it/stop_under_load.rs"]
mod stop_under_load;
#[path = "../it/traffic.rs"]
mod traffic;
#[path = "../it/trailers.rs"]
mod trailers;
#[path = "../it/tunnels.rs"]
mod tunnels;
