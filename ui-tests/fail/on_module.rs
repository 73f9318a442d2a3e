use basehttp::http_handler;

#[http_handler]
mod hello {}

fn main() {}
