//! What the chip does and prints when it starts: the ROM's lines, and those of the bootloader in flash.
//!
//! The bootloader's decisions are in [`super::boot_order`], its proofs in [`super::boot_image`]. An app that is found
//! sound is not run: the board falls silent where the app would begin, or [`super::app_output`] speaks. Times in the lines are those that printing them
//! at 115200 baud takes.

use std::fmt::{self, Write as _};

use device_agent::mmu::{ENTRIES, PAGE_SIZE};
use device_agent::partition_table::{Row, label};

use super::boot_image::{Image, ImageFault, Proof};
use super::boot_order::{self, TableFault};
use super::chips::ChipRow;
use super::silicon::Silicon;
use crate::formats::boot_order::Candidate;
use crate::formats::otadata::{State, record};

/// Lines that the ROM prints about a bad header before its watchdog restarts it.
const COMPLAINTS: usize = 8;
/// Restarts that are shown: a real chip goes on for ever.
const RESTARTS: usize = 2;
/// Characters that a UART sends in a second at 115200 baud.
const CHARACTERS_PER_SECOND: usize = 11_520;
/// The bootloader reads flash through this entry, and leaves it as it is: showing the app that it proved.
const OWN_ENTRY: u8 = ENTRIES - 1;

/// What the ROM prints when its loader is left: it finds no user code, faults, and hangs.
pub const USER_CODE_DONE: &str = "user code done\r\n\
    Guru Meditation Error: Core 0 panic'ed (Instruction access fault)\r\n";

/// Why the chip starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    PowerOn,
    Software,
    Watchdog,
    BrownOut,
    /// The watchdog of the ROM itself, when it finds nothing to start.
    RomWatchdog,
}

impl Cause {
    /// As the ROM prints it.
    const fn text(self) -> &'static str {
        match self {
            Self::PowerOn => "rst:0x1 (POWERON)",
            Self::Software => "rst:0x3 (RTC_SW_SYS_RST)",
            Self::Watchdog => "rst:0x10 (RTCWDT_RTC_RST)",
            Self::BrownOut => "rst:0xf (BROWNOUT_RST)",
            Self::RomWatchdog => "rst:0x7 (TG0WDT_SYS_RST)",
        }
    }
}

/// The ROM's lines before it waits for a download.
pub fn to_download(row: &ChipRow, cause: Cause) -> String {
    format!(
        "{}{},{}\r\nwaiting for download\r\n",
        row.banner,
        cause.text(),
        row.boot_to_download
    )
}

/// How a start from flash ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Everything that is printed until an app runs, or nothing more happens.
    pub text: String,
    /// An app was found sound, and runs now.
    pub app: Option<Loaded>,
}

/// The app that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Where its image begins, in bytes from the start of the flash.
    pub offset: u32,
    /// What the bootloader left in the MMU: entries, each with the page of flash that it shows.
    pub mapped: Vec<(u8, u8)>,
}

/// Starts what is in flash.
pub fn from_flash(silicon: &mut Silicon, cause: Cause) -> Started {
    let mut log = Log(String::new());
    log.rom_banner(silicon.row, cause);
    let has_bootloader = rom(silicon, &mut log);
    let app = has_bootloader
        .then(|| bootloader(silicon, &mut log))
        .flatten();
    Started { text: log.0, app }
}

/// The ROM loads the bootloader; false if there is none.
fn rom(silicon: &Silicon, log: &mut Log) -> bool {
    let offset = silicon.row.chip.facts().bootloader_offset as usize;
    let room = silicon.flash.bytes().get(offset..).unwrap_or_default();
    let complaint = match Image::read(room, Proof::Checksum) {
        Ok(image) => {
            log.rom_line(format_args!("SPIWP:0xee"));
            let mode = ["QIO", "QOUT", "DIO", "DOUT"]
                .get(usize::from(image.mode))
                .unwrap_or(&"SLOW");
            log.rom_line(format_args!("mode:{mode}, clock div:1"));
            for segment in &image.segments {
                log.rom_line(format_args!(
                    "load:{:#010x},len:{:#x}",
                    segment.addr, segment.len
                ));
            }
            log.rom_line(format_args!("entry {:#010x}", image.entry));
            return true;
        }
        Err(ImageFault::Checksum { calculated, stored }) => {
            format!("csum err:{calculated:#04x}!={stored:#04x}")
        }
        Err(ImageFault::NoImage { word }) => format!("invalid header: {word:#010x}"),
        Err(_) => "invalid segment count or length".to_owned(),
    };
    for restart in 0..RESTARTS {
        if restart > 0 {
            log.rom_banner(silicon.row, Cause::RomWatchdog);
        }
        for _ in 0..COMPLAINTS {
            log.rom_line(format_args!("{complaint}"));
        }
    }
    false
}

