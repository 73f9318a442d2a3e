use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    #[cfg_attr(all(), method("M-SEARCH"))]
    fn search(&self, _http: &mut Exchange) {}
}

fn main() {}
