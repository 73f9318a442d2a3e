//! What is hardly ever come by, and that the compiler should know it.

/// Where it is called, hardly any request comes by. It does nothing.
///
/// The compiler puts such a place behind the rest of its function. The kernel leaves little of a
/// server in the processor's caches, so each call of it is followed by loading code anew, a line of
/// 64 bytes at a time: what stands between the steps of every request should be those steps.
#[cold]
#[inline(never)] // or it would be gone before it is heard
pub(crate) fn rarely() {}