/// The bootloader reads the table and otadata, and looks for an app that is sound.
fn bootloader(silicon: &mut Silicon, log: &mut Log) -> Option<Loaded> {
    log.info(
        "boot",
        format_args!("2nd stage bootloader of the practice board"),
    );
    let rows = match boot_order::read_table(silicon.flash.bytes()) {
        Ok(rows) => rows,
        Err(fault) => {
            match fault {
                TableFault::Magic { row, magic } => {
                    log.error(
                        "flash_parts",
                        format_args!("partition {row} invalid magic number {magic:#06x}"),
                    );
                }
                TableFault::Md5 => {
                    log.error("flash_parts", format_args!("partition table MD5 is wrong"));
                }
            }
            log.error("boot", format_args!("Failed to verify partition table"));
            log.error("boot", format_args!("load partition table error!"));
            return None;
        }
    };
    print_table(&rows, log);
    let (order, record_at) = boot_order::order(silicon.flash.bytes(), &rows);
    if order.by_default {
        match order.candidates.first() {
            Some(Candidate { slot: None, .. }) => {
                log.info("boot", format_args!("Defaulting to factory image"));
            }
            Some(_) => log.info("boot", format_args!("No factory image, trying OTA 0")),
            None => {}
        }
    }
    for candidate in &order.candidates {
        let Some(mapped) = load_app(silicon, candidate, log) else {
            continue;
        };
        if let (Some(offset), Some(slot)) = (record_at, candidate.slot) {
            // The result does not matter to the boot, and a power cut shows in the flash.
            let written = silicon.flash.erase_sector(offset);
            written
                .and_then(|()| {
                    silicon
                        .flash
                        .program(offset, &record(slot + 1, State::Valid))
                })
                .ok();
        }
        let offset = candidate.partition.offset;
        return Some(Loaded { offset, mapped });
    }
    log.error(
        "boot",
        format_args!("No bootable app partitions in the partition table"),
    );
    None
}

/// The MMU's entries that show an app which is sound, with the page of flash in each.
fn load_app(silicon: &Silicon, candidate: &Candidate<Row>, log: &mut Log) -> Option<Vec<(u8, u8)>> {
    let Row { offset, size, .. } = candidate.partition;
    let end = (offset as usize).saturating_add(size as usize);
    let room = silicon
        .flash
        .bytes()
        .get(offset as usize..end)
        .unwrap_or_default();
    let chip = silicon.row.chip.facts().image_id;
    let fault = match Image::read(room, Proof::Everything { chip }) {
        Ok(image) => {
            let mut entries = vec![(OWN_ENTRY, (offset / PAGE_SIZE) as u8)];
            for (number, segment) in image.segments.iter().enumerate() {
                let paddr = offset.wrapping_add(segment.place);
                let (addr, len) = (segment.addr, segment.len);
                // What lies on the two mapped buses is mapped, the rest is copied.
                let mapped = matches!(addr >> 24, 0x3C | 0x3D | 0x42 | 0x43);
                let how = if mapped { "map" } else { "load" };
                if mapped {
                    entries.extend(shown(paddr, addr, len));
                }
                log.info(
                    "esp_image",
                    format_args!("segment {number}: paddr={paddr:08x} vaddr={addr:08x} size={len:05x}h ({len:6}) {how}"),
                );
            }
            log.info(
                "boot",
                format_args!("Loaded app from partition at offset {offset:#x}"),
            );
            return Some(entries);
        }
        Err(fault) => fault,
    };
    match fault {
        ImageFault::NoImage { .. } => log.error(
            "esp_image",
            format_args!("image at {offset:#x} has invalid magic byte (nothing flashed here?)"),
        ),
        ImageFault::WrongChip { expected, found } => {
            log.error(
                "boot_comm",
                format_args!("mismatch chip ID, expected {expected}, found {found}"),
            );
        }
        ImageFault::Segments => log.error(
            "esp_image",
            format_args!("image at {offset:#x} has invalid segments"),
        ),
        ImageFault::Checksum { calculated, stored } => {
            log.error(
                "esp_image",
                format_args!("Checksum failed. Calculated {calculated:#x} read {stored:#x}"),
            );
        }
        ImageFault::Sha => log.error(
            "esp_image",
            format_args!("Image hash failed - image is corrupt"),
        ),
    }
    match candidate.slot {
        Some(slot) => log.error(
            "boot",
            format_args!("OTA app partition slot {slot} is not bootable"),
        ),
        None => log.error(
            "boot",
            format_args!("Factory app partition is not bootable"),
        ),
    }
    None
}

