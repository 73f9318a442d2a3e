use basehttp::{Exchange, http_handler};

#[http_handler]
pub trait Hello {
    fn do_GET(&self, _http: &mut Exchange) {}
}

fn main() {}
