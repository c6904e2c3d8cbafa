//! The checked-in headers are what cbindgen makes of the source now. `UPDATE_HEADER=1` rewrites them.

use std::path::Path;

/// For PHP, a handle is a number: an object of FFI would take more memory than the client.
fn with_numbers(header: &str) -> String {
    ["client", "token", "error"].iter().fold(header.to_owned(), |header, name| {
        let handle = format!("tokenwell_{name} *");
        header.replace(&format!("const {handle}"), "uintptr_t ").replace(&handle, "uintptr_t ")
    })
}

/// PHP's FFI reads these two lines only at the very top of a header (`ffi.preload`).
const PHP_LINES: &str = "#define FFI_SCOPE \"tokenwell\"\n#define FFI_LIB \"libtokenwell.so.0\"\n";

fn generated() -> String {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(crate_dir.join("cbindgen.toml")).expect("cbindgen.toml");
    let bindings = cbindgen::Builder::new().with_crate(crate_dir).with_config(config).generate().expect("bindings");
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).expect("UTF-8")
}

fn check(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(&path, expected).expect("header is written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is not what cbindgen generates; run UPDATE_HEADER=1 cargo test -p tokenwell-c --test header",
        path.display()
    );
}

#[test]
fn the_headers_are_up_to_date() {
    let header = generated();
    check("include/tokenwell.h", &header);
    check("php/include/tokenwell.h", &format!("{PHP_LINES}{}", with_numbers(&header)));
}
