//! Heads: see `basehttp::__properties::head`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| basehttp::__properties::head(bytes));
