//! Which requests are known to take long.
//!
//! A request whose handler kept its loop makes its kind suspect, which is its method and its path.
//! Once is no proof: on a busy machine the thread may just not have been let run. Several in a short
//! time mark the kind; while the mark lasts, requests of that kind do not get a loop lent, but go to
//! a spare thread at once. Those that turn out quick, so many in a row, take the mark away.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The marks of one server.
pub(crate) struct Slow {
    /// What is known of each kind, packed (see [`Record`]). Kinds that fall together share a record,
    /// which costs some of them a switch of threads.
    records: [AtomicU64; KINDS],
    /// Marks there are, so that nobody looks while there is none.
    marks: AtomicUsize,
    start: Instant,
}

/// What a request is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(u8);

/// What is known of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Record {
    /// How many quick ones the mark still takes; 0 is no mark.
    mark: u8,
    /// How many have kept a loop, of late.
    strikes: u8,
    /// When the last of them did, in milliseconds since the start.
    last: u32,
}

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
    pub(crate) fn new(now: Instant) -> Slow {
        let records = [const { AtomicU64::new(0) }; KINDS];
        Slow { records, marks: AtomicUsize::new(0), start: now }
    }

    /// Whether the request that `kind` would tell the kind of, if there is one, is marked.
    pub(crate) fn has(&self, kind: impl FnOnce() -> Option<Kind>) -> bool {
        self.marks.load(Ordering::Relaxed) > 0
            && kind().is_some_and(|kind| self.record(kind).mark > 0)
    }

    /// One of that kind has kept its loop.
    pub(crate) fn strike(&self, kind: Kind, now: Instant) {
        let now = now.saturating_duration_since(self.start).as_millis() as u32;
        self.update(kind, |record| {
            let is_new = now.saturating_sub(record.last) > OF_LATE.as_millis() as u32;
            let strikes = if is_new { 1 } else { record.strikes.saturating_add(1) };
            let mark = if strikes >= STRIKES { QUICK_IN_A_ROW } else { record.mark };
            Record { mark, strikes, last: now }
        });
    }

    /// A marked one has been answered in so long.
    pub(crate) fn note(&self, kind: Kind, took: Duration) {
        self.update(kind, |record| match record.mark {
            0 => record,
            _ if took >= QUICK => Record { mark: QUICK_IN_A_ROW, ..record },
            mark => Record { mark: mark - 1, ..record },
        });
    }

    fn record(&self, kind: Kind) -> Record {
        Record::unpack(self.records[usize::from(kind.0)].load(Ordering::Relaxed))
    }

    fn update(&self, kind: Kind, change: impl Fn(Record) -> Record) {
        let place = &self.records[usize::from(kind.0)];
        let changed = |packed| Some(change(Record::unpack(packed)).pack());
        // It never fails, since there always is a change.
        let Ok(was) = place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed) else {
            return;
        };
        let was = Record::unpack(was);
        match (was.mark > 0, change(was).mark > 0) {
            (false, true) => drop(self.marks.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(self.marks.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
    }
}

impl Record {
    fn pack(self) -> u64 {
        u64::from(self.mark) | u64::from(self.strikes) << 8 | u64::from(self.last) << 32
    }

    fn unpack(packed: u64) -> Record {
        Record { mark: packed as u8, strikes: (packed >> 8) as u8, last: (packed >> 32) as u32 }
    }
}

/// Quicker than this, a thread of its own costs more than the handler; a loop is taken over only
/// after twice as long, so that a kind does not go back and forth.
const QUICK: Duration = Duration::from_micros(500);

/// So many that kept their loops mark their kind, ...
const STRIKES: u8 = 4;

/// ... if no more than this lies between two of them.
const OF_LATE: Duration = Duration::from_millis(100);

/// So many quick ones in a row take a mark away.
const QUICK_IN_A_ROW: u8 = 64;

/// As many as a byte tells apart, in 2 KiB.
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
    fn several_of_late_mark_a_kind_and_some_now_and_then_do_not() {
        let start = Instant::now();
        let slow = Slow::new(start);
        let kind = Kind::of(b"GET / HTTP/1.1");
        for strike in 0..20u32 {
            slow.strike(kind, start + (OF_LATE + Duration::from_millis(1)) * strike);
            assert!(!slow.has(|| Some(kind)), "{strike}");
        }
        let late = start + Duration::from_secs(60);
        for strike in 0..u32::from(STRIKES) {
            assert!(!slow.has(|| Some(kind)), "{strike}");
            slow.strike(kind, late + OF_LATE * strike);
        }
        assert!(slow.has(|| Some(kind)));
        assert!(!slow.has(|| None));
    }

    #[test]
    fn quick_ones_in_a_row_take_a_mark_away_and_one_that_is_not_begins_again() {
        let start = Instant::now();
        let slow = Slow::new(start);
        let kind = Kind::of(b"GET / HTTP/1.1");
        for _ in 0..=STRIKES {
            slow.strike(kind, start);
        }
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
        slow.note(kind, QUICK);
        assert_eq!(slow.marks.load(Ordering::Relaxed), 0);
    }
}
