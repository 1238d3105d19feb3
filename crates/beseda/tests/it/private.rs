//! Folders with conversations and keys: nobody but their owner can read them, whatever the umask and whatever was there.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{program::beseda, service::StandIn};

/// The program with a umask; asked to end when dropped.
struct Running {
    child: Child,
    told: Value,
}

impl Running {
    fn start(umask: &str, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new("sh");
        command.env_clear().envs(environment.iter().copied());
        command.args(["-c", "umask \"$0\"; exec \"$@\"", umask, env!("CARGO_BIN_EXE_beseda")]);
        command.args(args).args(["--json", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, told: serde_json::from_str(&line).unwrap() }
    }

    fn get(&self, name: &str) -> &str {
        self.told[name].as_str().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).ok();
        self.child.wait().ok();
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A folder with everything below it.
fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(tree(&path)) } else { found.push(path) }
    }
    found
}

/// Asserts that folders have 0700 and files 0600; gives the names of the files.
fn assert_closed(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for path in tree(folder) {
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), wanted, "{}: {:o}", path.display(), mode(&path));
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names
}

/// Sends a file into a chat of the demo.
fn send_file(running: &Running) {
    let business = running.told["businessId"].to_string();
    let beseda = beseda().env("BESEDA_URL", running.get("url"));
    let beseda = beseda.env("BESEDA_API_KEY", running.get("apiKey"));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    beseda.run(["chats", "send-file", "10000001", file, "--business", &business]).ok();
}

#[test]
fn what_a_server_and_a_stand_in_keep_is_closed_under_every_umask() {
    for umask in ["022", "000"] {
        let place = tempfile::tempdir().unwrap();
        let (served, played) = (place.path().join("deep/served"), place.path().join("played"));
        let server = Running::start(umask, &["serve", "--data", served.to_str().unwrap()], &[]);
        let names = assert_closed(&served);
        for name in ["beseda.sqlite", "beseda.sqlite-wal", "beseda.sqlite-shm", "lock", "files"] {
            assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
        }
        let admin = beseda().run(["admin", "--data", served.to_str().unwrap(), "cabinets", "list"]);
        admin.ok();
        assert_closed(&served);
        drop(server);
        assert_closed(&served);

        let data = played.to_str().unwrap();
        let stand_in = Running::start(umask, &["stand-in", "--data", data], &[]);
        let before = assert_closed(&played).len();
        send_file(&stand_in);
        assert!(assert_closed(&played).len() > before, "the file is there");
    }
}

#[test]
fn administration_on_a_folder_makes_it_closed_as_well() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("data");
    let script = "umask 000; exec \"$0\" admin --data \"$1\" cabinets create Чай";
    let mut command = Command::new("sh");
    command.env_clear().args(["-c", script, env!("CARGO_BIN_EXE_beseda")]).arg(&folder);
    assert!(command.output().unwrap().status.success());
    assert_closed(&folder);
}

#[test]
fn a_folder_that_an_older_version_left_open_is_closed_at_the_start() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().to_str().unwrap();
    let stand_in = Running::start("022", &["stand-in", "--data", data], &[]);
    send_file(&stand_in);
    let mut child = stand_in;
    // Killed, so that the log is still there.
    child.child.kill().unwrap();
    child.child.wait().unwrap();
    for path in tree(place.path()) {
        set_mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
    }
    assert!(place.path().join("beseda.sqlite-wal").exists());
    let _stand_in = Running::start("022", &["stand-in", "--data", data], &[]);
    assert_closed(place.path());
}

#[test]
fn what_else_lies_in_the_folder_keeps_its_mode_and_others_are_shut_out_of_it() {
    let place = tempfile::tempdir().unwrap();
    let (folder, other) = (place.path().join("data"), place.path().join("data/other.txt"));
    fs::create_dir(&folder).unwrap();
    fs::write(&other, "not the server's").unwrap();
    set_mode(&folder, 0o775);
    set_mode(&other, 0o644);
    let server = Running::start("022", &["serve", "--data", folder.to_str().unwrap()], &[]);
    assert_eq!((mode(&folder), mode(&other)), (0o700, 0o644));
    drop(server);

    // A folder that is everybody's stays so; what is put there is closed.
    set_mode(&folder, 0o1777);
    let _server = Running::start("000", &["serve", "--data", folder.to_str().unwrap()], &[]);
    assert_eq!((mode(&folder), mode(&other)), (0o1777, 0o644));
    assert_closed(&folder.join("files"));
    assert_eq!(mode(&folder.join("beseda.sqlite")), 0o600);
    assert_eq!(mode(&folder.join("beseda.sqlite-wal")), 0o600);
    assert_eq!(mode(&folder.join("lock")), 0o600);
}

#[test]
fn what_a_gateway_keeps_is_closed_under_every_umask_and_an_older_one_is_closed_at_the_start() {
    let upstream = StandIn::start(&[]);
    for umask in ["022", "000"] {
        let place = tempfile::tempdir().unwrap();
        let archive = place.path().join("archive");
        let args = ["gateway", "--archive", archive.to_str().unwrap()];
        let args = [&args[..], &["--upstream", upstream.get("url")]].concat();
        let environment = [("BESEDA_API_KEY", upstream.get("apiKey"))];
        let gateway = Running::start(umask, &args, &environment);
        let own = archive.join("gateway");
        let names = assert_closed(&own);
        for name in ["gateway.sqlite", "beseda.sqlite", "secret"] {
            assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
        }
        drop(gateway);
        for path in tree(&own).iter().filter(|path| !path.ends_with("secret")) {
            set_mode(path, if path.is_dir() { 0o755 } else { 0o644 });
        }
        let _gateway = Running::start(umask, &args, &environment);
        assert_closed(&own);
    }
}
