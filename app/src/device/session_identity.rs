//! What a board says of itself, asked by espflash right after it has loaded its stub. What names kept files, is refused for, or
//! says how much all of the flash is, is asked until two answers agree.

use espflash::Error as EspError;
use espflash::flasher::{FlashSize, Flasher};

use super::error::DeviceError;
use super::loader_error::connect_error;
use crate::model::chip::{BoardIdentity, Chip};

/// Readings after the first, of which one must agree with that before it.
const READINGS: usize = 4;

/// What the board says of itself. Its MAC address names the files that are kept for it, its security flags decide what is
/// refused, and its size how much all of the flash is.
pub(super) fn identify(port: &str, flasher: &mut Flasher) -> Result<BoardIdentity, DeviceError> {
    let wrong = |error: EspError| connect_error(port, &error);
    let unknown = |detail: String| DeviceError::Protocol {
        port: port.to_owned(),
        detail,
    };
    let info = flasher.device_info().map_err(wrong)?;
    let first = how_secured(flasher).map_err(wrong)?;
    let security = agreed(first, &mut || how_secured(flasher).map_err(wrong))?
        .ok_or_else(|| unknown("its security flags read differently each time".into()))?;
    let esp_chip = flasher.chip();
    let chip = Chip::from_name(&esp_chip.to_string())
        .ok_or_else(|| unknown(format!("{esp_chip} is not a chip that Flashpack knows")))?;
    let mac = agreed(info.mac_address, &mut || {
        let mac = esp_chip.mac_address(flasher.connection());
        mac.map(Some).map_err(wrong)
    })?
    .ok_or_else(|| unknown("its MAC address reads differently each time".into()))?;
    let mut flash_id = None;
    let size = agreed(info.flash_size, &mut || {
        let (size, id) = flash_size_and_id(flasher);
        flash_id = id;
        // A flash of unknown size counts as espflash's default, both times.
        Ok(size.unwrap_or_default())
    })?
    .ok_or_else(|| unknown("its flash size reads differently each time".into()))?;
    Ok(BoardIdentity {
        revision: info.revision,
        mac,
        flash_size: Some(size.size()),
        flash_id,
        ..BoardIdentity::of_chip(chip, security)
    })
}

/// Reads again until two readings in a row agree, `first` among them; `None` if none did.
fn agreed<T: PartialEq>(
    first: T,
    read: &mut dyn FnMut() -> Result<T, DeviceError>,
) -> Result<Option<T>, DeviceError> {
    let mut last = first;
    for _ in 0..READINGS {
        let again = read()?;
        if again == last {
            return Ok(Some(again));
        }
        last = again;
    }
    Ok(None)
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

/// What a chip in secure download mode says of itself: what it is, and how it is secured. One that runs a `stub`, or whose
/// flags do not say so again, is not in that mode: an answer was damaged on the way. A chip without such flags is believed.
pub(super) fn identify_secured(mut flasher: Flasher, port: String, stub: bool) -> DeviceError {
    let not_said_twice = |port| DeviceError::Protocol {
        port,
        detail: "it does not say twice that it is in secure download mode".into(),
    };
    if stub {
        return not_said_twice(port);
    }
    let security = (0..READINGS).find_map(|_| how_secured(&mut flasher).ok().flatten());
    let chip = Chip::from_name(&flasher.chip().to_string());
    let identity = chip.map(|chip| Box::new(BoardIdentity::of_chip(chip, security)));
    match &identity {
        Some(identity) if identity.secure_download == Some(false) => not_said_twice(port),
        _ => DeviceError::SecureDownload { port, identity },
    }
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
