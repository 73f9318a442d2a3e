//! Forms: see `basehttp::__properties::urlencoded`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| basehttp::__properties::urlencoded(bytes));
