//! The way out of an answer: gathered, offered to the kernel where it becomes much, and waited for
//! only where it becomes too much.
//!
//! An answer is gathered behind earlier ones that the client is still owed. Places in it are counted
//! from where it begins, so that they stay when what stands before it leaves. As long as nothing of
//! itself has left, it can be taken back. What its bytes mean is not known here.

use std::io::{self, IoSlice};
use std::ops::Range;

use crate::socket::Socket;

/// Where one answer is gathered, and where it leaves.
pub(crate) struct Outlet<'a> {
    out: &'a mut Vec<u8>,
    socket: &'a dyn Socket,
    /// Where this answer begins in `out`: at its front, once some of it has left.
    start: usize,
    left: Left,
}

/// What has become of the first bytes of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// They are here.
    Nothing,
    /// The kernel has been given some: they cannot be taken back.
    Some,
    /// A write has failed: the client will never see the end of this answer.
    Broken,
}

impl<'a> Outlet<'a> {
    #[inline]
    pub(crate) fn new(out: &'a mut Vec<u8>, socket: &'a dyn Socket) -> Self {
        let start = out.len();
        Outlet { out, socket, start, left: Left::Nothing }
    }

    /// Whether some of this answer has been given to the kernel.
    pub(crate) fn has_left(&self) -> bool {
        self.left != Left::Nothing
    }

    /// Whether a write has failed.
    pub(crate) fn is_broken(&self) -> bool {
        self.left == Left::Broken
    }

    /// Fails if a write has failed.
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.is_broken() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }

    /// How much of this answer is here.
    pub(crate) fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Where the answer grows; nothing is changed there but what was just appended.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Puts what `write` appends in the place of `old`.
    pub(crate) fn replace(&mut self, old: Range<usize>, write: impl FnOnce(&mut Vec<u8>)) {
        replace(self.out, self.start + old.start..self.start + old.end, write);
    }

    /// Takes back what is here of this answer.
    pub(crate) fn clear(&mut self) {
        self.out.truncate(self.start);
    }

    /// Takes out what is here of this answer from `at` on.
    pub(crate) fn split_off(&mut self, at: usize) -> Vec<u8> {
        self.out.split_off(self.start + at)
    }

    /// Lets go of what is here: another answer begins behind it.
    pub(crate) fn begin_anew(&mut self) {
        self.start = self.out.len();
    }

    /// Gathers `bytes`; much is offered to the kernel, and only too much is waited for.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sent = self.try_send(bytes);
        self.note_break(sent)
    }

    fn try_send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.check()?;
        // What earlier answers have left there is bounded by itself.
        if self.len() + bytes.len() > LARGE {
            let gathered = self.out.len();
            let sent = self.socket.try_write(&[IoSlice::new(self.out), IoSlice::new(bytes)])?;
            self.forget(sent);
            bytes = bytes.get(sent.saturating_sub(gathered)..).unwrap_or_default();
            if self.out.len() + bytes.len() > HIGH_WATER {
                self.left = Left::Some;
                self.socket.write_all(self.out)?;
                self.forget(self.out.len());
                let (now, later) = bytes.split_at(bytes.len().saturating_sub(LARGE));
                self.socket.write_all(now)?;
                bytes = later;
            }
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Offers everything gathered to the kernel.
    pub(crate) fn spill(&mut self) -> io::Result<()> {
        let sent = self.socket.try_write(&[IoSlice::new(self.out)]).map(|sent| self.forget(sent));
        self.note_break(sent)
    }

    /// After a write that failed nothing more may be sent: it would land in the middle of what is
    /// missing.
    fn note_break<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if result.is_err() {
            self.left = Left::Broken;
            self.start = 0;
            self.out.clear();
        }
        result
    }

    /// Drops the first `sent` bytes, which the kernel has; it may have been given more than is here.
    fn forget(&mut self, sent: usize) {
        if sent > self.start {
            self.left = Left::Some;
        }
        self.start = self.start.saturating_sub(sent);
        self.out.drain(..sent.min(self.out.len()));
    }
}

/// Puts what `write` appends to `out` in the place of `old`.
fn replace(out: &mut Vec<u8>, old: Range<usize>, write: impl FnOnce(&mut Vec<u8>)) {
    let end = out.len();
    if old.end == end {
        // Nearly always: nothing stands behind it.
        out.truncate(old.start);
        return write(out);
    }
    write(out);
    let new = out.len() - end;
    if new == old.len() {
        out.copy_within(end.., old.start);
        out.truncate(end);
    } else {
        out[old.start..].rotate_right(new);
        out.drain(old.start + new..old.end + new);
    }
}

