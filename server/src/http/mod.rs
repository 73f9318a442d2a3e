//! HTTP/1.1 without a socket: bytes and time in, values and bytes out.
//!
//! Nothing here waits, knows a file descriptor or asks a clock. From the top:

pub(crate) mod connection;

pub(crate) mod trailers;

pub(crate) mod head;

pub(crate) mod request_line;

pub(crate) mod chunked;
pub(crate) mod lenient;
pub(crate) mod target;

pub(crate) mod encode;
pub(crate) mod framing;

pub(crate) mod headers;

pub(crate) mod buffer;
pub(crate) mod bytes;
pub(crate) mod date;
pub(crate) mod error;
pub(crate) mod status;
pub(crate) mod version;
