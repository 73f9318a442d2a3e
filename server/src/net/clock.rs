//! The time as a loop needs it: after each request and each wait, and to a few milliseconds.

use std::time::Instant;

/// The time when it was last looked at.
pub(crate) struct Clock {
    now: Instant,
    tick: Tick,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        // In this order: a tick between the two is seen by the next glance.
        let tick = tick();
        Clock { now: Instant::now(), tick }
    }

    /// The time of the last look.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Looks at the time.
    pub(crate) fn look(&mut self) {
        *self = Clock::new();
    }

    /// Looks at the time only if the kernel's tick has moved since the last look: so this may lag by
    /// a tick, which is 1 to 10 ms long, as Linux is built. Elsewhere nobody tells of ticks, and
    /// this is a look.
    #[inline(always)] // once a request, and mostly a comparison
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
    use super::*;

    #[test]
    fn a_glance_sees_the_time_once_it_has_ticked() {
        let mut clock = Clock::new();
        let (begin, tick) = (clock.now(), clock.tick);
        // A clock that stands still would keep this here for ever.
        while clock.now() == begin {
            clock.glance();
            assert!(clock.tick.is_none() || (clock.now() > begin) == (clock.tick != tick));
        }
        assert!(begin < clock.now() && clock.now() <= Instant::now());
    }
}
