//! Which connection expires next.
//!
//! A wheel of buckets, each a list of the tokens that are due in one tick; a token is in one bucket at
//! most. What is due beyond the turn of the wheel waits in its last bucket, and is put where it
//! belongs when that is due.

use std::time::{Duration, Instant};

use super::poller::Token;

/// The deadlines of the connections of one loop.
pub(crate) struct Deadlines {
    start: Instant,
    /// The first tick that has not been looked at.
    next_tick: u64,
    /// No bucket of an earlier tick has anybody in it.
    earliest: u64,
    /// The front of each bucket's list.
    buckets: [u32; BUCKETS],
    /// A bit for each bucket that is not empty.
    occupied: [u64; BUCKETS / 64],
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    /// When it is due; meaningless while it is in no bucket.
    when: Instant,
    bucket: u32,
    before: u32,
    after: u32,
}

impl Deadlines {
    pub(crate) fn new(now: Instant) -> Deadlines {
        Deadlines {
            start: now,
            next_tick: 0,
            earliest: 0,
            buckets: [NONE; BUCKETS],
            occupied: [0; BUCKETS / 64],
            entries: Vec::new(),
        }
    }

    /// Lets `token` expire at `when`, instead of whenever it would have.
    pub(crate) fn set(&mut self, token: Token, when: Instant) {
        if token >= self.entries.len() {
            let nowhere = Entry { when, bucket: NONE, before: NONE, after: NONE };
            self.entries.resize(token + 1, nowhere);
        }
        let entry = &mut self.entries[token];
        entry.when = when;
        if entry.bucket != NONE {
            self.unlink(token);
        }
        self.link(token);
    }

    /// Forgets `token`.
    pub(crate) fn remove(&mut self, token: Token) {
        if self.entries.get(token).is_some_and(|entry| entry.bucket != NONE) {
            self.unlink(token);
        }
    }

    /// How long nothing expires; `None` while nothing can.
    pub(crate) fn patience(&mut self, now: Instant) -> Option<Duration> {
        self.earliest = self.earliest.max(self.next_tick);
        let first = (self.earliest % BUCKETS as u64) as usize;
        let ahead = (0..=self.occupied.len()).find_map(|step| {
            let word = (first / 64 + step) % self.occupied.len();
            let mut bits = self.occupied[word];
            // The word of the first bucket is looked at twice: its upper part now, and all of it
            // last, when that part is known to be empty.
            if step == 0 {
                bits &= u64::MAX << (first % 64);
            }
            let bucket = word * 64 + bits.trailing_zeros() as usize;
            (bits != 0).then(|| (bucket + BUCKETS - first) % BUCKETS)
        })?;
        // Looked for once: it stays the first until its tick is over, or an earlier one is needed.
        self.earliest += ahead as u64;
        let ticks = self.earliest + 1;
        let end_of_tick = self.start + Duration::from_millis(TICK.as_millis() as u64 * ticks);
        Some(end_of_tick.saturating_duration_since(now))
    }

    /// Takes out what has expired by `now`, one token at a time.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<Token> {
        let current = self.tick_of(now);
        // After a long sleep one turn of the wheel sees everything.
        self.next_tick = self.next_tick.max(current.saturating_sub(BUCKETS as u64));
        while self.next_tick < current {
            let bucket = (self.next_tick % BUCKETS as u64) as usize;
            match self.buckets[bucket] {
                NONE => self.next_tick += 1,
                front => {
                    let token = front as Token;
                    self.unlink(token);
                    if self.tick_of(self.entries[token].when) < current {
                        return Some(token);
                    }
                    // It is due in a later turn of the wheel.
                    self.link(token);
                }
            }
        }
        None
    }

    fn tick_of(&self, when: Instant) -> u64 {
        let since = when.saturating_duration_since(self.start);
        // A division of 128 bits for each request would be felt.
        since.as_secs() * TICKS_IN_A_SECOND + u64::from(since.subsec_nanos() / TICK.subsec_nanos())
    }

    /// Puts a token into the bucket of its tick, or into the last one of the wheel.
    fn link(&mut self, token: Token) {
        // Never into a bucket that the turn under way has left behind.
        let due = self.tick_of(self.entries[token].when);
        let due = due.clamp(self.next_tick, self.next_tick + BUCKETS as u64 - 1);
        self.earliest = self.earliest.min(due);
        let bucket = (due % BUCKETS as u64) as usize;
        let front = self.buckets[bucket];
        let entry = &mut self.entries[token];
        (entry.bucket, entry.before, entry.after) = (bucket as u32, NONE, front);
        if let Some(next) = self.entries.get_mut(front as usize) {
            next.before = token as u32;
        }
        self.buckets[bucket] = token as u32;
        self.occupied[bucket / 64] |= 1 << (bucket % 64);
    }

    fn unlink(&mut self, token: Token) {
        let Entry { bucket, before, after, .. } = self.entries[token];
        self.entries[token].bucket = NONE;
        if let Some(next) = self.entries.get_mut(after as usize) {
            next.before = before;
        }
        match self.entries.get_mut(before as usize) {
            Some(previous) => previous.after = after,
            None => self.buckets[bucket as usize] = after,
        }
        if self.buckets[bucket as usize] == NONE {
            self.occupied[bucket as usize / 64] &= !(1 << (bucket % 64));
        }
    }
}

/// No token, no bucket.
const NONE: u32 = u32::MAX;

/// How exact a deadline is: it passes at most so much late.
const TICK: Duration = Duration::from_millis(50);

const TICKS_IN_A_SECOND: u64 = 1_000_000_000 / TICK.subsec_nanos() as u64;

