use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _http: &mut Exchange) {}
    fn do_GET(&self) {}

    #[method("GET")]
    fn get(&self) {}

    const SYS_VERSION: &str = "a";
    const SYS_VERSION: &str = "b";
}

fn main() {}
