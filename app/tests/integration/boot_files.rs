//! A bootloader and a program for a board's flash, made by espflash: its bundled second-stage bootloader, and the agent
//! with the two mapped segments that this bootloader wants of every program.

use espflash::flasher::{FlashData, FlashFrequency, FlashMode, FlashSettings, FlashSize};
use espflash::image_format::idf::IdfBootloaderFormat;
use espflash::target::{Chip, XtalFrequency};
use flashpack::device::agent_image;

/// One section: name, address, bytes.
type Section<'a> = (&'static str, u32, &'a [u8]);

/// An ELF file (System V ABI; 32 bits, little-endian, RISC-V) with nothing but sections.
fn elf(entry: u32, sections: &[Section<'_>]) -> Vec<u8> {
    let mut names = b"\0".to_vec();
    let mut body = vec![0; 52];
    let mut headers: Vec<[u32; 10]> = vec![[0; 10]];
    for (name, addr, bytes) in sections {
        let at = names.len() as u32;
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        body.resize(body.len().next_multiple_of(16), 0);
        // PROGBITS, allocated.
        headers.push([
            at,
            1,
            2,
            *addr,
            body.len() as u32,
            bytes.len() as u32,
            0,
            0,
            4,
            0,
        ]);
        body.extend_from_slice(bytes);
    }
    let at = names.len() as u32;
    names.extend_from_slice(b".shstrtab\0");
    headers.push([
        at,
        3,
        0,
        0,
        body.len() as u32,
        names.len() as u32,
        0,
        0,
        1,
        0,
    ]);
    body.extend_from_slice(&names);
    body.resize(body.len().next_multiple_of(4), 0);
    let table = body.len() as u32;
    for word in headers.iter().flatten() {
        body.extend(word.to_le_bytes());
    }
    let mut header = b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    header.extend([2, 0, 243, 0, 1, 0, 0, 0]);
    for word in [entry, 0, table, 0] {
        header.extend(word.to_le_bytes());
    }
    let count = headers.len() as u16;
    for half in [52, 0, 0, 40, count, count - 1] {
        header.extend(half.to_le_bytes());
    }
    body[..52].copy_from_slice(&header);
    body
}

/// What goes where in a flash of 4 MiB.
pub fn bootloader_and_app() -> Vec<(&'static str, u32, Vec<u8>)> {
    let agent = agent_image::bundled();
    let ram: Vec<(u32, &[u8])> = agent
        .segments()
        .map(|segment| (segment.addr, segment.bytes))
        .collect();
    let description = &ram.iter().find(|(addr, _)| *addr < 0x4000_0000).unwrap().1[..256];
    let code = [0x13_u8, 0, 0, 0].repeat(16);
    let mut sections: Vec<Section<'_>> = vec![
        (".flash.appdesc", 0x3C00_0020, description),
        (".flash.text", 0x4201_0020, &code),
    ];
    sections.extend(ram.iter().map(|(addr, bytes)| (".ram", *addr, *bytes)));
    let file = elf(agent.entry, &sections);
    let settings = FlashSettings::new(
        Some(FlashMode::Dio),
        Some(FlashSize::_4Mb),
        Some(FlashFrequency::_80Mhz),
    );
    let data = FlashData::new(settings, 0, None, Chip::Esp32c3, XtalFrequency::_40Mhz);
    let format = IdfBootloaderFormat::new(&file, &data, None, None, None, None).unwrap();
    let segments = format.flash_segments();
    let named = segments.filter_map(|segment| {
        let target = match segment.addr {
            0 => "bootloader",
            0x1_0000 => "factory",
            // The table is the project's own.
            _ => return None,
        };
        Some((target, segment.addr, segment.data.to_vec()))
    });
    let named: Vec<_> = named.collect();
    assert_eq!(named.len(), 2);
    named
}
