use super::*;
use crate::formats::bin_image::{self, BinOptions};
use crate::formats::file_tree::FileEntry;
use crate::formats::flash_file::{self, FlashFileOptions};
use crate::formats::romfs;

#[track_caller]
fn check(bytes: &[u8], kind: Kind, certain: bool) -> Recognised {
    let found = recognise(bytes);
    assert_eq!(
        (found.kind, found.certain),
        (kind, certain),
        "{:?}",
        found.facts
    );
    found
}

fn fact<'a>(found: &'a Recognised, name: &str) -> &'a str {
    found
        .facts
        .iter()
        .find(|(key, _)| key == name)
        .map_or("", |(_, value)| value)
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn files() -> Vec<FileEntry> {
    vec![
        FileEntry::file("a.txt", *b"hello"),
        FileEntry::file("b", [7; 100]),
        FileEntry::folder("d", vec![FileEntry::file("c", [])]),
    ]
}

#[test]
fn what_we_build_is_recognised() {
    let bin = bin_image::build(&files(), &BinOptions::default(), None)
        .unwrap()
        .bytes;
    let found = check(&bin, Kind::Bin, true);
    assert_eq!((fact(&found, "Files"), fact(&found, "Folders")), ("3", "1"));
    let compat = BinOptions {
        compat: true,
        ..BinOptions::default()
    };
    let plain = bin_image::build(&files()[..2], &compat, None)
        .unwrap()
        .bytes;
    assert_eq!(fact(&check(&plain, Kind::Bin, true), "Files"), "2");
    let mut partition = plain.clone();
    partition.resize(8192, 0xFF);
    check(&partition, Kind::Bin, true);
    partition[4000] = 1;
    check(&partition, Kind::Bin, false);
    let flash_file = flash_file::build(
        &flash_file::inputs_of(&files(), 0),
        &FlashFileOptions::default(),
    )
    .unwrap()
    .bytes;
    assert_eq!(
        fact(&check(&flash_file, Kind::FlashFile, true), "CRC-32"),
        "right"
    );
    let romfs = romfs::build(&files(), None).unwrap();
    assert_eq!(fact(&check(&romfs, Kind::Romfs, true), "Files"), "3");
}

/// Names that the seed's script cut: twice the same, and half a character.
#[test]
fn what_the_seed_cut_is_still_a_bin() {
    let entries = [
        FileEntry::file("longname1", *b"1"),
        FileEntry::file("longname2", *b"2"),
        FileEntry::file("1234567\u{e9}", *b"3"),
    ];
    let options = BinOptions {
        compat: true,
        cut_names: true,
        ..BinOptions::default()
    };
    let mut image = bin_image::build(&entries, &options, None).unwrap().bytes;
    check(&image, Kind::Bin, true);
    image.extend_from_slice(b"something else");
    check(&image, Kind::Unknown, false);
}

#[test]
fn nothing_and_erased_and_strange() {
    check(&[], Kind::Empty, true);
    check(&[0xFF; 16], Kind::Erased, true);
    check(&[0; 4096], Kind::Unknown, false);
    check(
        b"\x1F\x8B\x08 something that is compressed, so it seems",
        Kind::Unknown,
        false,
    );
    check(
        b"Just some text, with commas, in it, as people write it\n",
        Kind::Unknown,
        false,
    );
}

#[test]
fn littlefs_of_micropython() {
    let mut image = unhex(
        "01000000 f00ffff7 6c6974746c656673 2fe00010 01000200 00100000 40000000 ff000000 ffffff7f fe030000
         7feffc10 20000000 f4549300 0ff0000c d292b78c",
    );
    image.resize(0x4_0000, 0xFF);
    let found = check(&image, Kind::LittleFs, true);
    assert_eq!(
        (fact(&found, "Version on disk"), fact(&found, "Blocks")),
        ("2.1", "64 of 4 KiB")
    );
    image[..8].fill(0);
    image.copy_within(0..4096, 4096);
    image[..4096].fill(0xFF);
    check(&image, Kind::LittleFs, true);
}

#[test]
fn nvs_of_espressif() {
    let mut image = unhex("feffffff 00000000 fe");
    image.resize(28, 0xFF);
    image.extend(unhex("842dbab9"));
    image.resize(0x3000, 0xFF);
    assert_eq!(
        fact(&check(&image, Kind::Nvs, true), "Pages"),
        "1 used of 3"
    );
    image[5] = 1;
    check(&image, Kind::Unknown, false);
}

