//! Faults of the port, made in the operating system.

use std::process::{Child, Command, Stdio};

use super::scene::{Injection, Peer, Scene, chmod};

/// Ended and waited for when the scene ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A program that has the port open, and says so before this returns.
fn hold(scene: &mut Scene, shell: &str) {
    use std::io::BufRead as _;
    let mut child = Command::new("sh")
        .args(["-c", &shell.replace("PORT", &scene.port)])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    std::io::BufReader::new(stdout)
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "open\n");
    scene.keep(Program(child));
}

pub const PORT: &[Injection] = &[
    Injection {
        name: "no port at all: a cable that carries only power",
        expected: "no-port",
        make: |scene| scene.ask(&["info"]),
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "only a port that no board is known by",
        expected: "no-port",
        make: |scene| {
            scene.ask(&["info"]);
            scene.plugged = "/dev/ttyS0".into();
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "two boards, and none is named",
        expected: "several-boards",
        make: |scene| {
            scene.ask(&["info"]);
            scene.plugged = "/dev/a=303A:1001;/dev/b=10C4:EA60".into();
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "a MAC address that was never seen",
        expected: "unknown-mac",
        make: |scene| {
            scene.ask(&["info", "--mac", "60:55:f9:00:00:77"]);
            scene.plugged = "/dev/a=303A:1001".into();
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "there is no such port",
        expected: "port-missing",
        make: |scene| {
            scene.ask(&["info"]);
            scene.port = "/dev/there-is-no-such-port".into();
        },
        peer: Peer::Identify,
        telling: &["no such", "not found", "doesn't exist", "does not exist"],
    },
    Injection {
        name: "the port of another user",
        expected: "port-no-permission",
        make: |scene| {
            scene.ask(&["info"]);
            scene.board(&[]);
            chmod(scene.port.as_ref(), 0o000);
            scene.as_nobody = true;
        },
        peer: Peer::Identify,
        telling: &["permission"],
    },
    Injection {
        name: "another program holds the port and has locked it",
        expected: "port-busy",
        make: |scene| {
            scene.ask(&["info"]);
            scene.board(&[]);
            hold(
                scene,
                "exec 9<>PORT; flock -x 9; echo open; exec sleep 600 >/dev/null",
            );
        },
        peer: Peer::Identify,
        telling: &["busy", "in use", "lock"],
    },
    Injection {
        name: "another program has the port open without a lock",
        expected: "port-busy",
        make: |scene| {
            scene.ask(&["info"]);
            scene.board(&[]);
            hold(scene, "exec 9<>PORT; echo open; cat <&9 >/dev/null");
        },
        peer: Peer::Identify,
        telling: &["busy", "in use", "lock", "multiple access"],
    },
    Injection {
        name: "an ordinary file for a port",
        expected: "not-serial",
        make: |scene| {
            scene.ask(&["info"]);
            scene.port = scene.bench.path("pack").display().to_string();
            scene.bench.write("pack", "bytes");
        },
        peer: Peer::Identify,
        telling: &["not a serial", "not a tty", "inappropriate ioctl"],
    },
    Injection {
        name: "a folder for a port",
        expected: "not-serial",
        make: |scene| {
            scene.ask(&["info"]);
            scene.port = scene.bench.path("files").display().to_string();
        },
        peer: Peer::Identify,
        telling: &["not a serial", "is a directory"],
    },
    Injection {
        name: "/dev/null for a port",
        expected: "not-serial",
        make: |scene| {
            scene.ask(&["info"]);
            scene.port = "/dev/null".into();
        },
        peer: Peer::Identify,
        telling: &["not a serial", "not a tty", "inappropriate ioctl"],
    },
    Injection {
        name: "unplugged in mid-write",
        expected: "port-gone",
        make: |scene| {
            scene.faulty(&["unplug:to-board@60000=never"]);
            scene.ask_write();
        },
        peer: Peer::Write,
        telling: &[
            "disconnect",
            "input/output error",
            "no such",
            "broken pipe",
            "unplug",
        ],
    },
    Injection {
        name: "unplugged in mid-read",
        expected: "port-gone",
        make: |scene| {
            scene.faulty(&["unplug:from-board@60000=never"]);
            scene.ask(&["read", "0:1M", "out"]);
        },
        peer: Peer::Read,
        telling: &[
            "disconnect",
            "input/output error",
            "no such",
            "broken pipe",
            "unplug",
        ],
    },
];
