//! Forms: queries, urlencoded bodies and uploads.

#[cfg(feature = "serde")]
pub(crate) mod typed;

pub(crate) mod collect;

pub(crate) mod field_storage;

pub(crate) mod multipart;

mod part_head;
mod splitter;
mod urlencoded;

pub(crate) mod field_file;
mod filename;
mod parameters;
pub(crate) mod text;

pub(crate) mod error;
