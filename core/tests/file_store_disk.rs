//! F30: the file store on a disk that is full, and on one that is read-only. A program of its own, whose thread mounts a small disk
//! that nobody else sees.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // in helpers of tests

use std::ffi::CString;
use std::fs;
use std::path::Path;

use serde_json::json;
use tokenwell::{Client, Config};
use tokenwell_dev_server::{DevServer, Options};

/// Mounts a disk of one page; `flags` as of mount(2).
#[allow(unsafe_code)] // mount(2) has no safe form; the strings live until it returns
fn mount(folder: &Path, flags: u64) -> bool {
    let folder = CString::new(folder.to_str().unwrap()).unwrap();
    let options = c"size=4096,mode=700".as_ptr().cast();
    unsafe { libc::mount(c"none".as_ptr(), folder.as_ptr(), c"tmpfs".as_ptr(), flags, options) == 0 }
}

#[allow(unsafe_code)] // umount2(2) has no safe form; the string lives until it returns
fn unmount(folder: &Path) {
    let name = CString::new(folder.to_str().unwrap()).unwrap();
    unsafe { libc::umount2(name.as_ptr(), libc::MNT_DETACH) };
    fs::remove_dir(folder).unwrap();
}

/// Whether this thread, and those that it starts, may have mounts of their own.
#[allow(unsafe_code)] // unshare(2) and mount(2) have no safe form; they change this thread's mounts alone
fn has_own_mounts() -> bool {
    let nothing = std::ptr::null();
    unsafe {
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(nothing, c"/".as_ptr(), nothing, libc::MS_REC | libc::MS_PRIVATE, nothing.cast()) == 0
    }
}

#[test]
fn f30_a_full_disk_and_a_read_only_one_are_a_miss_and_a_counter() {
    if !has_own_mounts() {
        eprintln!("not tested: only root may mount a disk");
        return;
    }
    let server = DevServer::start(Options::default()).unwrap();
    let folder = std::env::temp_dir().join(format!("tokenwell-disk-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    assert!(mount(&folder, 0));
    let ask = |scope: &str| {
        let options = json!({
            "token_endpoint": server.info().token_endpoint, "client_id": server.info().client_id,
            "client_secret": server.info().client_secret, "scope": scope, "cache": {"file": folder},
        });
        let client = Client::new(Config::from_value(options).unwrap()).unwrap();
        let token = client.blocking().access_token().unwrap();
        (token.source().as_str(), client.stats().store_errors)
    };
    fs::write(folder.join("all there is"), [0; 4096]).unwrap();
    assert_eq!(ask("full"), ("network", 1));
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "all there is" || name.to_str().unwrap().ends_with(".lock")), "{left:?}");
    fs::remove_file(folder.join("all there is")).unwrap();
    assert_eq!(ask("room"), ("network", 0));
    assert!(mount(&folder, libc::MS_REMOUNT | libc::MS_RDONLY));
    assert_eq!(ask("read-only"), ("network", 1));
    unmount(&folder);
}
