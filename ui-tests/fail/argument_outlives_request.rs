use basehttp::{Headers, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _headers: Headers<'static>) {}
}

fn main() {}
