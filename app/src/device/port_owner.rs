//! Who a port belongs to on Linux: which program has it open, and which group may open it. Reads `/proc` and a few
//! files of `/etc`; elsewhere, and where they cannot be read, nothing is known and nothing is said.

use std::fs;
use std::path::Path;

/// A program that has a port open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// As the kernel calls it, at most 15 bytes: `picocom`.
    pub program: String,
    pub pid: u32,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (process {})", self.program, self.pid)
    }
}

/// The first other program that has this port open. Whoever made a pseudo-terminal is not meant: it is its other end.
/// Programs of other users cannot be seen without their rights.
pub fn holder(port: &Path) -> Option<Holder> {
    let port = fs::canonicalize(port).ok()?;
    let name = port.file_name()?.to_str()?;
    if !name.starts_with("tty") && !port.starts_with("/dev/pts") {
        return None;
    }
    let own = std::process::id();
    let processes = fs::read_dir("/proc").ok()?;
    let mut pids: Vec<u32> = processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != own)
        .collect();
    pids.sort_unstable();
    pids.into_iter().find_map(|pid| {
        let files = || {
            fs::read_dir(format!("/proc/{pid}/fd"))
                .into_iter()
                .flatten()
        };
        let opened = |wanted: &Path| {
            files().any(|file| {
                file.is_ok_and(|file| fs::read_link(file.path()).is_ok_and(|path| path == wanted))
            })
        };
        if !opened(&port) || made_it(pid, &port) {
            return None;
        }
        let program = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        Some(Holder {
            program: program.trim_end().to_owned(),
            pid,
        })
    })
}

/// Whether no device is behind a port, but a program.
pub fn is_pseudo_terminal(port: &Path) -> bool {
    fs::canonicalize(port).is_ok_and(|port| port.starts_with("/dev/pts"))
}

/// Whether a process holds the other end of this pseudo-terminal (proc(5), `tty-index` of `/proc/PID/fdinfo`).
fn made_it(pid: u32, port: &Path) -> bool {
    let Some(index) = port.strip_prefix("/dev/pts").ok().and_then(Path::to_str) else {
        return false;
    };
    let infos = fs::read_dir(format!("/proc/{pid}/fdinfo"))
        .into_iter()
        .flatten();
    infos.flatten().any(|info| {
        fs::read_to_string(info.path()).is_ok_and(|text| {
            text.lines()
                .filter_map(|line| line.strip_prefix("tty-index:"))
                .any(|value| value.trim() == index)
        })
    })
}

/// How this user comes to open this port, as one sentence with the very command.
#[cfg(unix)]
pub fn permission_remedy(port: &Path) -> String {
    use std::os::unix::fs::MetadataExt as _;
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let group = fs::metadata(port)
        .ok()
        .filter(|port| port.mode() & 0o060 == 0o060 && port.gid() != 0)
        .and_then(|port| group_of(&read("/etc/group"), port.gid()));
    let user = std::env::var("USER").unwrap_or_default();
    remedy(group.as_ref(), &user, &read("/etc/os-release"))
}

/// The same where ports have no groups.
#[cfg(not(unix))]
pub fn permission_remedy(port: &Path) -> String {
    format!("Allow your user to open {}", port.display())
}

/// A group with its members.
#[cfg(unix)]
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    members: Vec<String>,
}

/// A line of `/etc/group` (group(5)): `dialout:x:20:anna,ben`.
#[cfg(unix)]
fn group_of(groups: &str, gid: u32) -> Option<Group> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _password) = (fields.next()?, fields.next()?);
        (fields.next()?.parse() == Ok(gid)).then(|| Group {
            name: name.to_owned(),
            members: fields
                .next()
                .unwrap_or_default()
                .split(',')
                .map(str::to_owned)
                .collect(),
        })
    })
}

#[cfg(unix)]
fn remedy(group: Option<&Group>, user: &str, os_release: &str) -> String {
    let Some(Group { name, members }) = group else {
        return "Install Flashpack's udev rule, which lets whoever sits at this computer open such ports, and plug the board in again: flashpack ports --udev-rule | sudo tee /etc/udev/rules.d/60-flashpack.rules".into();
    };
    if !user.is_empty() && members.iter().any(|member| member == user) {
        return format!(
            "You were added to the group {name} after you logged in: log out and in again"
        );
    }
    let ids: Vec<&str> = os_release
        .lines()
        .filter_map(|line| {
            line.strip_prefix("ID=")
                .or_else(|| line.strip_prefix("ID_LIKE="))
        })
        .flat_map(|value| value.trim_matches('"').split(' '))
        .collect();
    if ids.contains(&"nixos") {
        return format!(
            "Add “{name}” to users.users.<you>.extraGroups in configuration.nix, rebuild, then log in again"
        );
    }
    let command = if ids.contains(&"alpine") {
        format!("sudo addgroup $USER {name}")
    } else {
        format!("sudo usermod -aG {name} $USER")
    };
    format!("Add yourself to the group that owns the port, then log in again: {command}")
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    const GROUPS: &str = "root:x:0:\ndialout:x:20:anna,ben\nuucp:x:986:\n";

    #[test]
    fn the_command_is_the_one_for_this_distribution_and_group() {
        let dialout = group_of(GROUPS, 20);
        let debian = "PRETTY_NAME=\"Debian\"\nID=debian\n";
        assert!(
            remedy(dialout.as_ref(), "carl", debian).ends_with("sudo usermod -aG dialout $USER")
        );
        assert!(remedy(dialout.as_ref(), "anna", debian).contains("log out and in again"));
        let arch = "ID=manjaro\nID_LIKE=arch\n";
        assert!(
            remedy(group_of(GROUPS, 986).as_ref(), "carl", arch)
                .ends_with("sudo usermod -aG uucp $USER")
        );
        assert!(
            remedy(dialout.as_ref(), "carl", "ID=alpine\n")
                .ends_with("sudo addgroup $USER dialout")
        );
        assert!(remedy(dialout.as_ref(), "carl", "ID=nixos\n").contains("configuration.nix"));
        assert!(remedy(None, "carl", debian).contains("--udev-rule"));
        assert_eq!(group_of(GROUPS, 7), None);
    }

    #[test]
    fn no_other_program_holds_a_new_pseudo_terminal() {
        let options = crate::device::practice::Options::default();
        let board = crate::device::practice::Board::start(options).unwrap();
        assert_eq!(holder(board.port()), None);
        assert_eq!(holder(Path::new("/dev/there-is-no-such-port")), None);
    }
}
