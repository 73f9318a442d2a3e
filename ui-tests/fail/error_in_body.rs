use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, http: &mut Exchange) {
        let x = ;
        http.
    }
    fn do_POST(&self) -> &str {
        5
    }
}

fn main() {}
