//! Where the attribute may stand: above an `impl` block, and nowhere else.

use proc_macro2::{Ident, TokenStream, TokenTree};

/// The keyword of an item that is no `impl` block, and what to do about it.
pub(crate) fn misplaced(item: &TokenStream) -> Option<(Ident, String)> {
    let keyword = keyword(item)?;
    let what = match keyword.to_string().as_str() {
        "impl" => return None,
        "fn" => "one function: put the function into the block",
        "struct" | "enum" | "union" | "type" => "the type itself",
        "trait" => "a trait",
        "mod" => "a module",
        _ => "this item",
    };
    let message = format!(
        "`#[http_handler]` belongs above the `impl` block with the `do_` methods, not above {what}"
    );
    Some((keyword, message))
}

/// The word that says what kind of item this is.
fn keyword(item: &TokenStream) -> Option<Ident> {
    let mut words = item.clone().into_iter().filter_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    });
    words.find(|word| KEYWORDS.iter().any(|keyword| word == keyword))
}

/// `const`, `unsafe` and `extern` may stand before these, and say nothing by themselves.
const KEYWORDS: [&str; 10] =
    ["impl", "fn", "struct", "enum", "union", "type", "trait", "mod", "static", "use"];

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn only_an_impl_block_is_a_place() {
        for (item, at) in [
            (quote!(impl Hello {}), None),
            (quote!(#[cfg(unix)] unsafe impl<T: Fn()> Hello<T> {}), None),
            (
                quote!(
                    fn do_GET() {}
                ),
                Some("fn"),
            ),
            (
                quote!(
                    pub(crate) const unsafe extern "C" fn f() {
                        struct S;
                    }
                ),
                Some("fn"),
            ),
            (
                quote!(
                    pub struct Hello;
                ),
                Some("struct"),
            ),
            (
                quote!(
                    enum Hello {}
                ),
                Some("enum"),
            ),
            (
                quote!(
                    pub trait Hello {
                        fn f();
                    }
                ),
                Some("trait"),
            ),
            (
                quote!(
                    mod hello {
                        impl Hello {}
                    }
                ),
                Some("mod"),
            ),
            (quote!(), None),
            (quote!(1 + 2), None),
        ] {
            let keyword = misplaced(&item).map(|(keyword, _)| keyword.to_string());
            assert_eq!(keyword.as_deref(), at, "{item}");
        }
    }
}
