//! What a board says of itself, asked by espflash right after it has loaded its stub. What names kept files, is refused for, or
//! says how much all of the flash is, is asked until two answers agree.

use espflash::Error as EspError;
use espflash::flasher::{FlashSize, Flasher};

use super::error::DeviceError;
use super::loader_error::connect_error;
use crate::model::chip::{BoardIdentity, Chip};

/// Readings until two must agree.
const READINGS: usize = 4;

/// What the board says of itself. The MAC address names files that are kept for this board, so it is read until two
/// readings agree.
pub(super) fn identify(port: &str, flasher: &mut Flasher) -> Result<BoardIdentity, DeviceError> {
    let wrong = |error: EspError| connect_error(port, &error);
    let info = flasher.device_info().map_err(wrong)?;
    // It decides what is refused, so two answers must agree.
    let mut security = how_secured(flasher).map_err(wrong)?;
    let unknown = |detail: String| DeviceError::Protocol {
        port: port.to_owned(),
        detail,
    };
    for reading in 1.. {
        let again = how_secured(flasher).map_err(wrong)?;
        if again == security {
            break;
        }
        if reading == READINGS {
            return Err(unknown(
                "its security flags read differently each time".into(),
            ));
        }
        security = again;
    }
    let chip = Chip::from_name(&flasher.chip().to_string()).ok_or_else(|| {
        unknown(format!(
            "{} is not a chip that Flashpack knows",
            flasher.chip()
        ))
    })?;
    let esp_chip = flasher.chip();
    let mut mac = info.mac_address;
    for reading in 1.. {
        let again = esp_chip.mac_address(flasher.connection()).map_err(wrong)?;
        if mac.as_ref() == Some(&again) {
            break;
        }
        if reading == READINGS {
            return Err(unknown(
                "its MAC address reads differently each time".into(),
            ));
        }
        mac = Some(again);
    }
    // All of the flash is as much as this says, so that it is asked until two answers agree, too.
    let mut size = info.flash_size;
    let mut flash_id;
    let mut reading = 1;
    loop {
        let (again, id) = flash_size_and_id(flasher);
        flash_id = id;
        // A flash of unknown size counts as espflash's default, both times.
        let again = again.unwrap_or_default();
        if again == size {
            break;
        }
        if reading == READINGS {
            return Err(unknown("its flash size reads differently each time".into()));
        }
        (size, reading) = (again, reading + 1);
    }
    Ok(BoardIdentity {
        revision: info.revision,
        mac,
        flash_size: Some(size.size()),
        flash_id,
        ..BoardIdentity::of_chip(chip, security)
    })
}

/// The flags of the chip's security information, and its count of flash encryption; `None` where a chip does not tell.
///
/// # Errors
/// When it does not answer at all.
fn how_secured(flasher: &mut Flasher) -> Result<Option<(u32, u8)>, EspError> {
    match flasher.security_info() {
        Ok(info) => Ok(Some((info.flags, info.flash_crypt_cnt))),
        Err(error @ EspError::Connection(_)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// What a chip in secure download mode says of itself: what it is, and how it is secured.
pub(super) fn identify_secured(mut flasher: Flasher, port: String) -> DeviceError {
    let security = how_secured(&mut flasher).ok().flatten();
    let identity = Chip::from_name(&flasher.chip().to_string())
        .map(|chip| Box::new(BoardIdentity::of_chip(chip, security)));
    DeviceError::SecureDownload { port, identity }
}

/// The answer of the flash chip to `RDID`, and the size that it tells: espflash asks for it and leaves it in the first data
/// register of the SPI controller. `None` when no flash answers, or one of unknown size.
fn flash_size_and_id(flasher: &mut Flasher) -> (Option<FlashSize>, Option<u32>) {
    let Ok(size) = flasher.flash_detect() else {
        return (None, None);
    };
    let answer = flasher.chip().spi_registers().w0();
    let id = flasher.connection().read_reg(answer).ok();
    let id = id.map(|id| id & 0xFF_FFFF);
    (size, id.filter(|id| *id != 0 && *id != 0xFF_FFFF))
}
