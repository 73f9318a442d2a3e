use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _http: &mut Exchange) {}

    fn handle_expect_100(&self, _http: &mut Exchange) -> bool {
        true
    }
}

fn main() {}
