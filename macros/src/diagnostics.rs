//! Collects problems, so that one compile reports all of them.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// The mistakes found so far, in the order in which they were found.
#[derive(Default)]
pub(crate) struct Problems(Vec<Error>);

impl Problems {
    /// Remembers that the tokens `at` are wrong, and what to write instead.
    pub(crate) fn report(&mut self, at: impl ToTokens, message: impl Display) {
        self.add(mistake(at, message));
    }

    pub(crate) fn add(&mut self, error: Error) {
        self.0.push(error);
    }

    /// One `compile_error!` per mistake, each at its own place.
    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.iter().map(Error::to_compile_error).collect()
    }
}

impl Extend<Error> for Problems {
    fn extend<I: IntoIterator<Item = Error>>(&mut self, errors: I) {
        self.0.extend(errors);
    }
}

/// An error that underlines all of `at`, from its first token to its last.
pub(crate) fn mistake(at: impl ToTokens, message: impl Display) -> Error {
    Error::new_spanned(at, message)
}
