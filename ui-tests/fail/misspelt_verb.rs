use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GTE(&self, _http: &mut Exchange) {}
    fn do_POTS(&self, _http: &mut Exchange) {}
    fn do_M_SEARCH(&self, _http: &mut Exchange) {}
}

fn main() {}
