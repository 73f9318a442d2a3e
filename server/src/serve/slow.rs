//! Which requests are known to take long.
//!
//! A request whose handler kept its loop marks its kind, which is its method and its path; while the
//! mark lasts, requests of that kind do not get a loop lent, but go to a spare thread at once. Those
//! that turn out quick, so many in a row, take the mark away.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

/// The marks of one server.
pub(crate) struct Slow {
    /// For each kind, how many quick ones it still takes; 0 is no mark. Kinds that fall together
    /// share a mark, which costs some of them a switch of threads.
    marks: [AtomicU8; KINDS],
    /// Marks there are, so that nobody looks while there is none.
    count: AtomicUsize,
}

/// What a request is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(u8);

impl Kind {
    /// The kind of a request line: its method, and its target up to the query.
    pub(crate) fn of(request_line: &[u8]) -> Kind {
        let path = request_line.split(|byte| *byte == b'?').next().unwrap_or_default();
        // Without a query, the version belongs to it; that is no harm.
        let hash = path.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a
        });
        Kind((hash >> 32) as u8)
    }
}

impl Slow {
    pub(crate) fn new() -> Slow {
        Slow { marks: [const { AtomicU8::new(0) }; KINDS], count: AtomicUsize::new(0) }
    }

    /// Whether the request that `kind` would tell the kind of, if there is one, is marked.
    pub(crate) fn has(&self, kind: impl FnOnce() -> Option<Kind>) -> bool {
        let is_marked = |Kind(at)| self.marks[usize::from(at)].load(Ordering::Relaxed) > 0;
        self.count.load(Ordering::Relaxed) > 0 && kind().is_some_and(is_marked)
    }

    pub(crate) fn mark(&self, kind: Kind) {
        if self.marks[usize::from(kind.0)].swap(QUICK_IN_A_ROW, Ordering::Relaxed) == 0 {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A marked one has been answered in so long.
    pub(crate) fn note(&self, kind: Kind, took: Duration) {
        let mark = &self.marks[usize::from(kind.0)];
        if took >= QUICK {
            return self.mark(kind);
        }
        let fewer = |left: u8| left.checked_sub(1);
        if mark.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer) == Ok(1) {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Quicker than this, a thread of its own costs more than the handler.
pub(crate) const QUICK: Duration = Duration::from_micros(100);

/// So many quick ones in a row take a mark away.
const QUICK_IN_A_ROW: u8 = 64;

const KINDS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_is_no_part_of_a_kind_and_the_method_is() {
        let kind = |line: &str| Kind::of(line.as_bytes());
        assert_eq!(kind("GET /a?b HTTP/1.1"), kind("GET /a?c HTTP/1.1"));
        assert_ne!(kind("GET /a?b HTTP/1.1"), kind("PUT /a?b HTTP/1.1"));
        assert_ne!(kind("GET /a HTTP/1.1"), kind("GET /b HTTP/1.1"));
    }

    #[test]
    fn quick_ones_in_a_row_take_a_mark_away_and_one_that_is_not_begins_again() {
        let slow = Slow::new();
        let kind = Kind::of(b"GET / HTTP/1.1");
        assert!(!slow.has(|| Some(kind)));
        slow.mark(kind);
        slow.mark(kind);
        for _ in 0..63 {
            slow.note(kind, Duration::ZERO);
        }
        slow.note(kind, QUICK);
        for _ in 0..64 {
            assert!(slow.has(|| Some(kind)));
            slow.note(kind, Duration::ZERO);
        }
        assert!(!slow.has(|| Some(kind)));
        slow.note(kind, Duration::ZERO);
        assert_eq!(slow.count.load(Ordering::Relaxed), 0);
    }
}
