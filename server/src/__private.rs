//! The few names that generated code may use. Not for programs: they may change at any time.

pub use core;
pub use std::string::String;

pub use crate::error_page::ErrorPage;
pub use crate::exchange::Exchange;
pub use crate::extract::FromRequestWith;
pub use crate::handler::{MethodInfo, RequestHandler};
pub use crate::http::status::Status;
pub use crate::http::version::Version;
pub use crate::http_error::{Handled, HttpError, Result};
pub use crate::peer::PeerAddress;
pub use crate::respond::IntoResponse;

/// Sends what a method has returned.
pub fn answer<T: IntoResponse>(value: T, http: &mut Exchange<'_>) -> Handled {
    value.respond(http)
}

/// Answers a request whose method is not in the table.
pub fn unsupported_method(http: &mut Exchange<'_>) -> Handled {
    crate::handler::unsupported_method(http)
}
