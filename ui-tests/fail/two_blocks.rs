use basehttp::http_handler;

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self) {}
}

#[http_handler]
impl Hello {
    fn do_POST(&self) {}
}

fn main() {}
