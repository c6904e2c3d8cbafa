#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| tokenwell::fuzzing::key(text));
