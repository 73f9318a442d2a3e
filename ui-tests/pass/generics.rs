//! Type parameters, constants and bounds of the user's type.
use basehttp::{Exchange, IntoResponse, RequestHandler, http_handler};

struct Says<T, const TIMES: usize>(T);

#[http_handler]
impl<T, const TIMES: usize> Says<T, TIMES>
where
    T: Clone + IntoResponse,
{
    fn do_GET(&self) -> T {
        let _times = TIMES;
        self.0.clone()
    }

    fn do_POST(&self, _http: &mut Exchange) -> T {
        self.0.clone()
    }
}

fn main() {
    let verbs: Vec<_> = Says::<_, 3>("hello").methods().iter().map(|it| it.name()).collect();
    assert_eq!(verbs, ["GET", "POST"]);
}
