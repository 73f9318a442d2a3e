//! What `rfile` and `wfile` need of a connection's socket.
//!
//! A trait, so that both can be shown to keep their promises without a socket; the real one is in
//! `serve/handler_socket.rs`. All methods take `&self`: reader and writer share it, as they share the
//! connection.

use std::io::{self, IoSlice};

/// The two directions of a connection, as a handler's thread may use them.
pub(crate) trait Socket {
    /// Waits for bytes of a body and reads them; 0 is the peer's end.
    ///
    /// Fails with `TimedOut` when the body's deadline has passed.
    fn read(&self, into: &mut [u8]) -> io::Result<usize>;

    /// Whether the peer has ended its side, as far as can be seen without reading what it sent.
    fn is_peer_gone(&self) -> bool;

    /// Whether some of an answer has been written: nothing may come in between.
    fn has_written(&self) -> bool;

    /// Writes what the kernel takes at once, perhaps nothing.
    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Writes everything, waiting where it must.
    ///
    /// Fails with `TimedOut` when the peer takes nothing for as long as the write deadline, or too
    /// little for the least rate.
    fn write_all(&self, bytes: &[u8]) -> io::Result<()>;
}

/// A socket for tests: what a kernel takes, when, and that it takes no more.
#[cfg(test)]
pub(crate) mod kernel {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// Takes so many bytes at a time, and all of them when it is waited for.
    #[derive(Default)]
    pub(crate) struct Kernel {
        pub(crate) takes: Cell<usize>,
        pub(crate) taken: RefCell<Vec<u8>>,
        /// Somebody has waited.
        pub(crate) waited: Cell<bool>,
        /// The connection is no more.
        pub(crate) is_gone: Cell<bool>,
    }

    impl Kernel {
        fn check(&self) -> io::Result<()> {
            if self.is_gone.get() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
        }
    }

    impl Socket for Kernel {
        fn read(&self, _: &mut [u8]) -> io::Result<usize> {
            panic!("a writer does not read")
        }

        fn is_peer_gone(&self) -> bool {
            self.is_gone.get()
        }

        fn has_written(&self) -> bool {
            !self.taken.borrow().is_empty()
        }

        fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
            self.check()?;
            let all = bytes.iter().flat_map(|slice| slice.iter().copied());
            let before = self.taken.borrow().len();
            self.taken.borrow_mut().extend(all.take(self.takes.get()));
            Ok(self.taken.borrow().len() - before)
        }

        fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
            self.check()?;
            self.waited.set(true);
            self.taken.borrow_mut().extend_from_slice(bytes);
            Ok(())
        }
    }
}
