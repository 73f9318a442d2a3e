use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&mut self, _http: &mut Exchange) {}
    fn do_POST(self: &mut Self, _http: &mut Exchange) {}
}

fn main() {}
