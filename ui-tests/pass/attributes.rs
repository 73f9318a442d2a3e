//! Other attributes stay where they are.
#![deny(unused_doc_comments, unused_attributes)]
use basehttp::{Exchange, RequestHandler, http_handler};

struct Hello;

/// Greets.
#[http_handler]
#[doc = "And more."]
impl Hello {
    #![allow(dead_code)]

    /// Greets in one line.
    #[inline]
    #[must_use]
    fn do_GET(&self) -> &'static str {
        "hello"
    }

    /** Greets at length. */
    #[doc(hidden)]
    #[track_caller]
    pub(crate) fn do_POST(&self, #[allow(unused_variables)] http: &mut Exchange) {}
}

fn main() {
    assert_eq!(Hello.methods().len(), 2);
}