/// The wheel turns once in about 51 s; what is due later waits in its last bucket.
const BUCKETS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    /// What expires when, looked at every `step` milliseconds up to `end`.
    fn run(deadlines: &mut Deadlines, start: Instant, step: u64, end: u64) -> Vec<(Token, u64)> {
        let mut expired = Vec::new();
        for millis in (0..=end).step_by(step as usize) {
            while let Some(token) = deadlines.expired(at(start, millis)) {
                expired.push((token, millis));
            }
        }
        expired
    }

    #[test]
    fn tokens_expire_at_most_two_ticks_late_and_never_early() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(start);
        let due = [0, 1, 49, 50, 1000, 60_000, 51_200, 51_150, 130_000];
        for (token, millis) in due.into_iter().enumerate() {
            deadlines.set(token, at(start, millis));
        }
        let mut expired = run(&mut deadlines, start, 10, 140_000);
        expired.sort();
        assert_eq!(expired.len(), due.len());
        for (token, millis) in expired {
            assert!((due[token]..=due[token] + 100).contains(&millis), "{token}: {millis}");
        }
        assert_eq!(deadlines.patience(start), None);
    }

    #[test]
    fn a_deadline_can_be_moved_both_ways_and_taken_back() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(start);
        for token in 0..3 {
            deadlines.set(token, at(start, 1000));
        }
        deadlines.set(0, at(start, 100));
        deadlines.set(1, at(start, 3000));
        deadlines.remove(2);
        deadlines.remove(99);
        let expired = run(&mut deadlines, start, 50, 10_000);
        assert_eq!(expired.iter().map(|e| e.0).collect::<Vec<_>>(), [0, 1]);
        assert!((100..=200).contains(&expired[0].1), "{expired:?}");
        assert!((3000..=3100).contains(&expired[1].1), "{expired:?}");
    }

    #[test]
    fn patience_reaches_to_the_next_bucket() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(start);
        assert_eq!(deadlines.patience(start), None);
        for millis in [10_000, 300, 40_000] {
            deadlines.set(millis as Token, at(start, millis));
        }
        assert_eq!(deadlines.patience(start), Some(Duration::from_millis(350)));
        assert_eq!(deadlines.patience(at(start, 200)), Some(Duration::from_millis(150)));
        deadlines.remove(300);
        assert_eq!(deadlines.patience(at(start, 200)), Some(Duration::from_millis(9850)));
        deadlines.set(300, at(start, 300));
        assert_eq!(deadlines.patience(at(start, 200)), Some(Duration::from_millis(150)));
        assert_eq!(deadlines.expired(at(start, 350)), Some(300));
        assert_eq!(deadlines.patience(at(start, 350)), Some(Duration::from_millis(9700)));
        assert_eq!(deadlines.patience(at(start, 60_000)), Some(Duration::ZERO));
    }

    #[test]
    fn patience_is_the_same_wherever_the_wheel_stands() {
        let start = Instant::now();
        let tick = |tick: u64| at(start, tick * TICK.as_millis() as u64);
        let last = BUCKETS as u64 - 1;
        for first in [0, 10, 63, 64, 100, last, last + 1, 3000] {
            let mut deadlines = Deadlines::new(start);
            assert_eq!(deadlines.expired(tick(first)), None);
            // Each is nearer than those before it.
            let ahead = [last + 1, last, last - 1, 500, 64, 63, 54, 53, 52, 1, 0];
            for (token, ahead) in ahead.into_iter().enumerate() {
                deadlines.set(token, tick(first + ahead));
                let patience = tick(ahead.min(last) + 1) - start;
                assert_eq!(deadlines.patience(tick(first)), Some(patience), "{first}, {ahead}");
            }
        }
    }

    #[test]
    fn a_deadline_that_is_moved_by_less_than_a_tick_does_not_pass_early() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(start);
        deadlines.set(0, at(start, 1000));
        deadlines.set(0, at(start, 1099));
        assert_eq!(deadlines.expired(at(start, 1050)), None);
        assert_eq!(deadlines.expired(at(start, 1100)), Some(0));
    }

    #[test]
    fn a_long_sleep_loses_nothing() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(start);
        for token in 0..100 {
            deadlines.set(token, at(start, token as u64 * 1000));
        }
        let mut expired: Vec<_> =
            std::iter::from_fn(|| deadlines.expired(at(start, 1_000_000))).collect();
        expired.sort();
        assert_eq!(expired, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_long_sleep_expires_nothing_early() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(start);
        for token in 0..100 {
            deadlines.set(token, at(start, 45_000));
            deadlines.set(token, at(start, 51_000 + token as u64 * 1000));
        }
        let early: Vec<_> = std::iter::from_fn(|| deadlines.expired(at(start, 51_000))).collect();
        assert_eq!(early, []);
        assert_eq!(run(&mut deadlines, start, 1000, 200_000).len(), 100);
    }

    #[test]
    fn many_tokens_share_a_bucket_in_any_order() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(start);
        for token in 0..50 {
            deadlines.set(token, at(start, 500));
        }
        let patience = Some(Duration::from_millis(550));
        assert_eq!(deadlines.patience(start), patience);
        for token in (0..50).step_by(3) {
            deadlines.remove(token);
        }
        assert_eq!(deadlines.patience(start), patience);
        let mut left: Vec<_> = std::iter::from_fn(|| deadlines.expired(at(start, 600))).collect();
        left.sort();
        assert_eq!(left, (0..50).filter(|token| token % 3 != 0).collect::<Vec<_>>());
    }
}
