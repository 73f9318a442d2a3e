use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(_http: &mut Exchange) -> &str {
        self.text()
    }

    fn text(&self) -> &str {
        "hello"
    }
}

fn main() {}
