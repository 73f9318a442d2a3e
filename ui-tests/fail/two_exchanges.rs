use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _a: &mut Exchange, _b: &mut Exchange) {}
}

fn main() {}