#[test]
fn fat_of_espressif() {
    let mut image = vec![0xFF; 4096];
    image.extend(unhex(
        "ebfe90 4d53444f53352e30 0010 01 0100 02 0002 7d00 f8 0100",
    ));
    image.resize(4096 + 510, 0);
    image.extend(unhex("55aa"));
    image.resize(528_384, 0);
    let found = check(&image, Kind::Fat, true);
    assert_eq!(fact(&found, "Sectors"), "125 of 4096 bytes");
    assert!(!fact(&found, "Wear levelling").is_empty());
    check(&image[4096..], Kind::Fat, true);
}

#[test]
fn spiffs_of_espressif() {
    let mut image = vec![0xFF; 0x1_0000];
    for block in 0..16u32 {
        let magic = (0x2014_0529_u32 ^ 256 ^ (16 - block)) as u16;
        image[block as usize * 4096 + 0xFC..][..2].copy_from_slice(&magic.to_le_bytes());
    }
    assert_eq!(image[0xFC..0xFE], [0x39, 0x04]);
    check(&image, Kind::Spiffs, true);
    image[4096 + 0xFC] ^= 1;
    check(&image, Kind::Unknown, false);
}

#[test]
fn assets_of_espressif() {
    let mut body = b"pic.png\0\0\0\0\0\0\0\0\0".to_vec();
    body.extend_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0x5A, 0x5A, 1, 2, 3]);
    let sum: u32 = body.iter().map(|byte| u32::from(*byte)).sum();
    let mut image = [1u32, sum & 0xFFFF, body.len() as u32]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect::<Vec<u8>>();
    image.extend(body);
    assert_eq!(fact(&check(&image, Kind::Mmap, true), "Files"), "1");
    *image.last_mut().unwrap() ^= 1;
    assert_ne!(recognise(&image).kind, Kind::Mmap);
}

#[test]
fn frogfs_of_both_orders() {
    let mut image = b"FROG\x01\x00\x05\x00\x40\0\0\0".to_vec();
    image.resize(0x40, 0);
    assert_eq!(fact(&check(&image, Kind::FrogFs, true), "Entries"), "5");
    image[4..16].copy_from_slice(&[16, 1, 0, 0, 0x40, 0, 0, 0, 7, 0, 4, 0]);
    assert_eq!(fact(&check(&image, Kind::FrogFs, true), "Entries"), "7");
}

#[test]
fn executables() {
    let mut elf = b"\x7FELF\x01\x01\x01".to_vec();
    elf.resize(52, 0);
    elf[18] = 0xF3;
    assert_eq!(fact(&check(&elf, Kind::Elf, true), "Machine"), "RISC-V");
    let mut block = vec![0; 512];
    for (at, word) in [
        (0, 0x0A32_4655_u32),
        (4, 0x9E5D_5157),
        (8, 0x2000),
        (12, 0x1000_0000),
        (16, 256),
        (24, 1),
        (28, 0xD42B_A06C),
        (508, 0x0AB1_6F30),
    ] {
        block[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    let found = check(&block, Kind::Uf2, true);
    assert_eq!(
        (fact(&found, "Family"), fact(&found, "Addresses")),
        ("ESP32-C3", "0x10000000 to 0x10000100")
    );
    check(
        b":10010000214601360121470136007EFE09D2190140\r\n:00000001FF\r\n",
        Kind::IntelHex,
        true,
    );
    assert_ne!(
        recognise(b":10010000214601360121470136007EFE09D2190141\n:00000001FF\n").kind,
        Kind::IntelHex
    );
}

#[test]
fn partition_tables() {
    let mut table =
        unhex("aa50 01 02 00900000 00600000 6e767300 00000000 00000000 00000000 00000000");
    table.extend(unhex("ebeb"));
    table.resize(0xC00, 0xFF);
    assert_eq!(
        fact(&check(&table, Kind::PartitionTable, true), "Names"),
        "nvs"
    );
    let idf = "# Name, Type, SubType, Offset, Size\nnvs, data, nvs, 0x9000, 0x6000,\nfactory,app,factory,,1M\n";
    assert_eq!(
        fact(
            &check(idf.as_bytes(), Kind::PartitionCsv, false),
            "Partitions"
        ),
        "2"
    );
    let seed = "data,nvs,0x9000,0x6000,nvs,\napp,factory,0x10000,1024*1024,factory,\n";
    assert!(
        fact(
            &check(seed.as_bytes(), Kind::PartitionCsv, false),
            "Columns"
        )
        .starts_with("type first")
    );
}
