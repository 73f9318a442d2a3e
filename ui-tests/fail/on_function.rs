use basehttp::{Exchange, http_handler};

#[http_handler]
fn do_GET(_http: &mut Exchange) {}

fn main() {}
