use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _http: &mut Exchange) {}

    fn verify_request(&self, _peer: &basehttp::PeerAddress) {}
}

fn main() {}
