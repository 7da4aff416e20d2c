//! The serial ports of this machine, with the ones that are probably ESP boards first.
//!
//! Ports that the system does not list (pseudo-terminals, bridges in a container) are named by the environment variable
//! [`VARIABLE`]; then the system's own are not looked at, so that a test never meets a board on the desk.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serialport::{SerialPortType, available_ports};

use super::error::{DeviceError, OpenFailure};

/// Holds `PATH`, `PATH=VID:PID` or `PATH=VID:PID/SERIAL` for each port, with `;` between them.
pub const VARIABLE: &str = "FLASHPACK_PORTS";

/// USB serial bridges and chips that ESP boards carry: vendor, product (`None`: all others of this vendor), what it is.
const KNOWN: [(u16, Option<u16>, &str); 12] = [
    (0x303A, Some(0x1001), "USB-Serial-JTAG of an Espressif chip"),
    (0x303A, None, "Espressif USB"),
    (0x10C4, Some(0xEA60), "CP210x bridge"),
    (0x1A86, Some(0x7523), "CH340 bridge"),
    (0x1A86, Some(0x55D3), "CH343 bridge"),
    (0x1A86, Some(0x55D4), "CH9102 bridge"),
    (0x0403, Some(0x6001), "FT232 bridge"),
    (0x0403, Some(0x6010), "FT2232 bridge"),
    (0x0403, Some(0x6011), "FT4232 bridge"),
    (0x0403, Some(0x6014), "FT232H bridge"),
    (0x0403, Some(0x6015), "FT230X bridge"),
    (0x1A86, Some(0x5523), "CH341 bridge"),
];

/// One port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedPort {
    pub path: PathBuf,
    /// What to show: the path and what is on it.
    pub label: String,
    pub product: Option<String>,
    pub serial: Option<String>,
    /// Vendor and product number on USB, `303A:1001`.
    pub usb: Option<String>,
    /// Probably an ESP board.
    pub recommended: bool,
}

/// The name by which the system lists a port: on Linux a link such as those of `/dev/serial/by-id` is followed.
pub fn listed_name(port: &Path) -> PathBuf {
    let followed = cfg!(target_os = "linux").then(|| port.canonicalize().ok());
    followed.flatten().unwrap_or_else(|| port.to_path_buf())
}

/// All ports, recommended ones first.
///
/// # Errors
/// When the system does not tell.
pub fn list() -> Result<Vec<ListedPort>, DeviceError> {
    let mut listed = match std::env::var(VARIABLE) {
        Ok(named) => from_variable(&named),
        Err(_) => from_system()?,
    };
    listed.sort_by(|a, b| (!a.recommended, &a.path).cmp(&(!b.recommended, &b.path)));
    Ok(listed)
}

fn from_system() -> Result<Vec<ListedPort>, DeviceError> {
    let ports = available_ports().map_err(|error| DeviceError::Open {
        port: "the list of serial ports".into(),
        failure: OpenFailure::Other,
        detail: error.to_string(),
    })?;
    let listed = ports.into_iter().map(|port| match port.port_type {
        SerialPortType::UsbPort(usb) => listed(
            port.port_name.into(),
            Some((usb.vid, usb.pid)),
            usb.product,
            usb.serial_number,
        ),
        _ => listed(port.port_name.into(), None, None, None),
    });
    Ok(listed.collect())
}

fn from_variable(named: &str) -> Vec<ListedPort> {
    let entries = named.split(';').filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let (path, about) = entry.split_once('=').unwrap_or((entry, ""));
            let (ids, serial) = about.split_once('/').unwrap_or((about, ""));
            let hex = |text| u16::from_str_radix(text, 16).ok();
            // What cannot be understood makes a port that nothing is known of.
            let ids = ids
                .split_once(':')
                .and_then(|(vid, pid)| Some((hex(vid)?, hex(pid)?)));
            let serial = (!serial.is_empty()).then(|| serial.to_owned());
            listed(path.into(), ids, None, serial)
        })
        .collect()
}

fn listed(
    path: PathBuf,
    ids: Option<(u16, u16)>,
    product: Option<String>,
    serial: Option<String>,
) -> ListedPort {
    let known = ids.and_then(|(vid, pid)| {
        KNOWN
            .iter()
            .find(|(of, product, _)| *of == vid && product.is_none_or(|product| product == pid))
    });
    let product = product.or_else(|| known.map(|(.., what)| (*what).to_owned()));
    ListedPort {
        label: match &product {
            Some(product) => format!("{} · {product}", path.display()),
            None => path.display().to_string(),
        },
        path,
        product,
        serial,
        usb: ids.map(|(vid, pid)| format!("{vid:04X}:{pid:04X}")),
        recommended: known.is_some(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn known_bridges_are_named_and_recommended() {
        let ports = from_variable(
            "/dev/a=303a:1001/60:55:F9:F0:0D:01;/dev/b=10C4:EA60;/dev/c=1A86:55D4;/dev/d=0403:6015;/dev/e=303A:0002;/dev/f=1234:5678;/dev/g;;/dev/h=x",
        );
        let short: Vec<_> = ports
            .iter()
            .map(|port| (port.recommended, port.product.as_deref()))
            .collect();
        assert_eq!(
            short,
            [
                (true, Some("USB-Serial-JTAG of an Espressif chip")),
                (true, Some("CP210x bridge")),
                (true, Some("CH9102 bridge")),
                (true, Some("FT230X bridge")),
                (true, Some("Espressif USB")),
                (false, None),
                (false, None),
                (false, None),
            ]
        );
        assert_eq!(ports[0].serial.as_deref(), Some("60:55:F9:F0:0D:01"));
        assert_eq!(ports[0].usb.as_deref(), Some("303A:1001"));
        assert_eq!(ports[6].path, PathBuf::from("/dev/g"));
    }

    /// A folder with a file that stands for a port, and a link to it as those of `/dev/serial/by-id`: the folder, port and link.
    #[cfg(target_os = "linux")]
    pub(crate) fn port_with_a_link() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let (real, link) = (path.join("ttyACM0"), path.join("by-id-chip"));
        std::fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink("ttyACM0", &link).unwrap();
        (folder, real, link)
    }
}
