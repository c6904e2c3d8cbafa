//! The file store of a group (F31, F34), with real users: only root can be somebody else.

#![cfg(unix)]
#![allow(clippy::unwrap_used)] // in helpers of tests

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tokenwell::{Client, Config};
use tokenwell_dev_server::{DevServer, Options};

/// Names the options of a process that is another user's.
const ANOTHER: &str = "TOKENWELL_TEST_ANOTHER_USER";
/// Users and groups of the system need no names.
const ALICE: u32 = 61_001;
const BOB: u32 = 61_002;
const GROUP: u32 = 61_003;
const OTHERS: u32 = 61_004;

/// This program once more: it gets a token, under a mask that keeps everything to its user, and says where that came from.
#[test]
fn another_user() {
    let Ok(options) = std::env::var(ANOTHER) else { return };
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let client = Client::new(Config::from_json(options.as_bytes()).unwrap()).unwrap();
    let token = client.blocking().access_token().unwrap();
    println!("\nsaid: {}", json!([token.source().as_str(), token.value(), client.stats().store_errors]));
}

/// A server and a folder of the group, with this program where every user can run it.
struct Place {
    server: DevServer,
    folder: PathBuf,
}

impl Place {
    fn new(name: &str) -> Option<Place> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can be two other users");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("tokenwell-group-{name}-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        fs::copy(std::env::current_exe().unwrap(), folder.join("program")).unwrap();
        fs::create_dir(folder.join("store")).unwrap();
        let place = Place { server: DevServer::start(Options::default()).unwrap(), folder };
        chown(place.store(), Some(0), Some(GROUP)).unwrap();
        place.mode(0o2770);
        Some(place)
    }

    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    fn mode(&self, mode: u32) {
        fs::set_permissions(self.store(), Permissions::from_mode(mode)).unwrap();
    }

    /// What a process of this user says: the token's source, the token, the errors of the store.
    fn asks(&self, user: u32, group: u32, cache: &Value) -> (String, String, u64) {
        let info = self.server.info();
        let options = json!({
            "token_endpoint": info.token_endpoint, "client_id": info.client_id, "client_secret": info.client_secret,
            "cache": cache,
        });
        let mut command = Command::new(self.folder.join("program"));
        command.args(["--exact", "another_user", "--nocapture"]).env(ANOTHER, options.to_string());
        let output = command.current_dir("/").uid(user).gid(group).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("said: "));
        serde_json::from_str(line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr))))
            .unwrap()
    }

    fn shared(&self) -> Value {
        json!({"file": self.store(), "group": true})
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect()
}

#[test]
fn f34_users_of_one_group_share_a_token_if_they_ask_for_it() {
    let Some(place) = Place::new("shared") else { return };
    let first = place.asks(ALICE, GROUP, &place.shared());
    assert_eq!((first.0.as_str(), first.2), ("network", 0));
    for file in files(&place.store()) {
        let about = fs::metadata(&file).unwrap();
        assert_eq!((about.mode() & 0o7777, about.uid(), about.gid()), (0o660, ALICE, GROUP), "{}", file.display());
    }
    let second = place.asks(BOB, GROUP, &place.shared());
    assert_eq!((second.0.as_str(), &second.1, second.2), ("file", &first.1, 0));
    // The lock and the entry are replaced by each of them.
    fs::remove_file(files(&place.store()).into_iter().find(|path| path.extension().is_none()).unwrap()).unwrap();
    let third = place.asks(BOB, GROUP, &place.shared());
    assert_eq!((third.0.as_str(), third.2), ("network", 0));
    let fourth = place.asks(ALICE, GROUP, &place.shared());
    assert_eq!((fourth.0.as_str(), &fourth.1, fourth.2), ("file", &third.1, 0));
}

#[test]
fn f31_a_user_who_does_not_ask_for_it_takes_nothing_of_another() {
    let Some(place) = Place::new("alone") else { return };
    let first = place.asks(ALICE, GROUP, &place.shared());
    let second = place.asks(BOB, GROUP, &json!({"file": place.store()}));
    assert_eq!(second.0, "network");
    assert!(second.1 != first.1 && second.2 > 0);
    let third = place.asks(BOB, OTHERS, &place.shared());
    assert_eq!(third.0, "network", "not of the group");
    assert!(third.2 > 0);
}

#[test]
fn f31_a_groups_folder_and_entry_that_everybody_could_touch_are_not_used() {
    let Some(place) = Place::new("open") else { return };
    let first = place.asks(ALICE, GROUP, &place.shared());
    let entry = files(&place.store()).into_iter().find(|path| path.extension().is_none()).unwrap();
    type Spoil = fn(&Place, &Path);
    let spoils: [(&str, Spoil); 4] = [
        ("readable by everybody", |_, entry| fs::set_permissions(entry, Permissions::from_mode(0o664)).unwrap()),
        ("of another group", |_, entry| chown(entry, None, Some(OTHERS)).unwrap()),
        ("everybody's folder", |place, _| place.mode(0o2777)),
        ("a folder that does not give its group", |place, _| place.mode(0o770)),
    ];
    for (name, spoil) in spoils {
        let (content, times) = (fs::read(&entry).unwrap(), fs::metadata(&entry).unwrap().modified().unwrap());
        spoil(&place, &entry);
        let second = place.asks(BOB, GROUP, &place.shared());
        assert_eq!((second.0.as_str(), second.1 == first.1), ("network", false), "{name}");
        assert!(second.2 > 0, "{name}");
        place.mode(0o2770);
        fs::remove_file(&entry).unwrap();
        fs::write(&entry, content).unwrap();
        chown(&entry, Some(ALICE), Some(GROUP)).unwrap();
        fs::set_permissions(&entry, Permissions::from_mode(0o660)).unwrap();
        fs::File::open(&entry).unwrap().set_modified(times).unwrap();
        let again = place.asks(BOB, GROUP, &place.shared());
        assert_eq!((again.0.as_str(), &again.1, again.2), ("file", &first.1, 0), "as it was, after {name}");
    }
}
