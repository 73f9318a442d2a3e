use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    pub fn get(&self, _http: &mut Exchange) {}
}

fn main() {}
