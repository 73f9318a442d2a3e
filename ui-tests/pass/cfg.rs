//! Methods that exist under a condition are in the table under the same.
use basehttp::{Exchange, RequestHandler, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    #[cfg(not(any()))]
    fn do_GET(&self) -> &'static str {
        "this one"
    }

    #[cfg(any())]
    fn do_GET(&self) -> NoSuchType {}

    #[cfg(any())]
    fn do_POST(&self, http: &mut NoSuchType) {}

    #[cfg_attr(all(), cfg(any()), inline)]
    fn do_PUT(&self) -> NoSuchType {}

    #[cfg_attr(all(), inline, doc = "Patches.", cfg_attr(all(), cfg(all())))]
    fn do_PATCH(&self, _http: &mut Exchange) {}

    #[cfg(any())]
    const SERVER_VERSION: NoSuchType = 1;

    #[cfg(all())]
    const SERVER_VERSION: &str = "Hello/1.0";

    #[cfg(any())]
    fn verify_request(&self, peer: &NoSuchType) -> bool {}

    #[cfg(any())]
    fn log_message(&self, http: &Exchange, message: NoSuchType) {}
}

struct Nowhere;

#[http_handler]
#[cfg(any())]
impl Nowhere {
    fn do_GET(&self) -> NoSuchType {}
}

fn main() {
    let _ = Nowhere;
    let verbs: Vec<_> = Hello.methods().iter().map(|it| it.name()).collect();
    assert_eq!(verbs, ["GET", "PATCH"]);
    assert_eq!(Hello.server_version(), "Hello/1.0");
}
