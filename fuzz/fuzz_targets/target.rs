//! Request targets: see `basehttp::__properties::target`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| basehttp::__properties::target(bytes));
