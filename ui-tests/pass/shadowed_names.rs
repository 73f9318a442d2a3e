//! Names of the user's that look like those of generated code.
#![allow(dead_code, non_snake_case, non_camel_case_types, non_upper_case_globals)]
use basehttp::{RequestHandler as _, http_handler};

mod core {}
mod std {}
struct Result;
struct Option;
struct Handled;
struct Exchange;
struct MethodInfo;
struct str;
struct bool;
struct Into;
trait RequestHandler {}
fn Ok() {}
fn Some() {}
fn answer() {}
fn unsupported_method() {}
static http: u8 = 1;
const exchange: u8 = 2;
static value: u8 = 3;
const argument_1: u8 = 4;

struct Hello;

#[http_handler]
impl Hello {
    const SERVER_VERSION: &'static ::std::primitive::str = "Hello/1.0";

    fn do_GET(&self) -> &'static ::std::primitive::str {
        "hello"
    }

    fn do_POST(&self, _: &mut ::basehttp::Exchange) {}

    fn methods(&self) {}

    fn dispatch(&self) {}

    fn error_page(&self, _: &::basehttp::Exchange, _: &::basehttp::HttpError) -> String {
        String::new()
    }
}

fn main() {
    assert_eq!(::basehttp::RequestHandler::methods(&Hello).len(), 2);
    assert_eq!(Hello.server_version(), "Hello/1.0");
}
