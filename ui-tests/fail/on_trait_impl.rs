use basehttp::http_handler;

struct Hello;

#[http_handler]
impl Clone for Hello {
    fn clone(&self) -> Hello {
        Hello
    }
}

fn main() {}
