//! Blocks that a `macro_rules!` macro writes, with names and types from its caller.
use basehttp::{Exchange, RequestHandler, http_handler};

macro_rules! handler {
    ($t:ty, $vis:vis $name:ident, $http:ident, $exchange:ty, $answer:ty, $body:block) => {
        #[http_handler]
        impl $t {
            $vis fn $name(&self, $http: $exchange) -> $answer $body

            fn do_POST(&self, http: &mut Exchange) -> &'static str {
                let _ = http.path;
                self.text()
            }

            fn text(&self) -> &'static str {
                "text"
            }

            fn error_page(&self, _http: &Exchange, _error: &basehttp::HttpError) -> $answer {
                "oops".into()
            }
        }
    };
}

struct Hello;
struct Holder<T>(T);

handler!(Hello, pub do_GET, http, &mut Exchange, String, { http.path.to_owned() });
handler!(Holder<u8>, do_SPAM, it, &mut basehttp::Exchange<'_>, &'static str, {
    let _ = it.path;
    "spam"
});

macro_rules! whole {
    ($item:item) => {
        #[http_handler]
        $item
    };
}

struct Whole;
whole! {
    impl Whole {
        fn do_GET(&self) {}
    }
}

fn main() {
    assert_eq!(Hello.methods()[0].name(), "GET");
    assert_eq!(Holder(1).methods()[0].name(), "SPAM");
    assert_eq!(Whole.methods()[0].name(), "GET");
}
