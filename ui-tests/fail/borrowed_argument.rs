use basehttp::{FieldStorage, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_POST(&self, _form: &FieldStorage) {}
    fn do_GET(&self, _name: &str) {}
}

fn main() {}
