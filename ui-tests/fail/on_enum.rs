use basehttp::http_handler;

#[http_handler]
pub(crate) enum Hello {}

fn main() {}
