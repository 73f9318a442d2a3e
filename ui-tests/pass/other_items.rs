//! Whatever else stands in the block is left alone.
use basehttp::{RequestHandler, http_handler};

#[derive(Default)]
struct Hello {
    count: u8,
}

type Bytes<const N: usize> = [u8; N];

macro_rules! more {
    ($name:ident) => {
        fn $name(&self) -> u8 {
            self.count
        }
    };
}

#[http_handler]
impl Hello {
    const LIMIT: usize = { 3 + 4 };
    const LIMITS: [usize; 1 + 1] = [Self::LIMIT; 2];

    fn do_GET(&self) {}

    pub fn new(count: u8) -> Self {
        Hello { count }
    }

    async fn later(self) {}
    const fn limit() -> usize {
        Self::LIMIT
    }
    unsafe fn danger(&mut self) {}
    extern "C" fn c() {}
    fn generic<T: Into<u8>>(&mut self, value: T) -> Bytes<{ 1 + 1 }> {
        self.count = value.into();
        [self.count; 2]
    }
    fn do_work(&self, _times: u8) {}
    fn do_backup(&self) {}
    fn do_get_user(self: Box<Self>) {}

    more!(count);
    more! { do_everything }
}

fn main() {
    let mut hello = Hello::new(1);
    hello.generic(2);
    hello.do_work(3);
    hello.do_backup();
    assert_eq!((hello.count(), hello.do_everything(), Hello::limit()), (2, 2, 7));
    assert_eq!(Hello::LIMITS.len(), 2);
    assert_eq!(hello.methods().len(), 1);
    let _later = Hello::default().later();
    Hello::c();
    unsafe { hello.danger() }
    Box::new(hello).do_get_user();
}
