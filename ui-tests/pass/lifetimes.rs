//! Lifetimes of the type, of a method, and such as nobody wrote.
use std::borrow::Cow;

use basehttp::{Exchange, RequestHandler, http_handler};

struct Named<'n>(&'n str);

#[http_handler]
impl<'n> Named<'n> {
    fn do_GET(&self) -> &'n str {
        self.0
    }

    fn do_POST<'a>(&self, http: &mut Exchange<'a>) -> &'a str {
        http.path
    }

    fn do_PUT(self: &Self, _http: &'_ mut Exchange<'_>) -> &str {
        self.0
    }
}

struct Elided<'n>(Cow<'n, str>);

#[http_handler]
impl Elided<'_> {
    fn do_GET(&self) -> &str {
        &self.0
    }

    fn log_message<'a, 'b>(&'a self, _http: &Exchange<'b>, _message: std::fmt::Arguments) {}
}

fn main() {
    assert_eq!(Named("a").methods().len(), 3);
    assert_eq!(Elided(Cow::Borrowed("b")).methods().len(), 1);
}
