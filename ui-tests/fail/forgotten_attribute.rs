use basehttp::{Exchange, RequestHandler};

struct Forgot;

impl Forgot {
    fn do_GET(&self, _http: &mut Exchange) {}
}

fn serve(_handler: impl RequestHandler) {}

fn main() {
    serve(Forgot);
}
