//! What a connection waits for, and when that is late.

use std::mem;
use std::time::{Duration, Instant};

use crate::config::{Config, LONGEST};
use crate::rarely::rarely;

/// What is waited for, and since when.
#[derive(Clone, Copy)]
pub(crate) struct Waiting {
    reason: Reason,
    /// Requests answered when the wait began: another request has a deadline of its own.
    requests: u64,
    /// `None` until the clock has been looked at.
    since: Option<Instant>,
    /// Bytes of answers that the client has taken meanwhile.
    taken: u64,
    /// When it took the last of them; `None` until the clock has been looked at.
    taken_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Idle,
    Head,
    /// A body of which so many bytes are there, with the head.
    Body {
        received: u64,
    },
    Write,
    Linger,
    /// The server stops, and a request may be on its way here.
    Parting,
}

impl Waiting {
    pub(crate) fn new() -> Waiting {
        Waiting { reason: Reason::Idle, requests: 0, since: None, taken: 0, taken_at: None }
    }

    /// Waits for `reason`: with the patience left, if that is what is waited for already.
    pub(crate) fn wait(&mut self, reason: Reason, requests: u64) {
        // For answers it waits until all are taken, whatever is answered meanwhile.
        let is_of_now = self.requests == requests || reason == Reason::Write;
        if is_of_now && mem::discriminant(&self.reason) == mem::discriminant(&reason) {
            rarely();
            self.reason = reason;
        } else {
            *self = Waiting { reason, requests, ..Waiting::new() };
        }
    }

    /// The client has taken some of an answer: the next stall has a deadline of its own.
    pub(crate) fn taken(&mut self, bytes: usize) {
        self.taken += bytes as u64;
        self.taken_at = None;
    }

    /// The client has taken all there is.
    pub(crate) fn all_taken(&mut self) {
        if matches!(self.reason, Reason::Write) {
            rarely();
            *self = Waiting::new();
        }
    }

    /// Whether nothing is waited for any more.
    pub(crate) fn is_parting(&self) -> bool {
        self.reason == Reason::Parting
    }

    /// Whether a request is waited for that has begun.
    pub(crate) fn is_for_request(&self) -> bool {
        matches!(self.reason, Reason::Head | Reason::Body { .. })
    }

    /// It is `now`: what is waited for only since the last look at the clock is waited for from here
    /// on.
    #[inline(always)] // on the way of each request, as `is_for_next_request`
    pub(crate) fn begin(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// Whether a request is waited for that has not begun.
    #[inline(always)]
    pub(crate) fn is_for_next_request(&self) -> bool {
        // Not `==`, which would compare what a body has received, too.
        matches!(self.reason, Reason::Idle)
    }

    /// When what is waited for is late.
    ///
    /// A deadline covers the whole of a head, a body, an idle time: it is not renewed by each byte.
    /// That of a write is, but not beyond what all of them may take.
    pub(crate) fn deadline(&mut self, now: Instant, config: &Config) -> Instant {
        let since = *self.since.get_or_insert(now);
        match self.reason {
            Reason::Idle => after(since, config.idle_timeout),
            Reason::Head => after(since, config.head_timeout),
            Reason::Body { received } => after(since, config.body_patience(received)),
            Reason::Linger => after(since, config.linger_timeout),
            Reason::Parting => after(since, PARTING),
            Reason::Write => {
                let stalls = after(*self.taken_at.get_or_insert(now), config.write_timeout);
                stalls.min(after(since, config.write_patience(self.taken)))
            }
        }
    }
}

/// When to look whether somebody is late who will be at `deadline`: so soon that a client who begins
/// to idle after `now` is looked at in time.
pub(crate) fn next_look(deadline: Instant, now: Instant, config: &Config) -> Instant {
    deadline.min(after(now, config.idle_timeout))
}

fn after(start: Instant, patience: Duration) -> Instant {
    start + LONGEST.min(patience)
}

/// How long an idle connection is kept when the server stops: a client that is busy sends its next
/// request in that time, and is told in the answer that it was the last.
const PARTING: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_renew_the_deadline_of_a_write_as_long_as_they_are_enough() {
        let second = Duration::from_secs(1);
        let config =
            Config { write_timeout: 10 * second, min_write_rate: 100, ..Config::default() };
        let start = Instant::now();
        let mut waiting = Waiting::new();
        waiting.wait(Reason::Write, 1);
        assert_eq!(waiting.deadline(start, &config), start + 10 * second);
        assert_eq!(waiting.deadline(start + second, &config), start + 10 * second, "not renewed");
        waiting.taken(1000);
        let now = start + 5 * second;
        assert_eq!(waiting.deadline(now, &config), now + 10 * second, "renewed");
        waiting.taken(100);
        // More requests have been answered, but the client still owes the same.
        waiting.wait(Reason::Write, 7);
        let now = start + 14 * second;
        assert_eq!(waiting.deadline(now, &config), start + 21 * second, "too little was taken");
        waiting.all_taken();
        waiting.wait(Reason::Write, 8);
        assert_eq!(waiting.deadline(now, &config), now + 10 * second, "another answer");
    }

    #[test]
    fn who_is_late_later_than_who_begins_to_idle_is_looked_at_before() {
        let (second, now) = (Duration::from_secs(1), Instant::now());
        let config = Config { idle_timeout: 10 * second, ..Config::default() };
        for (deadline, look) in [(0, 0), (9, 9), (10, 10), (11, 10), (3600, 10)] {
            assert_eq!(next_look(now + deadline * second, now, &config), now + look * second);
        }
    }

    #[test]
    fn bytes_renew_no_other_deadline_but_earn_a_body_time() {
        let second = Duration::from_secs(1);
        let config = Config { body_timeout: 10 * second, min_body_rate: 100, ..Config::default() };
        let (start, later) = (Instant::now(), Instant::now() + 5 * second);
        let mut waiting = Waiting::new();
        for (reason, patience) in [
            (Reason::Idle, config.idle_timeout),
            (Reason::Head, config.head_timeout),
            (Reason::Body { received: 0 }, config.body_timeout),
            (Reason::Linger, config.linger_timeout),
        ] {
            waiting.wait(reason, 1);
            assert_eq!(waiting.deadline(start, &config), start + patience);
            waiting.taken(10_000);
            waiting.wait(reason, 1);
            assert_eq!(waiting.deadline(later, &config), start + patience, "{reason:?}");
        }
        waiting.wait(Reason::Body { received: 0 }, 2);
        assert_eq!(waiting.deadline(start, &config), start + 10 * second);
        waiting.wait(Reason::Body { received: 1000 }, 2);
        assert_eq!(waiting.deadline(later, &config), start + 20 * second);
        waiting.wait(Reason::Body { received: 1000 }, 3);
        assert_eq!(waiting.deadline(later, &config), later + 20 * second, "another request");
    }
}
