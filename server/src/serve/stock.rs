//! Memory that connections lend each other: who waits for nothing holds none.

/// Memory that connections without work have given back.
#[derive(Default)]
pub(crate) struct Stock {
    inputs: Vec<Vec<u8>>,
    outputs: Vec<Vec<u8>>,
}

impl Stock {
    pub(crate) fn take_input(&mut self) -> Vec<u8> {
        self.inputs.pop().unwrap_or_else(new_input)
    }

    pub(crate) fn give_input(&mut self, storage: Vec<u8>) {
        if storage.len() == INPUT && self.inputs.len() < MAX_STOCK {
            self.inputs.push(storage);
        }
    }

    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        self.outputs.pop().unwrap_or_else(new_output)
    }

    pub(crate) fn give_output(&mut self, output: Vec<u8>) {
        if output.capacity() <= MAX_OUTPUT && self.outputs.len() < MAX_STOCK {
            self.outputs.push(output);
        }
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
