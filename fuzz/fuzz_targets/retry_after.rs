#![no_main]

libfuzzer_sys::fuzz_target!(|headers: [Vec<u8>; 4]| {
    let [wait, date, reset, quota] = &headers;
    tokenwell::fuzzing::retry_after(wait, date, reset, quota);
});
