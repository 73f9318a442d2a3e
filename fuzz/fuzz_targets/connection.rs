//! Whole conversations: see `basehttp::__properties::connection`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| basehttp::__properties::connection(bytes));
