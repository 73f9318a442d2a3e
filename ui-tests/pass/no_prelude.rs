//! Generated code needs no name to be in scope.
#![no_implicit_prelude]

struct Hello;

#[::basehttp::http_handler]
impl Hello {
    const SERVER_VERSION: &'static str = "Hello/1.0";

    fn do_GET(&self, http: &mut ::basehttp::Exchange<'_>) -> ::std::io::Result<()> {
        http.end_headers()
    }

    fn do_POST(&self) {}

    fn error_page(&self, _: &::basehttp::Exchange<'_>, _: &::basehttp::HttpError) -> &'static str {
        "oops"
    }

    fn handle_expect_100(&self, _: &mut ::basehttp::Exchange<'_>) -> ::std::io::Result<()> {
        ::std::result::Result::Ok(())
    }
}

fn main() {
    ::std::assert_eq!(::basehttp::RequestHandler::methods(&Hello).len(), 2);
}
