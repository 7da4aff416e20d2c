//! Which ports there are, for front ends (which do not know the hardware edge), and which of them is meant when none
//! is named.

use std::path::{Path, PathBuf};

use crate::device::port_list;
pub use crate::device::port_list::{ListedPort, VARIABLE};
use crate::model::cause::Cause;

use super::error::JobError;
use super::request::PortChoice;

/// Vendor and product number of the USB serial port that a chip has inside.
const CHIPS_OWN_USB: &str = "303A:1001";

/// The serial ports of this machine, recommended ones first. The practice board is not among them: it is made, not
/// found.
pub fn list() -> Result<Vec<ListedPort>, JobError> {
    port_list::list().map_err(JobError::from)
}

/// Whether a port is there now, without opening it; the practice board of this program always is.
pub fn is_there(port: &PortChoice) -> bool {
    match port {
        PortChoice::Practice => true,
        PortChoice::Path(path) if cfg!(unix) => path.exists(),
        PortChoice::Path(path) => {
            list().is_ok_and(|ports| ports.iter().any(|port| port.path == *path))
        }
    }
}

/// Whether this system can run a practice board: it needs a pseudo-terminal.
pub const fn practice_is_possible() -> bool {
    cfg!(unix)
}

/// What was seen of a board the last time, as far as it says where it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastSeen {
    pub port: PathBuf,
    /// Serial number of its USB bridge.
    pub serial: Option<String>,
}

/// The port that is meant when none is named: the only one with a known board.
pub fn only_board(ports: &[ListedPort]) -> Result<PathBuf, JobError> {
    let mut known = ports.iter().filter(|port| port.recommended);
    match (known.next(), known.count()) {
        (Some(port), 0) => Ok(port.path.clone()),
        (Some(first), others) => Err(JobError::new(
            format!(
                "{} boards are plugged in, the first on {}: none was named",
                others + 1,
                first.path.display()
            ),
            "--port",
            Cause::SeveralBoards.todo(),
        )
        .because(Cause::SeveralBoards)),
        (None, _) => {
            let others = match ports.len() {
                0 => "and no other serial port".to_owned(),
                1 => format!(
                    "only {}, which is not known to be one",
                    ports[0].path.display()
                ),
                count => format!("only {count} other ports"),
            };
            let help = if ports.is_empty() {
                Cause::NoPort.todo()
            } else {
                "Plug the board in with a cable that carries data, or name one of the ports with --port"
            };
            Err(
                JobError::new(format!("No board was found, {others}"), "--port", help)
                    .because(Cause::NoPort),
            )
        }
    }
}

/// The port of the board with this MAC address: a USB chip of Espressif gives it as its serial number; any other board
/// is looked for where it was seen last.
pub fn by_mac(
    ports: &[ListedPort],
    mac: &str,
    seen: Option<&LastSeen>,
) -> Result<PathBuf, JobError> {
    let digits = |text: &str| -> String {
        text.chars()
            .filter(char::is_ascii_hexdigit)
            .collect::<String>()
            .to_ascii_lowercase()
    };
    let wanted = digits(mac);
    let own = |port: &&ListedPort| {
        port.serial
            .as_ref()
            .is_some_and(|serial| serial.len() <= 17 && digits(serial) == wanted)
    };
    let bridge = |port: &&ListedPort| {
        seen.is_some_and(|seen| seen.serial.is_some() && port.serial == seen.serial)
    };
    let place = |port: &&ListedPort| seen.is_some_and(|seen| port.path == seen.port);
    let found = ports
        .iter()
        .find(own)
        .or_else(|| ports.iter().find(bridge))
        .or_else(|| ports.iter().find(place))
        .map(|port| port.path.clone())
        // A port that the system does not list, such as a pseudo-terminal.
        .or_else(|| {
            seen.map(|seen| seen.port.clone())
                .filter(|port| !port.as_os_str().is_empty() && Path::exists(port))
        });
    found.ok_or_else(|| {
        JobError::new(
            format!("The board {mac} is not plugged in, or not known yet"),
            mac,
            Cause::UnknownMac.todo(),
        )
        .because(Cause::UnknownMac)
    })
}

