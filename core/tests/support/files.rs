//! The files of a case.

use std::fs::{DirBuilder, OpenOptions, remove_dir_all, remove_file};
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder that is gone when this is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tokenwell-{}-{number}", std::process::id()));
        let builder = &mut DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
        builder.create(&path).expect("a folder for the files can be made");
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
                let mut options = OpenOptions::new();
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let file = options.write(true).create(true).truncate(true).open(path);
                file.and_then(|mut file| file.write_all(text.as_bytes())).expect("a file can be written");
            }
            None => remove_file(path).expect("a file can be removed"),
        }
    }

    /// Changes who may read a file.
    #[cfg(unix)]
    pub fn change_mode(&self, name: &str, octal: &str) {
        let mode = u32::from_str_radix(octal, 8).expect("a mode is an octal number");
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(self.path(name), permissions).expect("a mode can be changed");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = remove_dir_all(&self.0);
    }
}
