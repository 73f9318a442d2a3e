use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    #[method("GET")]
    const ANSWER: &str = "hello";

    fn do_GET(&self, _http: &mut Exchange) -> &str {
        Self::ANSWER
    }
}

fn main() {}
