use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _http: &mut Exchange) {}

    const SERVER_VERSION: u8 = 1;
    const PROTOCOL_VERSION: &str = "HTTP/1.1";
}

fn main() {}
