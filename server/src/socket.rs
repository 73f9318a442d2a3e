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
