//! `Exchange` by any name.
use basehttp::{Exchange as Conversation, IntoResponse, RequestHandler, http_handler};

type Http<'a> = basehttp::Exchange<'a>;

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _: &mut Conversation) {}
    fn do_POST(&self, _: &mut Http<'_>) {}
    fn do_PUT(&self, Http { path: _path, .. }: &mut Http) {}
    fn do_PATCH(&self, _http: &mut Conversation) -> impl IntoResponse + use<> {}
    fn do_DELETE(&self) -> impl IntoResponse {
        "deleted"
    }
}

fn main() {
    assert_eq!(Hello.methods().len(), 5);
}
