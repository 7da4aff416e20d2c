//! ELF files: what becomes an app image, what is refused and why, and that no bytes stop the program.

use flashpack::device::elf_image::app_image;
use flashpack::formats::app_image as image;
use flashpack::model::chip::Chip;

use crate::elf_file::{app, elf};

const HEADER: usize = 52;
const SECTION_HEADER: usize = 40;

#[test]
fn an_elf_becomes_a_sound_app_image() {
    let bytes = app_image(&app(), Chip::Esp32c3, 4 << 20).unwrap();
    let made = image::parse(&bytes).unwrap();
    assert_eq!(made.chip(), Some(Chip::Esp32c3));
    assert_eq!(made.flash_size, Some(4 << 20));
    assert_eq!(made.entry_addr, 0x4200_0020);
    assert!(made.checksum.is_right() && made.sha256.unwrap().is_right());
    assert_eq!(made.descriptor.unwrap().project_name, "blink");
    let target = image::ImageTarget {
        chip: Some(Chip::Esp32c3),
        revision: Some((0, 4)),
        ..image::ImageTarget::default()
    };
    assert_eq!(image::check(&bytes, &target), []);
    let text = made
        .segments
        .iter()
        .find(|segment| segment.addr == 0x4200_0020)
        .unwrap();
    assert_eq!(bytes[text.offset..][..500], [0x13; 500]);
}

#[test]
fn the_flash_size_in_the_header_is_never_above_the_boards() {
    for (size, expected) in [(2 << 20, 2 << 20), (16 << 20, 16 << 20), (5 << 20, 4 << 20)] {
        let bytes = app_image(&app(), Chip::Esp32c3, size).unwrap();
        assert_eq!(image::parse(&bytes).unwrap().flash_size, Some(expected));
    }
}

#[test]
fn what_is_no_elf_for_this_chip_is_refused_with_a_sentence() {
    let refused = |elf: &[u8], chip: Chip, word: &str| {
        let reason = app_image(elf, chip, 4 << 20).unwrap_err();
        assert!(reason.contains(word), "{reason}");
    };
    refused(b"MZ", Chip::Esp32c3, "no ELF");
    refused(&app(), Chip::Esp32s3, "Xtensa");
    let mut wide = app();
    wide[4] = 2;
    refused(&wide, Chip::Esp32c3, "32 bits");
    refused(&app()[..600], Chip::Esp32c3, "cut off");
    refused(&elf(&[]), Chip::Esp32c3, "Nothing");
    refused(&elf(&[(".text", 8, vec![1; 8])]), Chip::Esp32c3, "0x8");
    let short = elf(&[(".flash.appdesc", 0x3C00_0020, vec![0; 100])]);
    refused(&short, Chip::Esp32c3, "descriptor");
    let over = elf(&[
        (".a", 0x4200_0020, vec![1; 100]),
        (".b", 0x4200_0040, vec![1; 100]),
    ]);
    refused(&over, Chip::Esp32c3, "over one another");
    let no_magic = elf(&[(".flash.appdesc", 0x3C00_0020, vec![0; 256])]);
    refused(&no_magic, Chip::Esp32c3, "cannot be made");
}

#[test]
fn no_change_of_a_byte_makes_it_stop() {
    let good = app();
    let mut seed = 0x1234_5678_u32;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed
    };
    let mut made = 0;
    for _ in 0..2000 {
        let mut elf = good.clone();
        // The headers decide; the data is only data.
        let headers = [0..HEADER, elf.len() - 6 * SECTION_HEADER..elf.len()];
        for _ in 0..=next() % 3 {
            let range = headers[(next() % 2) as usize].clone();
            let at = range.start + next() as usize % range.len();
            elf[at] = next() as u8;
        }
        made += usize::from(app_image(&elf, Chip::Esp32c3, 4 << 20).is_ok());
    }
    assert!(made > 0 && made < 2000, "{made}");
}
