#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tokenwell::fuzzing::redis_answer(input));
