//! Forms: see `basehttp::__properties::multipart`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| basehttp::__properties::multipart(bytes));
