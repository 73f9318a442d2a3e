use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    const fn do_GET(&self, http: &mut Exchange) {
        println!("{}", http.path);
    }
}

fn main() {}
