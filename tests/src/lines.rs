//! What the server logs, kept so that a test can look at it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::DEADLINE;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `basehttp::access` or `basehttp::error`.
    pub target: String,
    /// How grave it is.
    pub level: log::Level,
    /// What is written.
    pub text: String,
}

/// The lines of the whole process. Tests run beside each other: each looks for words of its own.
pub struct Captured {
    lines: Mutex<Vec<Line>>,
    added: Condvar,
}

static CAPTURED: Captured = Captured { lines: Mutex::new(Vec::new()), added: Condvar::new() };

/// Keeps what is logged from now on.
pub fn capture_log() -> &'static Captured {
    // The second call changes nothing.
    if log::set_logger(&CAPTURED).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
    &CAPTURED
}

impl Captured {
    /// The lines with `word` in them, once there are at least `count`.
    pub fn wait_for(&self, word: &str, count: usize) -> Vec<Line> {
        let deadline = Instant::now() + DEADLINE;
        let mut lines = self.lock();
        loop {
            let found: Vec<Line> =
                lines.iter().filter(|line| line.text.contains(word)).cloned().collect();
            if found.len() >= count {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{count} lines with {word:?}, there are {found:#?}");
            let waited = self.added.wait_timeout(lines, left);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl log::Log for Captured {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("basehttp")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = Line {
                target: record.target().to_owned(),
                level: record.level(),
                text: record.args().to_string(),
            };
            self.lock().push(line);
            self.added.notify_all();
        }
    }

    fn flush(&self) {}
}
