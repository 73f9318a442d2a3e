use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_get(&self, _http: &mut Exchange) {}
    fn do_Post(&self, _http: &mut Exchange) {}
}

fn main() {}
