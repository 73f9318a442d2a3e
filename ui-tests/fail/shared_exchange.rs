use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, http: &Exchange) -> std::io::Result<()> {
        http.end_headers()
    }
}

fn main() {}
