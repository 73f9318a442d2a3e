//! The macro outside the compiler: tokens in, tokens out.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

use crate::expand;

/// Blocks that are handlers, each with a part of what is made of it.
#[test]
fn blocks_are_expanded() {
    for (block, expected) in [
        (
            "impl Hello { fn do_GET(&self) {} }",
            r#"impl ::basehttp::__private::RequestHandler for Hello {"#,
        ),
        (
            "impl<'a, T: X> Hello<'a, T> where T: Y { fn do_GET(&self) {} }",
            r#"impl<'a, T: X> ::basehttp::__private::RequestHandler for Hello<'a, T> where T: Y {"#,
        ),
        (
            "impl Hello { fn do_GET(&self) {} #[cfg(a)] fn do_PUT(&self) {} }",
            r#"const { &[::basehttp::__private::MethodInfo::new("GET"),
               #[cfg(a)] ::basehttp::__private::MethodInfo::new("PUT")] }"#,
        ),
        (
            "impl Hello { /** a */ #[cfg(a)] fn do_GET(&self, http: &mut Exchange) {} }",
            r#"#[cfg(a)] "GET" => { let __exchange = &mut *__http;
               let __value = Self::do_GET(self, &mut *__exchange);"#,
        ),
        (
            "impl Hello { fn do_PUT(&self, a: A<'_>, http: &mut Exchange, (b, _): B) {} }",
            r#"let __handler = self;
               let __argument_1 = ::basehttp::__private::FromRequestWith::from_request_with(__http, &*__handler)?;
               let __handler = self;
               let __argument_3 = ::basehttp::__private::FromRequestWith::from_request_with(__http, &*__handler)?;
               let __exchange = &mut *__http;
               let __value = Self::do_PUT(self, __argument_1, &mut *__exchange, __argument_3);"#,
        ),
        (
            "impl Hello { /** a */ fn do_GET(&self) {} }",
            "#[allow(non_snake_case)] #[doc = \" a \"] fn do_GET(&self) {}",
        ),
        (
            "#[cfg(a)] #[doc = \"b\"] impl Hello { fn do_GET(&self) {} }",
            "#[cfg(a)] impl ::basehttp::__private::RequestHandler for Hello",
        ),
        (
            "impl Hello { #[method(\"M-SEARCH\")] fn search(&self) {} }",
            r#""M-SEARCH" => { let __value = Self::search(self,);"#,
        ),
        (
            "impl Hello { fn do_GET(&self) {} const SERVER_VERSION: &'static str = \"\"; }",
            "fn server_version(&self) -> &'static str { Self::SERVER_VERSION }",
        ),
        (
            "impl Hello { fn do_GET(&self) {} fn log_message<'a>(&self, x: X<'a>, y: Y) -> Z {} }",
            r#"fn log_message<'a>(&self, __argument_1: X<'a>, __argument_2: Y) -> Z {
               let __value = Self::log_message(self, __argument_1, __argument_2);"#,
        ),
        ("impl Hello { handlers! { GET } }", "const { &[] }"),
    ] {
        let code = http_handler("", block);
        assert_eq!(messages(&code), [""; 0], "{block}");
        assert!(squeezed(&code).contains(&squeezed(expected)), "{block}: {code}");
    }
}

#[test]
fn all_names_come_from_the_given_crate() {
    let code = squeezed(http_handler("crate = a::web", "impl Hello { fn do_GET(&self) {} }"));
    assert!(code.contains("a::web::__private::answer"), "{code}");
    assert!(!code.contains("basehttp"), "{code}");
}

/// What is wrong with a block, all of it in the order of the source.
#[test]
fn every_mistake_is_reported() {
    for (block, expected) in [
        ("impl Hello { async unsafe fn do_GET(self) {} }", &["async", "unsafe", "`self`"][..]),
        ("impl Hello { fn do_get(&self) {} fn do_PUT() {} }", &["`do_GET`", "`&self`"]),
        (
            "impl Hello { fn do_GET(&self, a: &Exchange, b: &mut B, c: &mut C) {} }",
            &["&mut", "one"],
        ),
        ("impl Hello {}", &["no `do_` method"]),
        ("impl Hello { fn log_message(&self) {} }", &["fn log_message(&self, http"]),
        ("impl Hello { #[method] const A: u8 = 1; fn do_GET(&self) {} }", &["above a method"]),
        ("impl Hello { fn do_GET(&self, http: ) {} }", &["cannot be read"]),
        ("impl Hello { fn do_GET(&self) {} fn do_GET(&self) {} }", &["another method for GET"]),
        ("impl Hello { #[cfg(a)] fn do_GET(&self) {} fn do_GET(&self) {} }", &[]),
        ("impl Clone for Hello {}", &["implementation of a trait"]),
        ("struct Hello;", &["above the type itself"]),
        ("impl Hello", &["expected"]),
        ("", &["expected"]),
    ] {
        let code = http_handler("", block);
        let messages = messages(&code);
        assert_eq!(messages.len(), expected.len(), "{block}: {messages:?}");
        for (message, part) in messages.iter().zip(expected) {
            assert!(message.contains(part), "{block}: {message}");
        }
    }
}

