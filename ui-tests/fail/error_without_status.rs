use basehttp::{Exchange, http_handler};

struct Hello;

pub struct Sad;

#[http_handler]
impl Hello {
    fn do_GET(&self, _http: &mut Exchange) -> Result<String, Sad> {
        Err(Sad)
    }
}

fn main() {}
