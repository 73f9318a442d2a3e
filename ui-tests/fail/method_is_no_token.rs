use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    #[method("TWO WORDS")]
    fn two(&self, _http: &mut Exchange) {}

    #[method("")]
    fn none(&self) {}
}

fn main() {}