/// The entries that show so many bytes from `paddr` on, seen at `addr` on either bus.
fn shown(paddr: u32, addr: u32, len: u32) -> impl Iterator<Item = (u8, u8)> {
    let pages = (paddr % PAGE_SIZE).saturating_add(len).div_ceil(PAGE_SIZE);
    let (entry, page) = (addr / PAGE_SIZE, paddr / PAGE_SIZE);
    (0..pages).map(move |step| {
        let entry = (entry.wrapping_add(step) % u32::from(ENTRIES)) as u8;
        (entry, page.wrapping_add(step) as u8)
    })
}

fn print_table(rows: &[Row], log: &mut Log) {
    log.info("boot", format_args!("Partition Table:"));
    log.info(
        "boot",
        format_args!("## Label            Usage          Type ST Offset   Length"),
    );
    for (number, row) in rows.iter().enumerate() {
        let usage = match (row.kind, row.subtype) {
            (0, 0) => "factory app",
            (0, 0x20) => "test app",
            (0, 0x10..=0x1F) => "OTA app",
            (0, _) => "Unknown app",
            (1, 0) => "OTA data",
            (1, 1) => "RF data",
            (1, 2) => "WiFi data",
            (1, 4) => "NVS keys",
            (1, 5) => "efuse",
            (1, _) => "Unknown data",
            _ => "Unknown",
        };
        let name = String::from_utf8_lossy(label(&row.label));
        let Row {
            kind,
            subtype,
            offset,
            size,
            ..
        } = *row;
        log.info(
            "boot",
            format_args!(
                "{number:2} {name:<16} {usage:<16} {kind:02x} {subtype:02x} {offset:08x} {size:08x}"
            ),
        );
    }
    log.info("boot", format_args!("End of partition table"));
}

/// Printed lines.
struct Log(String);

impl Log {
    fn rom_banner(&mut self, row: &ChipRow, cause: Cause) {
        self.0.push_str(row.banner);
        self.rom_line(format_args!("{},{}", cause.text(), row.boot_from_flash));
    }

    fn rom_line(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        write!(self.0, "{text}\r\n").ok();
    }

    fn info(&mut self, tag: &str, text: fmt::Arguments<'_>) {
        self.line('I', tag, text);
    }

    fn error(&mut self, tag: &str, text: fmt::Arguments<'_>) {
        self.line('E', tag, text);
    }

