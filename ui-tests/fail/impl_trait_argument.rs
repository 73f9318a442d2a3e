use basehttp::http_handler;

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _http: impl std::io::Write) {}
    fn do_POST(&self, _http: &mut impl std::io::Write) {}
}

fn main() {}
