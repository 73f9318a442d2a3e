//! Whether the processors have something to do: then more threads would not do more.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Watches how much processor time this process takes.
pub(crate) struct Busy {
    processors: u32,
    before: Mutex<(Instant, Duration)>,
}

impl Busy {
    pub(crate) fn new(processors: usize, now: Instant) -> Busy {
        let processors = u32::try_from(processors).unwrap_or(u32::MAX);
        Busy { processors, before: Mutex::new((now, processor_time())) }
    }

    /// Whether much of what the processors could do since the last question was done here.
    pub(crate) fn is_since_last(&self, now: Instant) -> bool {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let (then, time_then) = std::mem::replace(&mut *before, (now, processor_time()));
        let possible = now.saturating_duration_since(then).saturating_mul(self.processors);
        before.1.saturating_sub(time_then) >= possible.mul_f32(MUCH)
    }
}

/// Processor time of the whole process so far.
#[cfg(unix)]
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Nobody tells, so that nobody ever seems busy.
#[cfg(not(unix))]
fn processor_time() -> Duration {
    Duration::ZERO
}

/// The rest goes to the system and, where they are on the same machine, to the clients.
const MUCH: f32 = 0.5;

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn who_computes_is_busy_and_who_has_had_time_is_not() {
        let start = Instant::now();
        let busy = Busy::new(1, start);
        let mut count = 0u64;
        while processor_time() < Duration::from_millis(5) {
            count = std::hint::black_box(count + 1);
        }
        // As if all of that had been in no time, and then as if it had been in an hour.
        assert!(busy.is_since_last(start + Duration::from_nanos(1)));
        assert!(!busy.is_since_last(start + Duration::from_secs(3600)));
    }
}
