use basehttp::{Form, http_handler};

struct Login {
    name: String,
}

struct Hello;

#[http_handler]
impl Hello {
    fn do_POST(&self, login: Form<Login>) -> String {
        login.0.name
    }
}

fn main() {}
