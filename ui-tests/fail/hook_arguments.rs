use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _http: &mut Exchange) {}

    pub fn log_request(&self, _http: &Exchange) {}
}

fn main() {}
