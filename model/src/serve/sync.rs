//! Stands for the server's `sync.rs`: the same names, and the model checker behind them.
//!
//! No real time passes here. How long anything takes is for the checker to decide, and a patience is
//! over when it says so.

use std::io;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use shuttle::sync::Condvar as Bell;
use shuttle::sync::MutexGuard as Guard;
use shuttle::thread::{Builder, yield_now};

pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use shuttle::sync::{Arc, Mutex};
pub(crate) use shuttle::thread::{Thread, current, park};

use crate::oracle;

/// The checker's own, and what it guards: who waits has to lock again.
pub(crate) struct MutexGuard<'a, T> {
    guard: Guard<'a, T>,
    mutex: &'a Mutex<T>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    MutexGuard { guard: mutex.lock().expect("nobody panics"), mutex }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// A condition variable whose waits may run out of patience, which the checker's own never do.
pub(crate) struct Condvar {
    waiting: Mutex<Vec<Arc<Waiter>>>,
}

/// One thread that waits: it has a bell of its own, and may have been told and not know it yet.
struct Waiter {
    is_told: Mutex<bool>,
    bell: Bell,
}

impl Condvar {
    pub(crate) fn new() -> Condvar {
        Condvar { waiting: Mutex::new(Vec::new()) }
    }

    /// Tells any of those who wait: no system promises an order.
    pub(crate) fn notify_one(&self) {
        let mut waiting = lock(&self.waiting);
        if !waiting.is_empty() {
            let chosen = oracle::choose(waiting.len());
            let waiter = waiting.swap_remove(chosen);
            drop(waiting);
            waiter.tell();
        }
    }

    pub(crate) fn notify_all(&self) {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        waiting.into_iter().for_each(|waiter| waiter.tell());
    }

    fn join(&self) -> Arc<Waiter> {
        let waiter = Arc::new(Waiter { is_told: Mutex::new(false), bell: Bell::new() });
        lock(&self.waiting).push(Arc::clone(&waiter));
        waiter
    }
}

impl Waiter {
    fn tell(&self) {
        *lock(&self.is_told) = true;
        self.bell.notify_one();
    }

    fn wait(&self) {
        let mut is_told = self.is_told.lock().expect("nobody panics");
        while !*is_told {
            is_told = self.bell.wait(is_told).expect("nobody panics");
        }
    }
}

pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    let waiter = condvar.join();
    let MutexGuard { guard, mutex } = guard;
    drop(guard);
    waiter.wait();
    lock(mutex)
}

/// Some run out of patience after a while. Whom a notification reaches just then has had it all the
/// same, and nobody else gets it.
pub(crate) fn wait_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    _patience: Duration,
) -> (MutexGuard<'a, T>, bool) {
    if !oracle::chance(oracle::rules().impatient) {
        return (wait(condvar, guard), false);
    }
    let waiter = condvar.join();
    let MutexGuard { guard, mutex } = guard;
    drop(guard);
    for _ in 0..oracle::choose(12) {
        yield_now();
    }
    lock(&condvar.waiting).retain(|other| !Arc::ptr_eq(other, &waiter));
    (lock(mutex), true)
}

/// Starts a thread, where the system has one left.
pub(crate) fn start(name: String, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    // Others may do anything in the time that a refusal takes.
    yield_now();
    if oracle::chance(oracle::rules().no_thread) {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    oracle::thread_begins();
    let thread = Builder::new().name(name).spawn(move || {
        run();
        oracle::thread_ends();
    })?;
    oracle::keep(thread);
    Ok(())
}

pub(crate) fn tick(_length: Duration) {
    oracle::tick_begins();
    yield_now();
}
