//! Waiting and moving bytes, without a word of HTTP. From the top:

pub(crate) mod listener;

pub(crate) mod clock;
pub(crate) mod deadlines;
pub(crate) mod poller;
