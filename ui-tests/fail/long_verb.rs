use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567(&self, _http: &mut Exchange) {}
}

fn main() {}
