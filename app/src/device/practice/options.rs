//! What a practice board is made of and where it keeps its things.

use std::path::PathBuf;
use std::sync::Arc;

use super::faults::Faults;
use crate::model::chip::Chip;
use crate::model::cost::Part;

/// Where the flash's contents are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FlashSource {
    /// Nowhere: blank at the start, gone at the end.
    #[default]
    Memory,
    /// In a file of the flash's size, created blank if it is absent, and kept up to date.
    File(PathBuf),
}

/// What stands in for an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppOutput {
    /// A log with colours, a line each second, and a console that knows `help`.
    Demo,
    /// These bytes, once, as fast as the port takes them.
    Bytes(Arc<[u8]>),
}

/// Where the chip goes when power comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Boot {
    /// Into the ROM loader, as with the BOOT button held.
    #[default]
    Loader,
    /// Into what is in flash.
    Flash,
}

impl Boot {
    /// The choice as typed: `loader` or `flash`.
    pub fn from_name(text: &str) -> Option<Self> {
        match text {
            "loader" => Some(Self::Loader),
            "flash" => Some(Self::Flash),
            _ => None,
        }
    }
}

/// How a practice board is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub flash: FlashSource,
    /// Bytes of flash: a power of two from 2 to 16 MiB.
    pub size: u32,
    /// Base MAC address.
    pub mac: [u8; 6],
    pub boot: Boot,
    /// A symbolic link that always leads to the port, also after the board was unplugged and plugged in again.
    pub link: Option<PathBuf>,
    /// Where the report is written after every session and at the end.
    pub report: Option<PathBuf>,
    /// The flash chip whose times the report is about.
    pub part: Part,
    pub chip: Chip,
    /// What the app prints that the bootloader starts; `None`: nothing. A blank flash is given an app then.
    pub app_output: Option<AppOutput>,
    /// Answers come only after the modelled time of this link: `115200`, `921600` or `usb`; `None`: at once.
    pub pace: Option<&'static str>,
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            flash: FlashSource::Memory,
            size: 0x40_0000,
            mac: [0x60, 0x55, 0xF9, 0xF0, 0x0D, 0x01],
            boot: Boot::Loader,
            link: None,
            report: None,
            part: Part::TYPICAL,
            chip: Chip::Esp32c3,
            app_output: None,
            pace: None,
            faults: Faults::default(),
        }
    }
}

/// A MAC address as typed: `60:55:f9:00:00:01`, colons or hyphens.
pub fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut parts = text.split([':', '-']);
    for byte in &mut mac {
        let part = parts.next().filter(|part| {
            part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit())
        })?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_mac_addresses() {
        assert_eq!(
            parse_mac("60:55:f9:00:00:0A"),
            Some([0x60, 0x55, 0xF9, 0, 0, 10])
        );
        for wrong in [
            "",
            "60:55:f9:00:00",
            "60:55:f9:00:00:0A:01",
            "60:55:f9:00:00:+A",
            "60:55:f9:0:0:0A",
        ] {
            assert_eq!(parse_mac(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn boot_is_one_of_two() {
        assert_eq!(Boot::from_name("flash"), Some(Boot::Flash));
        assert_eq!(Boot::from_name("loader"), Some(Boot::Loader));
        assert_eq!(Boot::from_name("rom"), None);
    }
}
