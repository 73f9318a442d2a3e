//! Memory that connections lend each other: who waits for nothing holds none.

use crate::rarely::{put_into_empty, rarely};

/// Memory that connections without work have given back.
#[derive(Default)]
pub(crate) struct Stock {
    inputs: Shelf,
    outputs: Shelf,
}

impl Stock {
    #[inline(always)] // on the way of each request, as all that follows
    pub(crate) fn take_input(&mut self) -> Vec<u8> {
        self.inputs.take().unwrap_or_else(new_input)
    }

    #[inline(always)]
    pub(crate) fn give_input(&mut self, storage: Vec<u8>) {
        if storage.len() == INPUT {
            self.inputs.put(storage);
        }
    }

    #[inline(always)]
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        self.outputs.take().unwrap_or_else(new_output)
    }

    #[inline(always)]
    pub(crate) fn give_output(&mut self, output: Vec<u8>) {
        if output.capacity() <= MAX_OUTPUT {
            self.outputs.put(output);
        }
    }
}

/// Places for pieces of memory, of which the first so many are taken. It never grows: so nothing that
/// could is on the way of a request.
struct Shelf {
    places: [Vec<u8>; MAX_STOCK],
    taken: usize,
}

impl Default for Shelf {
    fn default() -> Shelf {
        Shelf { places: [const { Vec::new() }; MAX_STOCK], taken: 0 }
    }
}

impl Shelf {
    /// Puts a piece there; where all places are taken, it is freed.
    #[inline(always)]
    fn put(&mut self, piece: Vec<u8>) {
        if let Some(place) = self.places.get_mut(self.taken) {
            put_into_empty(place, piece);
            self.taken += 1;
        } else {
            rarely();
        }
    }

    #[inline(always)]
    fn take(&mut self) -> Option<Vec<u8>> {
        let last = self.taken.checked_sub(1)?;
        let piece = std::mem::take(self.places.get_mut(last)?);
        self.taken = last;
        Some(piece)
    }
}

#[cold]
fn new_input() -> Vec<u8> {
    vec![0; INPUT]
}

#[cold]
fn new_output() -> Vec<u8> {
    Vec::with_capacity(OUTPUT)
}

/// Bytes asked of the kernel in one read: a batch of pipelined requests, or a large head.
pub(crate) const INPUT: usize = 16 * 1024;

/// Bytes of answers that need no larger memory: those to a batch of requests, or a page.
const OUTPUT: usize = 16 * 1024;

/// Larger memory than this is not kept for another answer.
const MAX_OUTPUT: usize = 256 * 1024;

/// Pieces of memory kept of each kind: 1 MiB of input for a loop.
const MAX_STOCK: usize = 64;
