//! Python's log lines, through the `log` crate.
//!
//! Two targets: `basehttp::access` for each request, `basehttp::error` for what went wrong. Which
//! of them is written, and where, is the program's to say; [`log_to_stderr`] says it as Python does.

use std::fmt;
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::time::SystemTime;

use crate::http::date::HttpDate;
use crate::locals::drop_quietly;
use crate::peer::PeerAddress;

/// Target of the access log.
pub(crate) const ACCESS: &str = "basehttp::access";

/// Target of the error log.
pub(crate) const ERROR: &str = "basehttp::error";

/// Sends the log to stderr, as Python's `http.server` does: one line for each request, and one for
/// each error.
///
/// Only what this crate logs is shown. A program that has a logger of its own does not call this;
/// if one is set already, this changes nothing.
///
/// ```text
/// 127.0.0.1 - - [22/Nov/2026 17:50:01] "GET / HTTP/1.1" 200 12
/// ```
pub fn log_to_stderr() {
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
}

/// Logs what concerns no request. A logger that panics harms nobody but itself.
pub(crate) fn log_error(message: fmt::Arguments<'_>) {
    let logged = panic::catch_unwind(AssertUnwindSafe(|| log::error!(target: ERROR, "{message}")));
    if let Err(payload) = logged {
        drop_quietly(payload);
    }
}

struct Stderr;

impl log::Log for Stderr {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        matches!(metadata.target(), ACCESS | ERROR)
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            // In one piece: other processes may write to the same place.
            let line = format!("{}\n", record.args());
            // Where nobody reads any more, there is nobody to tell.
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// One line as Python writes it: `127.0.0.1 - - [22/Nov/2026 17:50:01] message`.
pub(crate) struct LogLine<'a> {
    pub(crate) peer: &'a PeerAddress,
    pub(crate) message: fmt::Arguments<'a>,
}

impl fmt::Display for LogLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - - [{}] ", self.peer.host(), LogTime(SystemTime::now()))?;
        fmt::Write::write_fmt(&mut Escaping(f), self.message)
    }
}

/// `22/Nov/2026 17:50:01`, in UTC.
pub(crate) struct LogTime(pub(crate) SystemTime);

impl fmt::Display for LogTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // "Sun, 22 Nov 2026 17:50:01 GMT" has the same parts.
        let date = HttpDate::from(self.0).to_string();
        let mut words = date.split(' ').skip(1);
        let mut word = || words.next().unwrap_or_default();
        write!(f, "{}/{}/{} {}", word(), word(), word(), word())
    }
}

/// Writes control characters as `\x1b` and a backslash as `\\`, as Python does since 3.12: a client
/// must not be able to forge lines or to speak to a terminal.
struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_special = |char: char| char.is_control() || char == '\\';
        let mut rest = text;
        while let Some(at) = rest.find(is_special) {
            let (plain, special) = rest.split_at(at);
            self.0.write_str(plain)?;
            let mut chars = special.chars();
            match chars.next() {
                Some('\\') => self.0.write_str("\\\\")?,
                Some(control) => write!(self.0, "\\x{:02x}", u32::from(control))?,
                None => {}
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_log_time_is_python_s() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(LogTime(time).to_string(), "06/Nov/1994 08:49:37");
    }

    #[test]
    fn control_characters_and_backslashes_are_escaped() {
        let peer = PeerAddress::Ip(SocketAddr::from(([127, 0, 0, 1], 7)));
        let message = "a\r\n\x1b[31m\\\u{7f}\u{9f}\u{e9}";
        let line = LogLine { peer: &peer, message: format_args!("{message}") }.to_string();
        let (front, message) = line.split_once("] ").unwrap();
        assert!(front.starts_with("127.0.0.1 - - ["), "{front}");
        assert_eq!(message, "a\\x0d\\x0a\\x1b[31m\\\\\\x7f\\x9f\u{e9}");
    }
}
