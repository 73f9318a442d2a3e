use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    #[method("A")]
    #[method("B")]
    fn a(&self, _http: &mut Exchange) {}
}

fn main() {}
