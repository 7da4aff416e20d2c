//! ELF files become app images: espflash lays out the segments, this file decides beforehand that it can.
//!
//! espflash indexes what an ELF file says and stops the program where that makes no sense, so its sections are checked
//! here first: inside the file, at addresses that exist, not over one another. Whether the image fits a slot or a chip
//! is not looked at here.

use espflash::flasher::{FlashData, FlashSettings, FlashSize};
use espflash::image_format::idf::IdfBootloaderFormat;
use espflash::target::Chip as EspChip;

use crate::caught::caught;
use crate::model::chip::Chip;
use crate::model::number::hex;

/// First bytes of an ELF file.
pub const MAGIC: &[u8] = b"\x7FELF";
/// 32 bits, little-endian.
const CLASS_AND_ORDER: [u8; 2] = [1, 1];
const RISC_V: u16 = 0xF3;
const XTENSA: u16 = 0x5E;
/// Types of sections that are loaded.
const PROGBITS: u32 = 1;
const INIT_ARRAY: u32 = 14;
const HEADER: usize = 52;
const SECTION_HEADER: usize = 40;
/// Bytes of the app descriptor.
const DESCRIPTOR: u32 = 256;
/// No memory of a chip starts below: address 0 and what is near it is nobody's.
const LOWEST_ADDR: u32 = 0x1_0000;
/// More than any flash holds.
const MOST_BYTES: u64 = 32 << 20;
/// espflash knows no larger flash in an image's header.
const LARGEST_FLASH: u32 = 128 << 20;

/// The app image of an ELF file for this chip; `flash_size` goes into its header.
///
/// # Errors
/// Why there is none, as one sentence without a full stop.
pub fn app_image(elf: &[u8], chip: Chip, flash_size: u32) -> Result<Vec<u8>, String> {
    check(elf, chip)?;
    let target: EspChip = chip
        .facts()
        .id
        .parse()
        .map_err(|_unknown| format!("ELF files for the {chip} are not known"))?;
    let settings = FlashSettings::new(None, flash(flash_size), None);
    let data = FlashData::new(settings, 0, None, target, target.default_xtal_frequency());
    // The last resort: what was not thought of above ends as a sentence too.
    let made = caught(|| {
        let image = IdfBootloaderFormat::new(elf, &data, None, None, None, None)?;
        let app = image.ota_segments().next();
        Ok::<_, espflash::Error>(app.map(|segment| segment.data.into_owned()))
    });
    match made {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Err(error)) => Err(format!("It cannot be made an app image: {error}")),
        Ok(Ok(None)) | Err(_) => {
            Err("It cannot be made an app image: its segments make no sense".into())
        }
    }
}

/// The size for the header: the largest that is known and not above the board's.
pub(super) fn flash(size: u32) -> Option<FlashSize> {
    let sizes = [
        (1, FlashSize::_1Mb),
        (2, FlashSize::_2Mb),
        (4, FlashSize::_4Mb),
        (8, FlashSize::_8Mb),
        (16, FlashSize::_16Mb),
        (32, FlashSize::_32Mb),
        (64, FlashSize::_64Mb),
        (128, FlashSize::_128Mb),
    ];
    let size = size.min(LARGEST_FLASH);
    let mut fitting = sizes.into_iter().filter(|(mib, _)| mib << 20 <= size);
    fitting.next_back().map(|(_, size)| size)
}

/// A section that is loaded.
#[derive(Clone, Copy)]
struct Section {
    addr: u32,
    size: u32,
    /// Whether this is the app descriptor's own section.
    is_descriptor: bool,
}

impl Section {
    fn end(self) -> u64 {
        u64::from(self.addr) + u64::from(self.size)
    }
}

fn check(elf: &[u8], chip: Chip) -> Result<(), String> {
    if !elf.starts_with(MAGIC) || elf.len() < HEADER {
        return Err("This is no ELF file".into());
    }
    if elf[4..6] != CLASS_AND_ORDER {
        return Err("This ELF file is not for a chip of 32 bits, lowest byte first".into());
    }
    let wanted = match chip {
        Chip::Esp32 | Chip::Esp32s2 | Chip::Esp32s3 => (XTENSA, "Xtensa"),
        _ => (RISC_V, "RISC-V"),
    };
    let machine = half(elf, 18).ok_or(CUT)?;
    if machine != wanted.0 {
        let found = match machine {
            RISC_V => "RISC-V".to_owned(),
            XTENSA => "Xtensa".to_owned(),
            other => format!("machine {other}"),
        };
        return Err(format!(
            "This ELF file is for {found}, and the {chip} is an {} chip",
            wanted.1
        ));
    }
    let mut sections = sections(elf)?;
    if sections.is_empty() {
        return Err("Nothing of this ELF file is loaded".into());
    }
    sections.sort_by_key(|section| section.addr);
    let total: u64 = sections.iter().map(|section| u64::from(section.size)).sum();
    if total > MOST_BYTES {
        return Err("More of this ELF file is loaded than any flash holds".into());
    }
    for section in &sections {
        if section.addr < LOWEST_ADDR || section.end() > 1 << 32 {
            return Err(format!(
                "A section of this ELF file lies at {}",
                hex(section.addr)
            ));
        }
        if section.is_descriptor && section.size < DESCRIPTOR {
            return Err("The app descriptor of this ELF file is cut off".into());
        }
    }
    let over = sections
        .windows(2)
        .find(|pair| pair[0].end() > u64::from(pair[1].addr));
    match over {
        Some(pair) => Err(format!(
            "Sections of this ELF file lie over one another at {}",
            hex(pair[1].addr)
        )),
        None => Ok(()),
    }
}

const CUT: &str = "This ELF file is cut off";

/// The sections that espflash would load.
fn sections(elf: &[u8]) -> Result<Vec<Section>, String> {
    let table = word(elf, 32).ok_or(CUT)? as usize;
    let size = usize::from(half(elf, 46).ok_or(CUT)?);
    let count = usize::from(half(elf, 48).ok_or(CUT)?);
    let names = usize::from(half(elf, 50).ok_or(CUT)?);
    if count > 0 && size != SECTION_HEADER {
        return Err("The section headers of this ELF file have an unknown size".into());
    }
    let header = |index: usize| {
        let at = index.checked_mul(SECTION_HEADER)?.checked_add(table)?;
        elf.get(at..at.checked_add(SECTION_HEADER)?)
    };
    let name_table = header(names)
        .and_then(|header| word(header, 16))
        .and_then(|at| elf.get(at as usize..))
        .unwrap_or_default();
    let mut found = Vec::new();
    for index in 0..count {
        let header = header(index).ok_or(CUT)?;
        let field = |at: usize| word(header, at).ok_or(CUT);
        let (name, kind, flags) = (field(0)?, field(4)?, field(8)?);
        let (addr, offset, size) = (field(12)?, field(16)?, field(20)?);
        let loaded = size > 0
            && (kind == PROGBITS || kind == INIT_ARRAY)
            && offset > 0
            && addr > 0
            && flags != 0;
        if !loaded {
            continue;
        }
        if u64::from(offset) + u64::from(size) > elf.len() as u64 {
            return Err(CUT.into());
        }
        let name = name_table.get(name as usize..).unwrap_or_default();
        found.push(Section {
            addr,
            size,
            is_descriptor: name.starts_with(b".flash.appdesc\0"),
        });
    }
    Ok(found)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}