    fn line(&mut self, level: char, tag: &str, text: fmt::Arguments<'_>) {
        let millis = self.0.len() * 1000 / CHARACTERS_PER_SECOND;
        self.rom_line(format_args!("{level} ({millis}) {tag}: {text}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::boot_image::tests::make;
    use super::super::boot_order::tests::row;
    use super::super::chips;
    use super::super::faults::Faults;
    use super::super::flash::Flash;
    use super::super::ram::Ram;
    use super::super::registers::Registers;
    use super::*;
    use crate::model::chip::Chip;

    fn silicon(contents: &[(usize, &[u8])]) -> Silicon {
        let mut bytes = vec![0xFF; 0x40_0000];
        for (at, data) in contents {
            bytes[*at..*at + data.len()].copy_from_slice(data);
        }
        let row = chips::row(Chip::Esp32c3).unwrap();
        Silicon {
            row,
            flash: Flash::new(bytes, &Faults::default()),
            registers: Registers::new(row, [0; 6], false),
            ram: Ram::default(),
            secure_download: false,
            encrypted: false,
            secure_boot: false,
        }
    }

    fn bootloader_image() -> Vec<u8> {
        make(5, &[(0x3FCD_5820, &[3; 32])])
    }

    #[test]
    fn a_blank_chip_complains_and_restarts_but_not_for_ever() {
        let text = from_flash(&mut silicon(&[]), Cause::PowerOn).text;
        assert!(text.starts_with(
            "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\nrst:0x1 (POWERON),boot:0xc"
        ));
        assert_eq!(text.matches("invalid header: 0xffffffff\r\n").count(), 16);
        assert_eq!(text.matches("TG0WDT_SYS_RST").count(), 1);
    }

    #[test]
    fn a_bootloader_with_a_wrong_checksum_does_not_start() {
        let mut image = bootloader_image();
        image[40] ^= 1;
        let text = from_flash(&mut silicon(&[(0, &image)]), Cause::Software).text;
        assert!(
            text.contains("csum err:") && !text.contains("entry"),
            "{text}"
        );
    }

    #[test]
    fn without_a_table_the_bootloader_gives_up() {
        let text = from_flash(&mut silicon(&[(0, &bootloader_image())]), Cause::PowerOn).text;
        assert!(
            text.contains(
                "mode:DIO, clock div:1\r\nload:0x3fcd5820,len:0x20\r\nentry 0x12345678\r\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("flash_parts: partition 0 invalid magic number 0xffff"),
            "{text}"
        );
        assert!(
            text.ends_with("boot: load partition table error!\r\n"),
            "{text}"
        );
    }

    #[test]
    fn the_first_sound_app_is_loaded_and_the_choice_recorded() {
        let table = [
            row(1, 0, 0xE000, 0x2000, "otadata"),
            row(0, 0x10, 0x1_0000, 0x1_0000, "app0"),
            row(0, 0x11, 0x2_0000, 0x1_0000, "app1"),
        ];
        let app = make(5, &[(0x3C00_0020, &[1; 100]), (0x4038_0000, &[2; 4])]);
        let mut broken = app.clone();
        broken[9] ^= 1;
        let table = table.concat();
        let mut silicon = silicon(&[
            (0, &bootloader_image()),
            (0x8000, &table),
            (0x1_0000, &broken),
            (0x2_0000, &app),
        ]);
        let Started { text, app: loaded } = from_flash(&mut silicon, Cause::PowerOn);
        let mapped = vec![(127, 2), (0, 2)];
        assert_eq!(
            loaded,
            Some(Loaded {
                offset: 0x2_0000,
                mapped
            })
        );
        let expected = [
            " 1 app0             OTA app          00 10 00010000 00010000",
            "No factory image, trying OTA 0",
            "esp_image: Image hash failed - image is corrupt",
            "boot: OTA app partition slot 0 is not bootable",
            "esp_image: segment 0: paddr=00020020 vaddr=3c000020 size=00064h (   100) map",
            "esp_image: segment 1: paddr=0002008c vaddr=40380000 size=00004h (     4) load",
            "boot: Loaded app from partition at offset 0x20000",
        ];
        for line in expected {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert_eq!(silicon.flash.read(0xE000, 32), record(2, State::Valid));
        let again = from_flash(&mut silicon, Cause::PowerOn).text;
        assert!(
            !again.contains("not bootable") && again.contains("offset 0x20000"),
            "{again}"
        );
    }

    #[test]
    fn nothing_bootable_is_said_so() {
        let table = row(0, 0, 0x1_0000, 0x1_0000, "factory");
        let other_chip = make(9, &[(0x3C00_0020, &[1; 100])]);
        let mut silicon = silicon(&[
            (0, &bootloader_image()),
            (0x8000, &table),
            (0x1_0000, &other_chip),
        ]);
        let text = from_flash(&mut silicon, Cause::PowerOn).text;
        for line in [
            "Defaulting to factory image",
            "mismatch chip ID, expected 5, found 9",
            "Factory app partition is not bootable",
            "No bootable app partitions in the partition table",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
