//! Who may use the folder of the file store: this user alone, or the users of the folder's group.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::random;

/// Whose the files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Rights {
    /// Of this user and of nobody else.
    Owner,
    /// Of every user of the folder's group. What they wrote without the credential, the seal finds out.
    Group,
}

impl Rights {
    /// The folder, if it may be used. One of this user is made where there is none; who makes one for a group knows the group.
    pub(super) fn folder(self, folder: &Path) -> io::Result<Metadata> {
        let about = match fs::symlink_metadata(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound && self == Rights::Owner => {
                let mut builder = DirBuilder::new();
                builder.recursive(true);
                #[cfg(unix)]
                std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
                builder.create(folder)?;
                fs::symlink_metadata(folder)?
            }
            about => about?,
        };
        if about.is_dir() && self.suits(&about) {
            return Ok(about);
        }
        Err(io::Error::other(match self {
            Rights::Owner => "it must be a folder of this user that no other can write to (chmod 700)",
            Rights::Group => {
                "it must be a folder of the group that gives its group to what is made in it (chgrp GROUP, chmod 2770)"
            }
        }))
    }

    /// Opens a file; follows no link and waits for no pipe. One that is made is its owner's alone for now.
    pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(
            std::os::unix::fs::OpenOptionsExt::mode(options, 0o600),
            libc::O_NOFOLLOW | libc::O_NONBLOCK,
        );
        options.open(path)
    }

    /// Makes a new file, which all may read whose it is; nothing is in it yet.
    pub(super) fn create(self, path: &Path) -> io::Result<File> {
        let file = Self::open(path, OpenOptions::new().write(true).create_new(true))?;
        // Not by the mode of the opening: the process's mask would take from it.
        #[cfg(unix)]
        if self == Rights::Group {
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o660))?;
        }
        Ok(file)
    }

    /// Opens the file of a lock, or makes it.
    pub(super) fn lock_file(self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        // FILE_SHARE_READ and FILE_SHARE_WRITE: while it is open nobody removes it.
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 3);
        if cfg!(windows) || self == Rights::Owner {
            return Self::open(path, options.create(true));
        }
        match Self::open(path, &mut options) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
        // Made aside, so that nobody of the group finds one that is not for him yet.
        let draft = path.with_extension(format!("lock.{:016x}", random::number()));
        let made = self.create(&draft).and_then(|_| fs::hard_link(&draft, path));
        let _ = fs::remove_file(&draft);
        match made {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Self::open(path, &mut options),
        }
    }
}

#[cfg(unix)]
impl Rights {
    fn suits(self, folder: &Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        match self {
            Rights::Owner => is_own(folder, 0o022),
            Rights::Group => folder.mode() & 0o2002 == 0o2000,
        }
    }

    /// Whether a file of this folder is one of those who may use it, and nobody else's to read.
    pub(super) fn trusts(self, file: &Metadata, folder: &Path) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        Ok(match self {
            Rights::Owner => is_own(file, 0o077),
            Rights::Group => file.gid() == self.folder(folder)?.gid() && file.mode() & 0o007 == 0,
        })
    }
}

#[cfg(unix)]
fn is_own(about: &Metadata, forbidden: u32) -> bool {
    use std::os::unix::fs::MetadataExt;
    about.uid() == rustix::process::geteuid().as_raw() && about.mode() & forbidden == 0
}

/// The folders of Windows hand their rights down: those of the user's profile, or what was given to a group.
#[cfg(not(unix))]
impl Rights {
    fn suits(self, _folder: &Metadata) -> bool {
        true
    }

    pub(super) fn trusts(self, _file: &Metadata, _folder: &Path) -> io::Result<bool> {
        Ok(true)
    }
}
