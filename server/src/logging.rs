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

/// The request line as it stands between quotes in the log: its own quotes as `%22`, which is how a
/// target spells them, so that nobody forges a status behind it. Only a refused one has any.
pub(crate) struct Quotable<'a>(pub(crate) &'a str);

impl fmt::Display for Quotable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.split('"');
        f.write_str(parts.next().unwrap_or_default())?;
        parts.try_for_each(|part| write!(f, "%22{part}"))
    }
}

/// Writes control characters as `\x1b` and a backslash as `\\`, as Python does since 3.12, and
/// characters that only steer how others are shown as `\u202e`: a client must not be able to forge
/// lines, to speak to a terminal, or to make a line look like another.
struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_special = |char: char| char.is_control() || char == '\\' || steers(char);
        let mut rest = text;
        while let Some(at) = rest.find(is_special) {
            let (plain, special) = rest.split_at(at);
            self.0.write_str(plain)?;
            let mut chars = special.chars();
            match chars.next() {
                Some('\\') => self.0.write_str("\\\\")?,
                Some(char) if steers(char) => write!(self.0, "\\u{:04x}", u32::from(char))?,
                Some(control) => write!(self.0, "\\x{:02x}", u32::from(control))?,
                None => {}
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}

/// Unicode's format characters and its own line ends: not seen, and not harmless.
fn steers(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
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
    fn a_request_line_cannot_end_its_quotes() {
        for (line, quoted) in [
            ("GET / HTTP/1.1", "GET / HTTP/1.1"),
            ("GET /\" 200 5", "GET /%22 200 5"),
            ("\"\"", "%22%22"),
            ("", ""),
        ] {
            assert_eq!(Quotable(line).to_string(), quoted);
        }
    }

    #[test]
    fn control_characters_and_backslashes_are_escaped() {
        let peer = PeerAddress::Ip(SocketAddr::from(([127, 0, 0, 1], 7)));
        let message = "a\r\n\x1b[31m\\\u{7f}\u{9f}\u{e9}\u{202e}\u{2028}\u{feff}\u{e0001}\u{2027}";
        let line = LogLine { peer: &peer, message: format_args!("{message}") }.to_string();
        let (front, message) = line.split_once("] ").unwrap();
        assert!(front.starts_with("127.0.0.1 - - ["), "{front}");
        assert_eq!(
            message,
            "a\\x0d\\x0a\\x1b[31m\\\\\\x7f\\x9f\u{e9}\\u202e\\u2028\\ufeff\\ue0001\u{2027}"
        );
    }
}
