//! Where bytes and HTTP meet: the loop, and the conversations it serves. From the top:

#[cfg(unix)]
pub(crate) mod child;
#[cfg(unix)]
pub(crate) mod parent;

pub(crate) mod worker;

pub(crate) mod door;
pub(crate) mod neighbours;
pub(crate) mod visit;

pub(crate) mod crew;
pub(crate) mod session;

pub(crate) mod mailbox;
pub(crate) mod pool;

pub(crate) mod baton;

#[cfg(feature = "signals")]
pub(crate) mod signals;

pub(crate) mod batch;
pub(crate) mod busy;
#[cfg(unix)]
pub(crate) mod fork;
pub(crate) mod handler_socket;
#[cfg(unix)]
pub(crate) mod line;
pub(crate) mod shutdown;
pub(crate) mod slow;
pub(crate) mod stock;
pub(crate) mod sync;
pub(crate) mod waiting;
