//! The parts of an answer on its way. What puts them together is `wfile.rs`.

pub(crate) mod head;

pub(crate) mod fields;
pub(crate) mod outlet;
