//! The parts of an answer on its way; `wfile.rs` puts them together. From the top:

pub(crate) mod body;

pub(crate) mod head;

pub(crate) mod fields;
pub(crate) mod outlet;
