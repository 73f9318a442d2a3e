use basehttp::http_handler;

struct Hello;

#[http_handler(server_version = "Hello/1.0")]
impl Hello {
    fn do_GET(&self) {}
}

fn main() {}
