#![no_main]

libfuzzer_sys::fuzz_target!(|answer: (u16, Vec<u8>)| tokenwell::fuzzing::response(answer.0, &answer.1));
