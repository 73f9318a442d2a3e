use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET<T: Default, const N: usize>(&self, _http: &mut Exchange) -> [T; N] {
        std::array::from_fn(|_| T::default())
    }
}

fn main() {}
