//! What the threads of a server wait for: a processor, or something else.
//!
//! Where more threads want to run than there are processors, more threads would not do more, and a
//! handler that takes long may only not have been let run. But other programs are among them, so
//! those threads of ours that are looked at must want to run too: where they wait, for a clock, a
//! file or a database, the processors are no matter of theirs. The watch asks the same of a single
//! driver before it hands its loop on.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use crate::serve::sync::{Mutex, lock};

/// The processors of the system, and the threads of one server.
pub(crate) struct Processors {
    /// How many are at work; `None` where the system does not tell.
    online: Option<usize>,
    hands: Mutex<Vec<Weak<Hand>>>,
}

/// A thread, as the system sees it.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    /// Where the system tells of it; `None` where it does not.
    file: Option<String>,
    /// A handler has it, and no loop.
    is_kept: AtomicBool,
    has_waited: AtomicBool,
}

/// What keeps a thread from going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// It runs, or would if it were let.
    Processor,
    SomethingElse,
}

impl Processors {
    pub(crate) fn new() -> Processors {
        Processors { online: online(), hands: Mutex::default() }
    }

    /// Counts this thread among those of the server, for as long as it keeps what it gets.
    pub(crate) fn enlist(&self) -> Arc<Hand> {
        let hand = Arc::new(Hand::of_this_thread());
        let mut hands = lock(&self.hands);
        hands.retain(|hand| hand.strong_count() > 0);
        hands.push(Arc::downgrade(&hand));
        hand
    }

    /// Whether more threads want to run now than there are processors, this one among them; false
    /// where the system does not tell.
    ///
    /// It reads a small file of the kernel: a few microseconds, for whoever has them.
    pub(crate) fn are_short(&self) -> bool {
        let wanting = self.online.and_then(|online| Some(runnable()? > online));
        wanting.unwrap_or(false)
    }

    /// Whether processors are short, and most handlers want one.
    pub(crate) fn are_missed(&self) -> bool {
        self.are_short() && !self.most_wait()
    }

    /// Whether most handlers that keep a thread wait for something else, by a sample of them.
    fn most_wait(&self) -> bool {
        let hands = lock(&self.hands);
        let kept = hands.iter().filter_map(Weak::upgrade).filter(|hand| hand.is_kept());
        let kept: Vec<Arc<Hand>> = kept.collect();
        let sample = kept.iter().step_by(kept.len().div_ceil(SAMPLE).max(1));
        let seen: Vec<Wants> = sample.filter_map(|hand| hand.wants()).collect();
        let waiting = seen.iter().filter(|wants| **wants == Wants::SomethingElse).count();
        waiting * 2 > seen.len()
    }
}

impl Hand {
    fn of_this_thread() -> Hand {
        // It links to `PID/task/TID`; other systems have no such thing.
        let link = fs::read_link("/proc/thread-self").ok();
        let file = link.and_then(|link| Some(format!("/proc/{}/stat", link.to_str()?)));
        Hand { file, ..Hand::default() }
    }

    /// A handler has the thread from here on, or has it no longer.
    pub(crate) fn keep(&self, is_kept: bool) {
        self.is_kept.store(is_kept, Ordering::Relaxed);
    }

    fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Relaxed)
    }

    /// Whether it runs, or would if it were let; false where the system does not tell.
    pub(crate) fn wants_processor(&self) -> bool {
        self.wants() == Some(Wants::Processor)
    }

    /// Looks what the thread waits for whose handler keeps it from its loop.
    pub(crate) fn look(&self) {
        self.keep(true);
        if self.wants() == Some(Wants::SomethingElse) {
            self.has_waited.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was seen to wait for something else than a processor, since it was asked last.
    pub(crate) fn has_waited(&self) -> bool {
        self.has_waited.swap(false, Ordering::Relaxed)
    }

    fn wants(&self) -> Option<Wants> {
        parse_state(&fs::read_to_string(self.file.as_ref()?).ok()?)
    }
}

/// Of `11206 (Thread-1) S 1 …` it is [`Wants::SomethingElse`].
fn parse_state(stat: &str) -> Option<Wants> {
    // A name may have parentheses of its own.
    let (_, behind_name) = stat.rsplit_once(") ")?;
    match behind_name.chars().next()? {
        'R' => Some(Wants::Processor),
        _ => Some(Wants::SomethingElse),
    }
}

#[cfg(target_os = "linux")]
fn online() -> Option<usize> {
    count(&fs::read_to_string("/sys/devices/system/cpu/online").ok()?)
}

#[cfg(target_os = "linux")]
fn runnable() -> Option<usize> {
    parse_runnable(&fs::read_to_string("/proc/loadavg").ok()?)
}

#[cfg(not(target_os = "linux"))]
fn online() -> Option<usize> {
    None
}

#[cfg(not(target_os = "linux"))]
fn runnable() -> Option<usize> {
    None
}

/// Of `0-3,8,10-11` it is seven.
#[cfg(any(test, target_os = "linux"))]
fn count(ranges: &str) -> Option<usize> {
    let size = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?)?.checked_add(1)
    };
    ranges.trim().split(',').map(size).sum()
}

/// Of `0.20 0.18 0.12 1/80 11206` it is one.
#[cfg(any(test, target_os = "linux"))]
fn parse_runnable(averages: &str) -> Option<usize> {
    averages.split(' ').nth(3)?.split_once('/')?.0.parse().ok()
}

/// So many threads are looked at, each for a few microseconds.
const SAMPLE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_understood() {
        for (ranges, processors) in [
            ("0", Some(1)),
            ("0-1\n", Some(2)),
            ("0-3,8,10-11\n", Some(7)),
            ("", None),
            ("3-1", None),
        ] {
            assert_eq!(count(ranges), processors, "{ranges:?}");
        }
        for (averages, threads) in
            [("0.20 0.18 0.12 1/80 11206\n", Some(1)), ("0.20 0.18 0.12", None), ("", None)]
        {
            assert_eq!(parse_runnable(averages), threads, "{averages:?}");
        }
        for (stat, wants) in [
            ("7 (Thread-1) R 1 2 3", Some(Wants::Processor)),
            ("7 (Thread-1) S 1 2 3", Some(Wants::SomethingElse)),
            ("7 (a) R (b) D 1 2 3", Some(Wants::SomethingElse)),
            ("7 (Thread-1) ", None),
            ("", None),
        ] {
            assert_eq!(parse_state(stat), wants, "{stat:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_system_tells() {
        use std::sync::Barrier;
        use std::thread;
        use std::time::{Duration, Instant};

        assert!(online().is_some_and(|count| count > 0));
        // This thread wants to run.
        assert!(runnable().is_some_and(|count| count > 0));
        let processors = Processors::new();
        let here = processors.enlist();
        here.look();
        assert!(here.wants_processor() && !Hand::default().wants_processor(), "nobody tells of it");
        assert!(!here.has_waited() && !processors.most_wait());
        let barrier = Barrier::new(3);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let hand = processors.enlist();
                    barrier.wait();
                    assert!(hand.has_waited() && !hand.has_waited());
                });
            }
            let deadline = Instant::now() + Duration::from_secs(10);
            let waiting = loop {
                let hands = lock(&processors.hands);
                let hands = hands.iter().filter_map(Weak::upgrade);
                let waits = |hand: &Arc<Hand>| hand.wants() == Some(Wants::SomethingElse);
                let waiting: Vec<Arc<Hand>> = hands.filter(waits).collect();
                if waiting.len() == 2 || Instant::now() > deadline {
                    break waiting;
                }
                thread::yield_now();
            };
            assert!(!processors.most_wait(), "no handler has them");
            assert!(!waiting.iter().any(|hand| hand.wants_processor()));
            waiting.iter().for_each(|hand| hand.look());
            assert!(processors.most_wait());
            barrier.wait();
        });
        assert!(!processors.most_wait(), "they are gone");
    }
}
