//! A small RISC-V ELF file, made by hand after the System V ABI, with the app descriptor that ESP-IDF's bootloader wants.

const HEADER: usize = 52;
const SECTION_HEADER: usize = 40;

/// A RISC-V ELF file by hand (System V ABI): sections of these names, addresses and bytes, each loaded.
pub fn elf(sections: &[(&str, u32, Vec<u8>)]) -> Vec<u8> {
    let mut names = b"\0.shstrtab\0".to_vec();
    let mut data = vec![0; HEADER];
    let mut headers = vec![[0u32; 10]];
    for (name, addr, bytes) in sections {
        let at = names.len() as u32;
        names.extend(name.as_bytes());
        names.push(0);
        headers.push([
            at,
            1,
            2,
            *addr,
            data.len() as u32,
            bytes.len() as u32,
            0,
            0,
            4,
            0,
        ]);
        data.extend(bytes);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    headers.push([
        1,
        3,
        0,
        0,
        data.len() as u32,
        names.len() as u32,
        0,
        0,
        1,
        0,
    ]);
    data.extend(&names);
    data.resize(data.len().next_multiple_of(4), 0);
    let table = data.len() as u32;
    for header in &headers {
        data.extend(header.iter().flat_map(|word| word.to_le_bytes()));
    }
    data[..16].copy_from_slice(b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0");
    data[16..18].copy_from_slice(&2u16.to_le_bytes());
    data[18..20].copy_from_slice(&0xF3u16.to_le_bytes());
    data[20..24].copy_from_slice(&1u32.to_le_bytes());
    data[24..28].copy_from_slice(&0x4200_0020u32.to_le_bytes());
    data[32..36].copy_from_slice(&table.to_le_bytes());
    data[40..42].copy_from_slice(&(HEADER as u16).to_le_bytes());
    data[46..48].copy_from_slice(&(SECTION_HEADER as u16).to_le_bytes());
    data[48..50].copy_from_slice(&(headers.len() as u16).to_le_bytes());
    data[50..52].copy_from_slice(&(headers.len() as u16 - 1).to_le_bytes());
    data
}

pub fn descriptor() -> Vec<u8> {
    let mut bytes = vec![0; 256];
    bytes[..4].copy_from_slice(&0xABCD_5432_u32.to_le_bytes());
    bytes[16..19].copy_from_slice(b"0.1");
    bytes[48..53].copy_from_slice(b"blink");
    bytes
}

pub fn app() -> Vec<u8> {
    elf(&[
        (".flash.appdesc", 0x3C00_0020, descriptor()),
        (".rodata", 0x3C00_0120, vec![7; 300]),
        (".text", 0x4200_0020, vec![0x13; 500]),
        (".iram", 0x4038_0000, vec![0x11; 60]),
    ])
}
