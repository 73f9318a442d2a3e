use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET_user(&self, _http: &mut Exchange) {}
}

fn main() {}
