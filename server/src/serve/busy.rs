//! Whether threads wait for a processor: then more of them would not do more, and one that takes
//! long may only not have been let run.

#[cfg(target_os = "linux")]
use std::fs;

/// The processors of the system.
pub(crate) struct Processors {
    /// How many are at work; `None` where the system does not tell.
    online: Option<usize>,
}

impl Processors {
    pub(crate) fn new() -> Processors {
        Processors { online: online() }
    }

    /// Whether more threads want to run now than there are processors, this one among them; false
    /// where the system does not tell.
    ///
    /// It reads a small file of the kernel: a few microseconds, for whoever has them.
    pub(crate) fn are_short(&self) -> bool {
        let wanting = self.online.and_then(|online| Some(runnable()? > online));
        wanting.unwrap_or(false)
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
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_system_tells() {
        assert!(online().is_some_and(|count| count > 0));
        // This thread wants to run.
        assert!(runnable().is_some_and(|count| count > 0));
    }
}
