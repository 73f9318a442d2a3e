//! Locks and threads, as the protocol of loans uses them.
//!
//! `baton`, `crew`, `mailbox` and `pool` take them from here alone, so that a model checker can put
//! its own in their place and try the very same files in every order that it can think of.

use std::io;
use std::sync::PoisonError;
use std::time::Duration;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard};
pub(crate) use std::thread::{Thread, current, park};

/// What a lock guards is sound between any two statements: a panic while it was held does no harm.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until it is notified; at last without.
pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Waits until it is notified, or for `patience`: true if that is over.
pub(crate) fn wait_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    patience: Duration,
) -> (MutexGuard<'a, T>, bool) {
    let waited = condvar.wait_timeout(guard, patience);
    let (guard, result) = waited.unwrap_or_else(PoisonError::into_inner);
    (guard, result.timed_out())
}

/// Starts a thread that nobody joins.
pub(crate) fn start(name: String, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name).spawn(run).map(drop)
}

/// Waits until the watch may look again, whoever wakes it: a call that came too late for one sleep
/// must not make the next tick shorter.
pub(crate) fn tick(length: Duration) {
    std::thread::sleep(length);
}
