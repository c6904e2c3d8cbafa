//! The corpus of the fuzz target `c_interface` (folder fuzz), played without a fuzzer.
#![allow(unsafe_code, reason = "calls the C interface as C does; each use says why it is sound")]
#![allow(dead_code, reason = "the interface has more functions than a script calls")]
#![allow(clippy::missing_safety_doc, reason = "the rules for pointers stand at the top of the header")]

use std::path::Path;

#[path = "../src/boundary.rs"]
mod boundary;
#[path = "fuzz/calls.rs"]
mod calls;
#[path = "../src/client.rs"]
mod client;
#[path = "../src/error.rs"]
mod error;
#[path = "../src/handle.rs"]
mod handle;
#[path = "../src/token.rs"]
mod token;

#[test]
fn every_script_of_the_corpus_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/c_interface");
    let mut scripts = 0;
    for file in std::fs::read_dir(folder).expect("the corpus is there").flatten() {
        println!("{}", file.path().display());
        calls::play(&std::fs::read(file.path()).expect("a script can be read"));
        scripts += 1;
    }
    assert!(scripts >= 5, "{scripts} scripts");
}
