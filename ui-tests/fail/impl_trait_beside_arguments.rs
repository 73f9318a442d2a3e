use basehttp::{Exchange, FieldStorage, IntoResponse, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_POST(&self, _form: FieldStorage, _http: &mut Exchange) -> impl IntoResponse {
        "hello"
    }
}

fn main() {}
