//! Keeps rare ways out of those that every request goes.

use std::mem;

/// Where it is called, hardly any request comes by. It does nothing, and is gone from what is built.
///
/// The compiler puts such a place behind the rest of its function. The kernel leaves little of a
/// server in the processor's caches, so each system call is followed by loading code anew, a line of
/// 64 bytes at a time: what stands between the steps of every request should be those steps.
// `std::hint::cold_path` says the same, from a later Rust on than the oldest that is supported.
#[cold]
#[inline(never)] // or it would be gone before it is heard
pub(crate) fn rarely() {}

/// Puts memory into a place that has none, where nothing has to be freed; an assignment would ask.
#[inline(always)]
pub(crate) fn put_into_empty(place: &mut Vec<u8>, memory: Vec<u8>) {
    if place.capacity() == 0 {
        mem::forget(mem::replace(place, memory));
    } else {
        rarely();
        *place = memory;
    }
}