/// What the list says of a port, also when the port is named by a link.
pub fn find<'a>(ports: &'a [ListedPort], path: &Path) -> Option<&'a ListedPort> {
    let named = |path: &Path| ports.iter().find(|port| port.path == path);
    named(path).or_else(|| named(&port_list::listed_name(path)))
}

/// All ports of the same kind as one: the same product number on USB, else the same product's name, else all that are
/// recommended.
pub fn of_same_kind(ports: &[ListedPort], like: Option<&Path>) -> Vec<PathBuf> {
    let like = like.and_then(|path| find(ports, path));
    let same = |port: &&ListedPort| match like {
        Some(like) if like.usb.is_some() => port.usb == like.usb,
        _ => port.recommended,
    };
    ports
        .iter()
        .filter(same)
        .map(|port| port.path.clone())
        .collect()
}

/// Whether a port is the USB serial port inside an Espressif chip, whose speed is not that of a UART.
pub fn is_chips_own_usb(ports: &[ListedPort], path: &Path) -> bool {
    find(ports, path).is_some_and(|port| port.usb.as_deref() == Some(CHIPS_OWN_USB))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(path: &str, usb: &str, serial: Option<&str>) -> ListedPort {
        ListedPort {
            path: path.into(),
            label: path.into(),
            product: None,
            serial: serial.map(str::to_owned),
            usb: (!usb.is_empty()).then(|| usb.into()),
            recommended: !usb.is_empty(),
        }
    }

    #[test]
    fn one_known_board_is_chosen_by_itself_and_nothing_is_guessed() {
        let (one, two) = (port("/a", "303A:1001", None), port("/b", "10C4:EA60", None));
        let other = port("/c", "", None);
        let chosen = only_board(&[one.clone(), other.clone()]);
        assert_eq!(chosen, Ok(PathBuf::from("/a")));
        let cause = |ports: &[ListedPort]| only_board(ports).unwrap_err().cause;
        assert_eq!(cause(&[one, two]), Some(Cause::SeveralBoards));
        assert_eq!(cause(&[other]), Some(Cause::NoPort));
        assert_eq!(cause(&[]), Some(Cause::NoPort));
    }

    #[test]
    fn a_mac_address_leads_to_its_port() {
        let mac = "60:55:f9:00:00:01";
        let ports = [
            port("/a", "303A:1001", Some("60:55:F9:00:00:01")),
            port("/b", "10C4:EA60", Some("0001")),
        ];
        assert_eq!(by_mac(&ports, mac, None), Ok("/a".into()));
        let seen = LastSeen {
            port: "/gone".into(),
            serial: Some("0001".into()),
        };
        assert_eq!(by_mac(&ports[1..], mac, Some(&seen)), Ok("/b".into()));
        let seen = LastSeen {
            port: "/b".into(),
            serial: None,
        };
        assert_eq!(by_mac(&ports[1..], mac, Some(&seen)), Ok("/b".into()));
        let error = by_mac(&ports[1..], mac, None).unwrap_err();
        assert_eq!(error.cause, Some(Cause::UnknownMac));
        assert!(error.message.contains(mac));
    }

    #[test]
    fn boards_of_one_kind_share_their_usb_numbers() {
        let ports = [
            port("/a", "303A:1001", None),
            port("/b", "303A:1001", None),
            port("/c", "10C4:EA60", None),
            port("/d", "", None),
        ];
        let like = |path: &str| of_same_kind(&ports, Some(Path::new(path))).len();
        assert_eq!((like("/a"), like("/c"), like("/d")), (2, 1, 3));
        assert_eq!(of_same_kind(&ports, None).len(), 3);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_port_that_a_link_names_is_the_one_it_leads_to() {
        let (folder, real, link) = port_list::tests::port_with_a_link();
        let ports = [
            port(real.to_str().unwrap(), "303A:1001", None),
            port("/b", "10C4:EA60", None),
        ];
        assert!(is_chips_own_usb(&ports, &link));
        assert_eq!(of_same_kind(&ports, Some(&link)), [real]);
        assert!(!is_chips_own_usb(&ports, &folder.path().join("none")));
    }
}
