//! Tells the compiler which ways are rare.

use std::mem::{self, ManuallyDrop};
use std::ops::{Deref, DerefMut};

/// Where it is called, hardly any request comes by. It does nothing, and is gone from what is built.
///
/// The compiler puts such a place behind the rest of its function. The kernel leaves little of a
/// server in the processor's caches, so each system call is followed by loading code anew, a line of
/// 64 bytes at a time: what stands between the steps of every request should be those steps.
// `std::hint::cold_path` says the same, from a later Rust on than the oldest that is supported.
#[cold]
#[inline(never)] // or it would be gone before it is heard
pub(crate) fn rarely() {}

/// What hardly any request has. Where there is none, nothing but a comparison is left of its drop.
pub(crate) struct Rare<T>(ManuallyDrop<Option<T>>);

impl<T> Rare<T> {
    pub(crate) const NONE: Rare<T> = Rare(ManuallyDrop::new(None));
}

impl<T> Default for Rare<T> {
    fn default() -> Rare<T> {
        Rare::NONE
    }
}

impl<T> Deref for Rare<T> {
    type Target = Option<T>;

    fn deref(&self) -> &Option<T> {
        &self.0
    }
}

impl<T> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut Option<T> {
        &mut self.0
    }
}

impl<T> Drop for Rare<T> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.is_some() {
            drop_value(&mut self.0);
        }
    }
}

/// Puts memory into a place that has none: there is nothing to be freed.
#[inline(always)]
pub(crate) fn lend(place: &mut Vec<u8>, memory: Vec<u8>) {
    let before = mem::replace(place, memory);
    if before.capacity() == 0 {
        mem::forget(before);
    } else {
        free(before);
    }
}

#[cold]
#[inline(never)]
fn free(_: Vec<u8>) {}

#[cold]
#[inline(never)]
fn drop_value<T>(value: &mut Option<T>) {
    *value = None;
}
