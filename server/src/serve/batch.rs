//! Sessions that are heard together, then answered one after the other, and sent their answers.
//!
//! Receiving, answering and sending are three long ways through different code, and each leaves
//! little of the others in the processor's caches; so a loop that goes each way for several sessions
//! in a row spends less time outside of the kernel (ARCHITECTURE.md says how much).
//!
//! Hearing some before the first is answered costs nobody anything. But where answers are sent
//! together, too, one that is finished waits for the handlers behind it, which may take long, or may
//! even wait for what its client does with it. So that is done only where somebody else takes over
//! then and sends it ([`Batch::send_together`]), and even there not for longer than it takes a clock
//! to tick and one visit to return (of a handler, or of several where its client pipelines), and not
//! at all where visits have not been quick of late.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Some sessions, and how far they have come.
pub(crate) struct Batch<V> {
    /// They have something to answer.
    asking: VecDeque<V>,
    /// They have been answered, and wait to be sent what they are owed.
    owed: VecDeque<V>,
    /// Until when they may wait.
    send_by: Instant,
    /// How many there may be in this one.
    room: usize,
    /// Somebody else sends what is owed, if a handler takes long.
    sends_together: bool,
    /// So many visits wait for nobody: not enough have been quick yet.
    one_by_one: u32,
}

impl<V> Batch<V> {
    pub(crate) fn new(now: Instant) -> Batch<V> {
        Batch {
            asking: VecDeque::new(),
            owed: VecDeque::new(),
            send_by: now,
            room: 1,
            sends_together: false,
            one_by_one: QUICK_AT_FIRST,
        }
    }

    /// From here on answers may wait for each other: while a handler runs, somebody else can come to
    /// send them.
    pub(crate) fn send_together(&mut self) {
        self.sends_together = true;
    }

    /// A new one begins, of `at_most` so many.
    #[inline(always)] // on the way of each request, as all that follows
    pub(crate) fn begin(&mut self, at_most: usize, now: Instant) {
        self.room = MOST.min(at_most);
        self.send_by = now + SEND_AFTER;
    }

    /// Whether there is room for one more.
    #[inline(always)]
    pub(crate) fn has_room(&self) -> bool {
        self.asking.len() < self.room
    }

    /// Whether nobody waits to be answered.
    pub(crate) fn is_answered(&self) -> bool {
        self.asking.is_empty()
    }

    /// Takes one in.
    #[inline(always)]
    pub(crate) fn ask(&mut self, visit: V) {
        self.asking.push_back(visit);
    }

    /// The next to be answered.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<V> {
        self.asking.pop_front()
    }

    /// One that left at `since` is back with its answer. `Some`: that is to be sent now, behind
    /// what others are owed; once that is so, it stays so for the rest of the batch.
    #[inline(always)]
    pub(crate) fn answered(&mut self, visit: V, since: Instant, now: Instant) -> Option<V> {
        let waits = self.sends_together && self.one_by_one == 0;
        self.one_by_one = self.one_by_one.saturating_sub(1);
        let is_time = now >= self.send_by;
        if is_time {
            self.note_duration(now.saturating_duration_since(since));
        }
        if is_time || !waits {
            return Some(visit);
        }
        self.owed.push_back(visit);
        None
    }

    /// Whether somebody waits to be sent an answer.
    #[inline(always)]
    pub(crate) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Where one has taken long, nobody waits from here on. (What takes so long is never back before
    /// it is time to send.)
    #[cold]
    fn note_duration(&mut self, took: Duration) {
        if took >= LONG {
            self.one_by_one = QUICK_AFTER_LONG;
        }
    }

    /// The next to be sent what it is owed.
    #[inline(always)]
    pub(crate) fn next_owed(&mut self) -> Option<V> {
        self.owed.pop_front()
    }
}

/// So many are heard together. With twice as many nothing more is gained.
const MOST: usize = 16;

