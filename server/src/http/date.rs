//! `Sun, 06 Nov 1994 08:49:37 GMT`, rendered once a second.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use crate::rarely::rarely;

/// A point in time as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use basehttp::HttpDate;
///
/// let date = HttpDate::from(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777));
/// assert_eq!(date.to_string(), "Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpDate(SystemTime);

/// Whole seconds: what was there beyond them is dropped. Times that have no such form, before 1970
/// or after 9999, become the nearest that has one.
impl From<SystemTime> for HttpDate {
    fn from(time: SystemTime) -> HttpDate {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs().min(253_402_300_799);
        HttpDate(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }
}

impl From<HttpDate> for SystemTime {
    fn from(date: HttpDate) -> SystemTime {
        date.0
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        httpdate::HttpDate::from(self.0).fmt(f)
    }
}

/// What nearly every answer begins with, kept ready: the status line of a 200, `Server: …` and
/// `Date: …`.
pub(crate) struct Stamp {
    /// All of it. Behind it are zeros up to `BLOCK` bytes: what has a size that the compiler knows is
    /// copied without a call.
    lines: Vec<u8>,
    /// How many bytes of `lines` count.
    len: usize,
    /// Where the `Date` line begins.
    date: usize,
    /// When the date that `lines` shows stops being right.
    valid_until: Option<Instant>,
}

impl Stamp {
    /// `version` is what the `Server` field says; empty means no such field.
    pub(crate) fn new(version: &str) -> Stamp {
        let mut lines = Vec::with_capacity(BLOCK);
        lines.extend_from_slice(OK);
        if !version.is_empty() {
            lines.extend_from_slice(b"Server: ");
            lines.extend_from_slice(version.as_bytes());
            lines.extend_from_slice(b"\r\n");
        }
        let date = lines.len();
        Stamp { len: date, lines, date, valid_until: None }
    }

    /// Renders the date again if `now` is a later second than before; `wall` is asked only then.
    #[inline(always)] // nearly always it is right
    pub(crate) fn refresh(&mut self, now: Instant, wall: impl FnOnce() -> SystemTime) {
        if self.valid_until.is_none_or(|until| now >= until) {
            rarely();
            self.render(now, wall());
        }
    }

    #[inline(never)]
    fn render(&mut self, now: Instant, wall: SystemTime) {
        let into_second = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.valid_until =
            Some(now + Duration::from_nanos(1_000_000_000 - u64::from(into_second.subsec_nanos())));
        self.lines.truncate(self.date);
        self.lines.extend_from_slice(b"Date: ");
        // Writing to a `Vec` cannot fail.
        let _ =
            std::io::Write::write_fmt(&mut self.lines, format_args!("{}", HttpDate::from(wall)));
        self.lines.extend_from_slice(b"\r\n");
        self.len = self.lines.len();
        self.lines.resize(self.len.max(BLOCK), 0);
    }

    /// Appends the status line of a 200 of HTTP/1.1, and [`both`](Self::both); how many bytes the
    /// first are.
    #[inline(always)] // nearly every answer begins so
    pub(crate) fn begin_ok(&self, out: &mut Vec<u8>) -> usize {
        match self.lines.first_chunk::<BLOCK>() {
            Some(block) if self.len <= BLOCK => {
                let end = out.len() + self.len;
                out.extend_from_slice(block);
                out.truncate(end);
            }
            _ => {
                rarely();
                out.extend_from_slice(&self.lines[..self.len]);
            }
        }
        OK.len()
    }

    /// `Server: …` and `Date: …`, each with its line end.
    pub(crate) fn both(&self) -> &[u8] {
        &self.lines[OK.len()..self.len]
    }

    /// How many bytes of [`both`](Self::both) are the `Server` line.
    pub(crate) fn server_len(&self) -> usize {
        self.date - OK.len()
    }

    /// `Date: …` with its line end.
    pub(crate) fn date(&self) -> &[u8] {
        &self.lines[self.date..self.len]
    }
}

/// Enough for a `Server` of up to 64 bytes.
const BLOCK: usize = 128;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_rendered_once_a_second() {
        let start = Instant::now();
        let wall = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_600);
        let mut stamp = Stamp::new("me/1");
        stamp.refresh(start, || wall);
        let expected = b"Server: me/1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        assert_eq!(stamp.both(), expected);
        assert_eq!(&stamp.both()[..stamp.server_len()], b"Server: me/1\r\n");
        let mut out = b"<earlier>".to_vec();
        assert_eq!(stamp.begin_ok(&mut out), 17);
        assert_eq!(out, [b"<earlier>HTTP/1.1 200 OK\r\n", &expected[..]].concat());

        stamp.refresh(start + Duration::from_millis(399), || panic!("still the same second"));
        stamp.refresh(start + Duration::from_millis(400), || wall + Duration::from_millis(400));
        assert_eq!(stamp.date(), b"Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
    }

    #[test]
    fn times_without_a_form_become_the_nearest() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(5);
        assert_eq!(HttpDate::from(before).to_string(), "Thu, 01 Jan 1970 00:00:00 GMT");
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(300_000_000_000);
        assert_eq!(HttpDate::from(far).to_string(), "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn a_version_may_be_long() {
        let lengths = [1, BLOCK - 65, BLOCK - 64, BLOCK - 63, BLOCK - 62, BLOCK - 61, BLOCK, 500];
        for len in lengths {
            let version = "v".repeat(len);
            let mut stamp = Stamp::new(&version);
            stamp.refresh(Instant::now(), || SystemTime::UNIX_EPOCH);
            let both = format!("Server: {version}\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
            assert_eq!(stamp.both(), both.as_bytes());
            let mut out = Vec::new();
            stamp.begin_ok(&mut out);
            assert_eq!(out, format!("HTTP/1.1 200 OK\r\n{both}").as_bytes(), "{len}");
        }
    }

    #[test]
    fn no_version_means_no_server_field() {
        let mut stamp = Stamp::new("");
        stamp.refresh(Instant::now(), SystemTime::now);
        assert!(stamp.both().starts_with(b"Date: "));
    }
}
