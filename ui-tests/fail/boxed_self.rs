use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(self: Box<Self>, _http: &mut Exchange) {}
}

fn main() {}
