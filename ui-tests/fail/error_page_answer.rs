use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _http: &mut Exchange) {}

    fn error_page(&self, _http: &Exchange, _error: &basehttp::HttpError) -> Hello {
        Hello
    }
}

fn main() {}
