use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    unsafe fn do_GET(&self, _http: &mut Exchange) {}
}

fn main() {}
