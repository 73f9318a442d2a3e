use basehttp::{Exchange, FromRequestWith, Result, http_handler};

struct Shop;

struct User;

impl<'a> FromRequestWith<'a, Shop> for User {
    fn from_request_with(_: &mut Exchange<'a>, _: &Shop) -> Result<Self> {
        Ok(User)
    }
}

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, _user: User) {}
}

fn main() {}
