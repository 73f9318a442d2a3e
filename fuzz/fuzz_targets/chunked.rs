//! Chunked bodies: see `basehttp::__properties::chunked`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| basehttp::__properties::chunked(bytes));
