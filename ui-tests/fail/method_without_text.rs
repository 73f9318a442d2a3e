use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    #[method]
    fn search(&self, _http: &mut Exchange) {}

    #[method = "NOTIFY"]
    fn notify(&self) {}

    #[method(POST)]
    fn post(&self) {}
}

fn main() {}
