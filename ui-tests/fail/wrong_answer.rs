use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _http: &mut Exchange) -> Option<Hello> {
        None
    }
}

fn main() {}
