use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _http: &mut Exchange) {}

    fn log_message(&self, _http: &Exchange, _m: &str) {}
}

fn main() {}
