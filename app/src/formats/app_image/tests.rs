use super::*;
use crate::model::problem::Severity;

/// An image of these segments, as a linker and esptool would make it.
fn image(chip_id: u16, segments: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![MAGIC, segments.len() as u8, 2, 0x2F];
    bytes.extend_from_slice(&0x4038_0000_u32.to_le_bytes());
    bytes.extend_from_slice(&[0xEE, 0, 0, 0]);
    bytes.extend_from_slice(&chip_id.to_le_bytes());
    bytes.extend_from_slice(&[0, 3, 0, 199, 0, 0, 0, 0, 0, 1]);
    let mut checksum = 0xEF;
    for (addr, data) in segments {
        bytes.extend_from_slice(&addr.to_le_bytes());
        bytes.extend_from_slice(&(data.len() as u32).to_le_bytes());
        bytes.extend_from_slice(data);
        checksum = data.iter().fold(checksum, |sum, byte| sum ^ byte);
    }
    bytes.resize((bytes.len() + 1).next_multiple_of(16) - 1, 0);
    bytes.push(checksum);
    let sha = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sha);
    bytes
}

fn app() -> Vec<u8> {
    let mut descriptor = vec![0; 256];
    descriptor[..4].copy_from_slice(&DESCRIPTOR_MAGIC.to_le_bytes());
    descriptor[16..21].copy_from_slice(b"1.2.3");
    descriptor[48..52].copy_from_slice(b"demo");
    image(
        5,
        &[(0x3C00_0020, descriptor), (0x4038_0000, vec![0x13; 100])],
    )
}

fn c3() -> ImageTarget {
    ImageTarget {
        chip: Some(Chip::Esp32c3),
        revision: Some((0, 4)),
        slot_size: Some(0x1000),
        partition: "factory".to_owned(),
        role: ImageRole::App,
    }
}

#[track_caller]
fn refused(bytes: &[u8], target: &ImageTarget, word: &str) {
    let problems = check(bytes, target);
    assert!(
        problems
            .iter()
            .any(|problem| problem.severity == Severity::Error && problem.message.contains(word)),
        "{problems:?}"
    );
}

#[test]
fn a_good_app_has_no_problems() {
    let bytes = app();
    let image = parse(&bytes).unwrap();
    assert_eq!(image.chip(), Some(Chip::Esp32c3));
    assert_eq!(
        (image.flash_size, image.spi_mode, image.spi_speed),
        (Some(0x40_0000), 2, 15)
    );
    assert_eq!(image.size, bytes.len());
    assert_eq!(image.revisions, (3, 199));
    let descriptor = image.descriptor.unwrap();
    assert_eq!(
        (
            descriptor.version.as_str(),
            descriptor.project_name.as_str()
        ),
        ("1.2.3", "demo")
    );
    assert_eq!(check(&bytes, &c3()), []);
    let padded = [bytes, vec![0xFF; 100]].concat();
    assert_eq!(check(&padded, &c3()), []);
}

#[test]
fn what_would_not_boot_is_refused() {
    let bytes = app();
    refused(
        &bytes,
        &ImageTarget {
            chip: Some(Chip::Esp32s3),
            ..c3()
        },
        "ESP32-S3",
    );
    refused(
        &bytes,
        &ImageTarget {
            slot_size: Some(0x100),
            ..c3()
        },
        "partition",
    );
    refused(
        &bytes,
        &ImageTarget {
            slot_size: Some(0x200_0000),
            ..c3()
        },
        "16 MiB",
    );
    refused(
        &bytes,
        &ImageTarget {
            revision: Some((0, 2)),
            ..c3()
        },
        "v0.3",
    );
    refused(
        &bytes,
        &ImageTarget {
            revision: Some((2, 0)),
            ..c3()
        },
        "v1.99",
    );
    for len in [0, 1, 23, 24, 40, bytes.len() - 33, bytes.len() - 1] {
        refused(&bytes[..len], &c3(), "ESP image");
    }
    let mut flipped = bytes.clone();
    flipped[300] ^= 1;
    refused(&flipped, &c3(), "checksum");
    refused(&flipped, &c3(), "SHA-256");
    refused(&image(5, &[(0x3C00_0024, vec![0; 16])]), &c3(), "mapped");
    let mut odd = bytes.clone();
    odd[1] = 17;
    refused(&odd, &c3(), "17 segments");
}

#[test]
fn a_bootloader_may_have_another_header_than_its_sum_was_made_for() {
    let mut bytes = app();
    bytes[2] = 0;
    let problems = check(
        &bytes,
        &ImageTarget {
            role: ImageRole::Bootloader,
            ..c3()
        },
    );
    assert_eq!(
        problems
            .iter()
            .map(|problem| problem.severity)
            .collect::<Vec<_>>(),
        [Severity::Warning]
    );
}

#[test]
fn a_signature_is_mentioned() {
    let signed = [app(), vec![7; 68]].concat();
    let problems = check(&signed, &c3());
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].severity, Severity::Note);
}

#[test]
fn a_merged_image_is_no_app() {
    let mut table = vec![0xFF; 0xC00];
    table[..12].copy_from_slice(&[0xAA, 0x50, 1, 2, 0, 0x90, 0, 0, 0, 0x60, 0, 0]);
    for (start, table_at) in [
        (0usize, 0x8000usize),
        (0, 0x7000),
        (0, 0x6000),
        (0x1000, 0x8000),
        (0x2000, 0x8000),
    ] {
        let mut merged = vec![0xFF; start];
        merged.extend(app());
        merged.resize(table_at, 0xFF);
        merged.extend_from_slice(&table);
        assert_eq!(merged_table_offset(&merged), Some(table_at));
        if start == 0 {
            refused(
                &merged,
                &ImageTarget {
                    slot_size: None,
                    ..c3()
                },
                "merged image",
            );
        }
    }
    assert_eq!(merged_table_offset(&app()), None);
}
