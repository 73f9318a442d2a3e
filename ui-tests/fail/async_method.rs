use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    async fn do_GET(&self, http: &mut Exchange) -> std::io::Result<()> {
        http.end_headers()?;
        std::future::ready(Ok(())).await
    }
}

fn main() {}
