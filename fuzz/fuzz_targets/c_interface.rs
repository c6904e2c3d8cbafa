//! Scripts of calls of the C interface. Inputs change as scripts do: by whole calls, of which the corpus has one of each kind, and
//! inside one call's argument.
#![no_main]
#![allow(dead_code)] // what no script calls

#[path = "../../bindings-c/src/boundary.rs"]
mod boundary;
#[path = "../../bindings-c/tests/fuzz/calls.rs"]
mod calls;
#[path = "../../bindings-c/src/client.rs"]
mod client;
#[path = "../../bindings-c/src/error.rs"]
mod error;
#[path = "../../bindings-c/src/handle.rs"]
mod handle;
#[path = "../../bindings-c/src/token.rs"]
mod token;

/// Calls that are put in.
const KNOWN: [&[u8]; 4] = [
    include_bytes!("../corpus/c_interface/life"),
    include_bytes!("../corpus/c_interface/proofs"),
    include_bytes!("../corpus/c_interface/sources"),
    include_bytes!("../corpus/c_interface/tokens"),
];

libfuzzer_sys::fuzz_target!(|script: &[u8]| calls::play(script));

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let seed = seed as usize;
    let mut calls: Vec<Vec<u8>> = data[..size].split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (at, other) = ((seed >> 3) % calls.len(), (seed >> 16) % calls.len());
    match seed % 8 {
        0 => drop(calls.remove(at)),
        1 => calls.swap(at, other),
        2 => calls.insert(at, calls[other].clone()),
        3 | 4 => {
            let known: Vec<&[u8]> = KNOWN.iter().flat_map(|script| script.split(|byte| *byte == b'\n')).collect();
            calls.insert(at, known[(seed >> 16) % known.len()].to_vec());
        }
        _ => {
            let call = &mut calls[at];
            let name = call.iter().position(|byte| *byte == b' ').map_or(call.len(), |space| space + 1);
            let mut argument = call.split_off(name);
            let length = argument.len();
            argument.resize(length + 64, 0);
            let length = libfuzzer_sys::fuzzer_mutate(&mut argument, length, length + 64);
            call.extend(&argument[..length]);
        }
    }
    let script = calls.join(&b'\n');
    let size = script.len().min(max_size);
    data[..size].copy_from_slice(&script[..size]);
    size
});
