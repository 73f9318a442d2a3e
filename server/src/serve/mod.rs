//! Where bytes and HTTP meet: the loop, and the conversations it serves. From the top:

pub(crate) mod worker;

pub(crate) mod session;

#[cfg(feature = "signals")]
pub(crate) mod signals;

pub(crate) mod handler_socket;
pub(crate) mod shutdown;
pub(crate) mod stock;