/// What a user has written so far is given back, so that editors can go on from there.
#[test]
fn half_written_methods_are_given_back() {
    for method in [
        "fn do_GET(&self, http: &mut Exchange) { self. }",
        "fn do_GET(&self, http: &mut Exchange) { http.path. }",
        "fn do_GET(&self, http: &mut Exchange) { let x = ; }",
        "fn do_GET(&self, http: &mut Exchange) { if { } else match }",
        "fn do_GET(&self, http: &mut Exchange) { @ # $ }",
        "fn do_GET(&self, http: &mut ) { http. }",
        "fn do_GET(&self, ) -> { 1 + }",
        "fn do_GET(&self);",
        "fn do_GET",
        "fn do_",
        "fn",
        "pub",
        "do_GET",
        "async fn do_GET(&self) { x.await. }",
        "fn do_get() { self. }",
        "const SERVER_VERSION: &str = ;",
        "const SERVER_VERSION",
    ] {
        let before = "fn do_POST(&self) { one() }";
        let code = http_handler("", &format!("impl Hello {{ {before} {method} }}"));
        let code = squeezed(&code);
        assert!(code.contains("fndo_POST(&self){one()}"), "{method}: {code}");
        assert!(code.contains("RequestHandlerforHello"), "{method}: {code}");
        let body = method.split_once(['{', '=']).map_or(method, |(_, body)| body);
        let body = squeezed(body.trim_end_matches('}'));
        assert!(code.contains(&body), "{method}: {code}");
    }
}

/// No tokens whatsoever make the macro panic, and none of the methods gets lost.
#[test]
fn nonsense_is_survived() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..5_000 {
        let mut item: Vec<TokenTree> = quote!(impl<T> Hello<T> where T: X).into_iter().collect();
        let body: TokenStream = (0..random.below(24)).map(|_| random.piece()).collect();
        item.push(Group::new(Delimiter::Brace, body.clone()).into());
        if round % 4 == 0 {
            let from = random.below(item.len());
            item.swap(from, 0);
        }
        let item: TokenStream = item.into_iter().collect();
        let arguments = (0..random.below(3)).map(|_| random.piece()).collect();
        let code = expand(arguments, item.clone()).to_string();
        for name in names(body) {
            assert!(code.contains(&name), "{name} of {item} is not in {code}");
        }
    }
}

/// Numbers that are the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn piece(&mut self) -> TokenStream {
        let piece = PIECES[self.below(PIECES.len())];
        tokens(&piece.replace("$name", &format!("do_{}", "GETSP".split_at(self.below(6)).0)))
    }
}

const PIECES: [&str; 30] = [
    "fn $name(&self) {}",
    "fn $name(&self, http: &mut Exchange) -> A<B> {}",
    "async fn $name(http: Exchange) -> impl X { a.await }",
    "fn log_message(&self, a: A, b: B) {}",
    "const SERVER_VERSION: &str = 1;",
    "fn",
    "$name",
    "(&self)",
    "(&mut self, http: &mut Exchange, ...)",
    "{}",
    ";",
    "#",
    "#[method(\"A\")]",
    "#[method]",
    "#[cfg_attr(a, cfg(b), method(\"A\"))]",
    "#[cfg_attr]",
    "#[cfg(a)]",
    "#![allow(a)]",
    "->",
    "<",
    ">",
    "<'a, T: X, const N: u8>",
    "where T: X",
    "=",
    "crate",
    "const",
    "pub",
    "mac! {}",
    "\"text\"",
    "'a",
];

fn names(tokens: TokenStream) -> Vec<String> {
    let words = tokens.into_iter().filter_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    });
    words.filter(|word| word.starts_with("do_")).collect()
}

fn http_handler(arguments: &str, item: &str) -> TokenStream {
    expand(tokens(arguments), tokens(item))
}

fn tokens(text: &str) -> TokenStream {
    TokenStream::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The text without any space, since tokens come with spaces of their own.
fn squeezed(text: impl ToString) -> String {
    text.to_string().split_whitespace().collect()
}

/// The texts of all `compile_error!`s.
fn messages(code: &TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = code.clone().into_iter().collect();
    let calls = tokens.windows(3).filter(|tokens| tokens[0].to_string() == "compile_error");
    calls.map(|tokens| tokens[2].to_string()).collect()
}
