//! Constants and functions that override defaults, beside the methods.
use std::fmt::Arguments;
use std::io;

use basehttp::{Exchange, HttpError, PeerAddress, RequestHandler, Status, Version, http_handler};

struct Hello {
    open: bool,
}

#[http_handler]
impl Hello {
    const SERVER_VERSION: &'static str = "Hello/1.0";
    pub const SYS_VERSION: &str = "Rust";
    const PROTOCOL_VERSION: Version = Version::HTTP_10;
    const ERROR_CONTENT_TYPE: &str = "text/plain";

    fn do_GET(&self) {}

    fn error_page(&self, _http: &Exchange, _error: &HttpError) -> &'static str {
        "oops"
    }

    fn handle_expect_100(&self, _http: &mut Exchange) -> io::Result<()> {
        Ok(())
    }

    fn log_request(&self, _http: &Exchange, _status: Status, _size: u64) {}
    fn log_error(&self, _http: &Exchange, _message: Arguments) {}
    fn log_message(&self, _http: &Exchange, _message: Arguments) {}

    fn verify_request(&self, _peer: &PeerAddress) -> bool {
        self.open
    }

    fn version_string(&self) -> &'static str {
        "Hello"
    }

    // Names that only contain a reserved one, or are reserved in the other kind of item.
    const SERVER_VERSION_DATE: &'static str = "today";
    fn log_message_later(&self) -> &'static str {
        Self::SERVER_VERSION_DATE
    }
}

fn main() {
    let hello = Hello { open: true };
    assert_eq!(hello.server_version(), "Hello/1.0");
    assert_eq!(hello.sys_version(), "Rust");
    assert_eq!(RequestHandler::version_string(&hello), "Hello");
    assert_eq!(hello.protocol_version(), Version::HTTP_10);
    assert_eq!(hello.error_content_type(), "text/plain");
    assert_eq!(hello.log_message_later(), "today");
}
