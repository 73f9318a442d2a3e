use basehttp::{Multipart, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_POST(&self, _parts: Multipart) {}
}

fn main() {}
