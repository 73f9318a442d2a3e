use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _http: &mut Exchange) {}

    pub fn log_mesage(&self) {}
    pub const SERVER_VERION: &str = "Hello/1.0";
}

fn main() {}
