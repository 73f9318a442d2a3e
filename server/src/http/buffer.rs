//! Received bytes: room to fill, bytes to read, bytes to drop.
//!
//! The storage is lent: an idle connection gives it back (`take_storage`) and holds no memory.

use crate::rarely::{put_into_empty, rarely};

/// A queue of bytes in one piece of memory.
#[derive(Default)]
pub(crate) struct Buffer {
    storage: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// A buffer with room for `storage.len()` bytes.
    pub(crate) fn with_storage(storage: Vec<u8>) -> Buffer {
        Buffer { storage, start: 0, end: 0 }
    }

    /// Gives room to a buffer that has none.
    #[inline(always)] // on the way of each request
    pub(crate) fn provide(&mut self, storage: Vec<u8>) {
        put_into_empty(&mut self.storage, storage);
        (self.start, self.end) = (0, 0);
    }

    /// A buffer that has received `bytes` already, and has room for as many again.
    pub(crate) fn with_bytes(bytes: &[u8]) -> Buffer {
        let mut storage = vec![0; (bytes.len() * 2).max(SMALLEST)];
        storage[..bytes.len()].copy_from_slice(bytes);
        Buffer { storage, start: 0, end: bytes.len() }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.storage.len()
    }

    pub(crate) fn has_storage(&self) -> bool {
        self.storage.capacity() > 0
    }

    /// The storage, with whatever was in it; the buffer is empty afterwards.
    pub(crate) fn take_storage(&mut self) -> Vec<u8> {
        std::mem::take(self).storage
    }

    /// What has been received and not yet dropped.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.storage[self.start..self.end]
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Room behind the bytes, never empty: full storage is compacted, or else doubled.
    ///
    /// It grows with what has been received, never with what a peer announced.
    #[inline(always)] // mostly there is some
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.end == self.storage.len() {
            rarely();
            self.make_room();
        }
        &mut self.storage[self.end..]
    }

    #[inline(never)]
    fn make_room(&mut self) {
        if self.start > 0 {
            self.storage.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        } else {
            self.storage.resize((self.storage.len() * 2).max(SMALLEST), 0);
        }
    }

    /// Counts the first `count` bytes of the room as received.
    pub(crate) fn fill(&mut self, count: usize) {
        debug_assert!(count <= self.storage.len() - self.end, "more bytes than there was room");
        self.end = (self.end + count).min(self.storage.len());
    }

    /// Puts `bytes` in the place of the first `count` bytes.
    #[cold]
    pub(crate) fn replace(&mut self, count: usize, bytes: &[u8]) {
        let all = [bytes, self.bytes().get(count..).unwrap_or_default()].concat();
        if self.storage.len() < all.len() {
            self.storage.resize(all.len(), 0);
        }
        self.storage[..all.len()].copy_from_slice(&all);
        (self.start, self.end) = (0, all.len());
    }

    /// Drops the first `count` bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.len(), "more bytes dropped than received");
        self.start = (self.start + count).min(self.end);
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
    }
}

/// Enough for most heads, and little for one of which only the start has come.
const SMALLEST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn push(buffer: &mut Buffer, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = buffer.room();
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            buffer.fill(count);
            bytes = &bytes[count..];
        }
    }

    #[test]
    fn bytes_come_out_in_the_order_they_went_in() {
        let mut buffer = Buffer::with_storage(vec![0; 4]);
        push(&mut buffer, b"abc");
        buffer.consume(2);
        push(&mut buffer, b"defgh");
        assert_eq!(buffer.bytes(), b"cdefgh");
        buffer.consume(6);
        assert!(buffer.is_empty());
    }

    #[test]
    fn full_storage_grows_only_if_nothing_was_dropped() {
        let mut buffer = Buffer::with_storage(vec![0; 2 * SMALLEST]);
        push(&mut buffer, &[b'x'; 2 * SMALLEST]);
        buffer.consume(1);
        assert_eq!((buffer.room().len(), buffer.capacity()), (1, 2 * SMALLEST));
        push(&mut buffer, b"x");
        assert_eq!((buffer.room().len(), buffer.capacity()), (2 * SMALLEST, 4 * SMALLEST));
    }

    #[test]
    fn an_emptied_buffer_starts_again_at_the_front() {
        let mut buffer = Buffer::with_storage(vec![0; 8]);
        push(&mut buffer, b"12345678");
        buffer.consume(8);
        assert_eq!(buffer.room().len(), 8);
    }

    #[test]
    fn bytes_at_the_front_can_be_replaced() {
        for (count, with) in [(0, ""), (3, "x"), (3, "longer than it was"), (5, "")] {
            let mut buffer = Buffer::with_storage(vec![0; 8]);
            push(&mut buffer, b"..");
            buffer.consume(2);
            push(&mut buffer, b"abcde");
            buffer.replace(count, with.as_bytes());
            assert_eq!(buffer.bytes(), [with.as_bytes(), &b"abcde"[count..]].concat());
            push(&mut buffer, b"f");
            assert_eq!(buffer.bytes().last(), Some(&b'f'));
        }
    }

    #[test]
    fn storage_can_be_taken_and_given() {
        let mut buffer = Buffer::with_storage(vec![0; 8]);
        assert!(buffer.has_storage());
        assert_eq!(buffer.take_storage().len(), 8);
        assert!(!buffer.has_storage());
        push(&mut buffer, b"grows from nothing");
        assert_eq!(buffer.bytes(), b"grows from nothing");
        let little = Buffer::with_bytes(buffer.bytes());
        assert_eq!((little.bytes(), little.capacity()), (buffer.bytes(), SMALLEST));
        assert_eq!(Buffer::with_bytes(&[b'x'; SMALLEST]).capacity(), 2 * SMALLEST);
    }
}