/// From here on what is gathered is offered to the kernel before more is added.
const LARGE: usize = 64 * 1024;

/// So much may wait for a slow client; beyond, the handler's thread waits too.
const HIGH_WATER: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::kernel::Kernel;

    #[test]
    fn what_is_little_is_gathered_and_what_is_much_is_offered() {
        for takes in [0, 1, LARGE, usize::MAX] {
            let (kernel, mut out) = (Kernel::default(), b"<earlier>".to_vec());
            kernel.takes.set(takes);
            let mut outlet = Outlet::new(&mut out, &kernel);
            outlet.send(&[b'x'; LARGE]).unwrap();
            assert!(kernel.taken.borrow().is_empty());
            outlet.send(b"y").unwrap();
            assert_eq!(kernel.taken.borrow().len(), takes.min(9 + LARGE + 1));
            assert_eq!(outlet.has_left(), takes > 9);
            assert!(!kernel.waited.get());
            let all = [&kernel.taken.take()[..], &out].concat();
            assert!(all == [b"<earlier>", &[b'x'; LARGE][..], b"y"].concat(), "{takes}");
        }
    }

    #[test]
    fn more_than_the_high_water_mark_waits() {
        for pieces in [&[3 * HIGH_WATER][..], &[HIGH_WATER, HIGH_WATER, HIGH_WATER]] {
            let (kernel, mut out) = (Kernel::default(), Vec::new());
            let mut outlet = Outlet::new(&mut out, &kernel);
            for piece in pieces {
                outlet.send(&vec![b'x'; *piece]).unwrap();
                assert!(outlet.len() <= HIGH_WATER);
            }
            assert!(kernel.waited.get() && outlet.has_left());
            assert_eq!(kernel.taken.borrow().len() + out.len(), 3 * HIGH_WATER);
        }
    }

    #[test]
    fn places_stay_when_what_stands_before_them_leaves() {
        for takes in 0..=9 {
            let (kernel, mut out) = (Kernel::default(), b"<earlier>".to_vec());
            kernel.takes.set(takes);
            let mut outlet = Outlet::new(&mut out, &kernel);
            outlet.tail().extend_from_slice(b"head|body");
            outlet.spill().unwrap();
            assert!(!outlet.has_left());
            outlet.replace(4..5, |out| out.extend_from_slice(b"<>"));
            assert_eq!(outlet.split_off(6), b"body");
            assert_eq!(outlet.len(), 6);
            outlet.clear();
            assert_eq!(out, b"<earlier>"[takes..]);
        }
    }

    #[test]
    fn what_was_let_go_of_is_not_taken_back() {
        let (kernel, mut out) = (Kernel::default(), Vec::new());
        kernel.takes.set(3);
        let mut outlet = Outlet::new(&mut out, &kernel);
        outlet.tail().extend_from_slice(b"interim");
        outlet.begin_anew();
        outlet.spill().unwrap();
        assert!(!outlet.has_left());
        outlet.tail().extend_from_slice(b"final");
        outlet.clear();
        assert_eq!(out, b"erim");
    }

    #[test]
    fn after_a_write_that_failed_nothing_goes_out() {
        type Write = fn(&mut Outlet<'_>) -> io::Result<()>;
        let writes: [Write; 2] = [|outlet| outlet.spill(), |outlet| outlet.send(&[b'x'; LARGE])];
        for write in writes {
            let (kernel, mut out) = (Kernel::default(), b"<earlier>".to_vec());
            kernel.takes.set(usize::MAX);
            kernel.is_gone.set(true);
            let mut outlet = Outlet::new(&mut out, &kernel);
            outlet.tail().extend_from_slice(b"half");
            assert!(write(&mut outlet).is_err());
            kernel.is_gone.set(false);
            assert!(outlet.is_broken() && outlet.has_left() && outlet.len() == 0);
            assert!(outlet.send(b"more").is_err());
            assert!(kernel.taken.take().is_empty() && out.is_empty());
        }
    }

    #[test]
    fn bytes_can_be_put_in_front_and_in_the_place_of_others() {
        for old in ["", "old", "much longer than any new one"] {
            for new in ["", "new", "newer", &"x".repeat(100)] {
                for body in ["", "body", &"long".repeat(100)] {
                    let mut out = format!("head|{old}{body}").into_bytes();
                    let write = |out: &mut Vec<u8>| out.extend_from_slice(new.as_bytes());
                    replace(&mut out, 5..5 + old.len(), write);
                    assert_eq!(out, format!("head|{new}{body}").into_bytes());
                }
            }
        }
    }
}
