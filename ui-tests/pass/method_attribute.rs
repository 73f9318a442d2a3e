//! Verbs that are no identifiers, or not in capitals.
use basehttp::{Exchange, RequestHandler, http_handler};

struct Device;

#[http_handler]
impl Device {
    #[method("M-SEARCH")]
    fn search(&self) {}

    #[method("get")]
    fn do_get(&self, _http: &mut Exchange) {}

    #[method("GTE")]
    fn do_GTE(&self) {}

    /// The attribute wins over the name.
    #[method("NOTIFY")]
    fn do_HEAD(&self) {}

    #[cfg(any())]
    #[method("NO-THING")]
    fn nothing(&self) {}

    fn r#do_PURGE(&self) {}
}

fn main() {
    let verbs: Vec<_> = Device.methods().iter().map(|it| it.name()).collect();
    assert_eq!(verbs, ["M-SEARCH", "get", "GTE", "NOTIFY", "PURGE"]);
}
