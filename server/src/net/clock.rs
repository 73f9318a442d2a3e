//! The time as a loop needs it: after each request, and to a few milliseconds.

use std::time::Instant;

/// The time when it was last looked at.
pub(crate) struct Clock {
    now: Instant,
    tick: Tick,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock { now: Instant::now(), tick: tick() }
    }

    /// The time of the last look.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Looks at the time.
    pub(crate) fn look(&mut self) {
        (self.now, self.tick) = (Instant::now(), tick());
    }

    /// Looks at the time, unless next to none can have passed since: on Linux, where that is told
    /// in a fraction of the time, it may lag by one tick of the kernel, which is 10 ms at most.
    #[inline(always)]
    pub(crate) fn glance(&mut self) {
        let tick = tick();
        if tick.is_none() || tick != self.tick {
            (self.now, self.tick) = (Instant::now(), tick);
        }
    }
}

/// When the kernel's timer last went off: to ask for that reads no hardware.
#[cfg(target_os = "linux")]
type Tick = Option<rustix::time::Timespec>;

#[cfg(target_os = "linux")]
fn tick() -> Tick {
    Some(rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse))
}

/// Nobody tells.
#[cfg(not(target_os = "linux"))]
type Tick = Option<std::convert::Infallible>;

#[cfg(not(target_os = "linux"))]
fn tick() -> Tick {
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_glance_sees_the_time_to_a_few_milliseconds() {
        let mut clock = Clock::new();
        let begin = clock.now();
        loop {
            let elapsed = begin.elapsed();
            clock.glance();
            assert!(clock.now() <= Instant::now());
            if clock.now() > begin {
                return;
            }
            assert!(elapsed < Duration::from_millis(100), "it stands still");
        }
    }
}