/// How long answers wait for each other, besides the time of one visit and the rest of a tick.
const SEND_AFTER: Duration = Duration::from_millis(1);

/// A visit that takes longer than this must not be what a finished answer waits for.
const LONG: Duration = Duration::from_millis(50);

/// So many visits in a row have to be quicker than that before any waits for another: in the life of
/// a loop, and after one that was not.
const QUICK_AT_FIRST: u32 = 1_000;
const QUICK_AFTER_LONG: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes in as many as there is room for, and has `answer` say how long each takes; the sizes
    /// of the groups in which they are sent.
    fn sent(
        batch: &mut Batch<()>,
        now: &mut Instant,
        mut answer: impl FnMut() -> Duration,
    ) -> Vec<usize> {
        batch.begin(usize::MAX, *now);
        while batch.has_room() {
            batch.ask(());
        }
        let mut groups = Vec::new();
        let mut send = |batch: &mut Batch<()>, last: Option<()>| {
            groups.push(std::iter::from_fn(|| batch.next_owed()).chain(last).count());
            assert!(!batch.owes());
        };
        while let Some(visit) = batch.next() {
            let since = *now;
            *now += answer();
            if let Some(visit) = batch.answered(visit, since, *now) {
                send(batch, Some(visit));
            }
        }
        assert!(batch.is_answered());
        if batch.owes() {
            send(batch, None);
        }
        assert_eq!(groups.iter().sum::<usize>(), MOST, "{groups:?}");
        groups
    }

    fn quick() -> Duration {
        Duration::from_micros(5)
    }

    /// How many answers have waited for nobody before the first that did.
    fn alone(batch: &mut Batch<()>, now: &mut Instant) -> usize {
        let mut count = 0;
        loop {
            let groups = sent(batch, now, quick);
            count += groups.iter().filter(|size| **size == 1).count();
            if groups.len() < MOST {
                return count;
            }
        }
    }

    fn that_sends_together(now: &mut Instant) -> Batch<()> {
        let mut batch = Batch::new(*now);
        batch.send_together();
        assert_eq!(alone(&mut batch, now), QUICK_AT_FIRST as usize);
        batch
    }

    #[test]
    fn answers_wait_for_each_other_once_enough_have_been_quick() {
        let mut now = Instant::now();
        let mut batch = that_sends_together(&mut now);
        assert_eq!(sent(&mut batch, &mut now, quick), [MOST]);
    }

    #[test]
    fn where_nobody_else_could_send_them_answers_never_wait() {
        let mut now = Instant::now();
        let mut batch = Batch::new(now);
        for _ in 0..=QUICK_AT_FIRST {
            assert_eq!(sent(&mut batch, &mut now, quick), [1; MOST]);
        }
    }

    #[test]
    fn a_batch_of_one_has_room_for_one() {
        let now = Instant::now();
        let mut batch = Batch::new(now);
        batch.begin(1, now);
        batch.ask(());
        assert!(!batch.has_room());
        assert_eq!(batch.next(), Some(()));
    }

    #[test]
    fn no_answer_waits_for_two_that_take_their_time() {
        let mut now = Instant::now();
        let mut batch = that_sends_together(&mut now);
        let mut times = [quick(), quick(), SEND_AFTER].into_iter().cycle();
        let groups = sent(&mut batch, &mut now, || times.next().unwrap());
        assert_eq!(groups[..2], [3, 1], "{groups:?}");
    }

    #[test]
    fn after_one_that_takes_long_none_waits() {
        let mut now = Instant::now();
        let mut batch = that_sends_together(&mut now);
        let mut times = [quick(), LONG].into_iter().chain(std::iter::repeat_with(quick));
        let groups = sent(&mut batch, &mut now, || times.next().unwrap());
        assert_eq!(groups[0], 2, "{groups:?}");
        assert_eq!(MOST - 2 + alone(&mut batch, &mut now), QUICK_AFTER_LONG as usize);
    }
}
