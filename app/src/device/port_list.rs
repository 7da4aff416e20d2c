//! The serial ports of this machine, with the ones that are probably ESP boards first.

use std::path::PathBuf;

use serde::Serialize;
use serialport::{SerialPortType, available_ports};

use super::error::{DeviceError, OpenFailure};

/// USB serial bridges and chips that ESP boards carry: vendor, product (`None`: all of this vendor's), what it is.
const KNOWN: [(u16, Option<u16>, &str); 7] = [
    (0x303A, Some(0x1001), "USB-Serial-JTAG of an Espressif chip"),
    (0x303A, None, "Espressif USB"),
    (0x10C4, None, "CP210x bridge"),
    (0x1A86, None, "CH34x/CH91xx bridge"),
    (0x0403, None, "FTDI bridge"),
    (0x067B, None, "PL2303 bridge"),
    (0x2E8A, None, "Raspberry Pi"),
];

/// One port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedPort {
    pub path: PathBuf,
    /// What to show: the path and what is on it.
    pub label: String,
    pub product: Option<String>,
    pub serial: Option<String>,
    /// Probably an ESP board.
    pub recommended: bool,
}

/// All ports, recommended ones first.
///
/// # Errors
/// When the system does not tell.
pub fn list() -> Result<Vec<ListedPort>, DeviceError> {
    let ports = available_ports().map_err(|error| DeviceError::Open {
        port: "the list of serial ports".into(),
        failure: OpenFailure::Other,
        detail: error.to_string(),
    })?;
    let mut listed: Vec<ListedPort> = ports
        .into_iter()
        .map(|port| match port.port_type {
            SerialPortType::UsbPort(usb) => {
                let known = KNOWN
                    .iter()
                    .find(|(vid, pid, _)| *vid == usb.vid && pid.is_none_or(|pid| pid == usb.pid));
                let product = usb
                    .product
                    .or_else(|| known.map(|(_, _, what)| (*what).to_owned()));
                ListedPort {
                    label: match &product {
                        Some(product) => format!("{} · {product}", port.port_name),
                        None => port.port_name.clone(),
                    },
                    path: port.port_name.into(),
                    product,
                    serial: usb.serial_number,
                    recommended: known.is_some(),
                }
            }
            _ => ListedPort {
                label: port.port_name.clone(),
                path: port.port_name.into(),
                product: None,
                serial: None,
                recommended: false,
            },
        })
        .collect();
    listed.sort_by(|a, b| (!a.recommended, &a.path).cmp(&(!b.recommended, &b.path)));
    Ok(listed)
}
