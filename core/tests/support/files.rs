//! The files of a case.

use std::fs::{OpenOptions, Permissions, remove_dir_all, remove_file};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder that is gone when this is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tokenwell-{}-{number}", std::process::id()));
        std::fs::DirBuilder::new().mode(0o700).create(&path).expect("a folder for the files can be made");
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file that only its owner can read; `None`: takes it away.
    pub fn write(&self, name: &str, text: Option<&str>) {
        let path = self.path(name);
        match text {
            Some(text) => {
                let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
                file.and_then(|mut file| file.write_all(text.as_bytes())).expect("a file can be written");
            }
            None => remove_file(path).expect("a file can be removed"),
        }
    }

    /// Changes who may read a file.
    pub fn change_mode(&self, name: &str, octal: &str) {
        let mode = u32::from_str_radix(octal, 8).expect("a mode is an octal number");
        std::fs::set_permissions(self.path(name), Permissions::from_mode(mode)).expect("a mode can be changed");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = remove_dir_all(&self.0);
    }
}
