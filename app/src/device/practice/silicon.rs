//! What is there whichever program runs on the chip: its flash, its registers and its RAM.

use super::chips::ChipRow;
use super::flash::Flash;
use super::ram::Ram;
use super::registers::Registers;

/// Security flags of a chip that starts only signed images, and of one in secure download mode.
const SECURE_BOOT: u32 = 1 << 0;
const SECURE_DOWNLOAD: u32 = 1 << 2;
/// Most flash that a loader believes in: commands with addresses of 24 bits reach no further.
pub const FLASH_SIZE_MAX: u32 = 0x100_0000;
/// Version of the answer to `GET_SECURITY_INFO`. Tools only print it.
const SECURITY_API_VERSION: u32 = 3;

/// A chip without its programs.
#[derive(Debug)]
pub struct Silicon {
    pub row: &'static ChipRow,
    pub flash: Flash,
    pub registers: Registers,
    pub ram: Ram,
    pub secure_download: bool,
    pub encrypted: bool,
    pub secure_boot: bool,
}

impl Silicon {
    /// The 20 bytes of `GET_SECURITY_INFO`: flags, crypt count, seven key purposes, chip id, version.
    pub fn security_info(&self) -> [u8; 20] {
        let flag = |on: bool, bit: u32| if on { bit } else { 0 };
        let flags =
            flag(self.secure_download, SECURE_DOWNLOAD) | flag(self.secure_boot, SECURE_BOOT);
        let mut info = [0; 20];
        info[..4].copy_from_slice(&flags.to_le_bytes());
        info[4] = u8::from(self.encrypted);
        info[12..16].copy_from_slice(&u32::from(self.row.chip.facts().image_id).to_le_bytes());
        info[16..].copy_from_slice(&SECURITY_API_VERSION.to_le_bytes());
        info
    }
}
