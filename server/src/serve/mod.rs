//! Where bytes and HTTP meet: the loop, and the conversations it serves. From the top:

pub(crate) mod worker;

pub(crate) mod neighbours;
pub(crate) mod visit;

pub(crate) mod crew;
pub(crate) mod session;

pub(crate) mod mailbox;
pub(crate) mod pool;

pub(crate) mod baton;

#[cfg(feature = "signals")]
pub(crate) mod signals;

pub(crate) mod handler_socket;
pub(crate) mod shutdown;
pub(crate) mod slow;
pub(crate) mod stock;
pub(crate) mod sync;
