//! A crate that knows `basehttp` only by a path of its own.
mod renamed {
    pub(crate) use ::basehttp as web;
}

use renamed::web::{Exchange, HttpError, RequestHandler, http_handler};

struct Hello;

#[http_handler(crate = crate::renamed::web)]
impl Hello {
    fn do_GET(&self, _http: &mut Exchange) -> &'static str {
        "hello"
    }

    fn error_page(&self, _http: &Exchange, _error: &HttpError) -> String {
        String::new()
    }
}

struct Relative;

#[http_handler(crate = renamed::web,)]
impl Relative {
    fn do_GET(&self) {}
}

macro_rules! handler {
    ($t:ty) => {
        #[http_handler(crate = $crate::renamed::web)]
        impl $t {
            fn do_GET(&self, _http: &mut Exchange) {}
        }
    };
}

struct ByMacro;
handler!(ByMacro);

fn main() {
    assert_eq!(Hello.methods().len(), 1);
    assert_eq!(Relative.methods().len(), 1);
    assert_eq!(ByMacro.methods().len(), 1);
}
