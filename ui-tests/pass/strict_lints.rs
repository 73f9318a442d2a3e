//! The strictest lints find nothing in generated code.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, non_snake_case, unused_qualifications, unreachable_pub)]
#![deny(clippy::all, unused, rust_2018_idioms, single_use_lifetimes)]
use std::fmt;

use basehttp::{Exchange, HttpError, PeerAddress, RequestHandler, Status, Version, http_handler};

/// Greets.
pub struct Hello;

#[http_handler]
impl Hello {
    const SERVER_VERSION: &str = "Hello/1.0";
    const PROTOCOL_VERSION: Version = Version::HTTP_11;

    fn do_GET(&self, http: &mut Exchange<'_>) -> std::io::Result<()> {
        http.end_headers()
    }

    /// Posts.
    pub fn do_POST(&self) -> &'static str {
        self.helper()
    }

    fn do_PUT(&self) {}

    fn helper(&self) -> &'static str {
        "hello"
    }

    fn error_page(&self, _http: &Exchange<'_>, _error: &HttpError) -> String {
        String::new()
    }

    fn handle_expect_100(&self, _http: &mut Exchange<'_>) -> basehttp::Result<()> {
        Ok(())
    }

    fn log_request(&self, _http: &Exchange<'_>, _status: Status, _size: u64) {}

    fn log_error(&self, _http: &Exchange<'_>, _message: fmt::Arguments<'_>) {}

    fn log_message(&self, _http: &Exchange<'_>, _message: fmt::Arguments<'_>) {}

    fn verify_request(&self, _peer: &PeerAddress) -> bool {
        false
    }
}

fn main() {
    assert_eq!(Hello.methods().len(), 3);
}
