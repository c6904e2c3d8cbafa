#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tokenwell::fuzzing::sealed_entry(bytes));
