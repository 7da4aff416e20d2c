//! Random partition tables from a seed: mostly sensible, with a wrong cell here and there. For the tests that compare
//! readers, that mutate input, and that edit.

/// A small generator of numbers (splitmix64): the same seed gives the same tables on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ (value >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// What ESP-IDF's tool is told on its command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub table_offset: u32,
    pub primary_bootloader_offset: Option<u32>,
    pub recovery_bootloader_offset: Option<u32>,
    /// In MiB.
    pub flash_size: Option<u32>,
}

pub fn options(random: &mut Random) -> Options {
    Options {
        table_offset: if random.once_in(8) {
            random.pick(&[0x9000, 0x1_0000, 0x8000, 0x1000, 0x7000])
        } else {
            0x8000
        },
        primary_bootloader_offset: random
            .once_in(4)
            .then(|| random.pick(&[0, 0x1000, 0x2000, 0x1000, 0x9000])),
        recovery_bootloader_offset: random
            .once_in(6)
            .then(|| random.pick(&[0x20_0000, 0x3F_0000, 0x3F_0800])),
        flash_size: random.once_in(3).then(|| random.pick(&[1, 2, 4, 8, 16])),
    }
}

/// The text of a CSV. `oddity` is how rare odd cells are: once in so many.
pub fn csv(random: &mut Random, oddity: usize) -> String {
    let end = if random.once_in(12) {
        random.pick(&["\r\n", "\r", "\u{2028}", "\u{b}", "\u{85}"])
    } else {
        "\n"
    };
    let mut text = String::new();
    let rows = match random.below(40) {
        0 => 0,
        1 => 90 + random.below(8),
        _ => 1 + random.below(7),
    };
    // A running place, so that explicit offsets are mostly right.
    let mut place: u64 = 0x9000;
    for index in 0..rows {
        if random.once_in(6) {
            text.push_str(random.pick(&[
                "# a comment, with, commas",
                "",
                "  ",
                "#",
                "\t# $HOME",
                "# Name, Type, SubType, Offset, Size, Flags",
            ]));
            text.push_str(end);
        }
        text.push_str(&row(random, oddity, index, rows, &mut place));
        if index + 1 < rows || !random.once_in(5) {
            text.push_str(end);
        }
    }
    text
}

const KINDS: [&str; 9] = [
    "app",
    "data",
    "data",
    "data",
    "0",
    "1",
    "0x40",
    "bootloader",
    "partition_table",
];
const APP_SUBTYPES: [&str; 10] = [
    "factory", "ota_0", "ota_1", "ota_2", "ota_15", "test", "tee_0", "0x10", "0x21", "2",
];
const DATA_SUBTYPES: [&str; 14] = [
    "nvs",
    "phy",
    "fat",
    "spiffs",
    "littlefs",
    "undefined",
    "",
    "ota",
    "coredump",
    "nvs_keys",
    "tee_ota",
    "0x8f",
    "0x40",
    "esphttpd",
];
const NAMES: [&str; 11] = [
    "app",
    "data",
    "nvs",
    "ota_0",
    "a name",
    "",
    "größe",
    "seventeen_letters",
    "seventeen_letterz",
    "vfs",
    "bin",
];
const FLAGS: [&str; 8] = [
    "",
    "",
    "",
    "",
    "encrypted",
    "readonly",
    "encrypted:readonly",
    ":readonly:",
];

fn kind_and_subtype(random: &mut Random, many: bool) -> (&'static str, &'static str) {
    let kind = random.pick(&KINDS);
    let rare = matches!(kind, "bootloader" | "partition_table") && !random.once_in(4);
    let kind = if rare || many { "data" } else { kind };
    let subtype = match kind {
        "app" | "0" => random.pick(&APP_SUBTYPES),
        "data" | "1" => random.pick(&DATA_SUBTYPES),
        "bootloader" => random.pick(&["primary", "ota", "recovery"]),
        "partition_table" => random.pick(&["primary", "ota"]),
        _ => random.pick(&["", "0", "0x7f", "6"]),
    };
    (kind, subtype)
}

fn row(random: &mut Random, oddity: usize, index: usize, rows: usize, place: &mut u64) -> String {
    let many = rows > 20;
    let (kind, subtype) = kind_and_subtype(random, many);
    let is_app = matches!(kind, "app" | "0");
    let unit: u64 = if is_app { 0x1_0000 } else { 0x1000 };
    let size: u64 = match subtype {
        "ota" | "tee_ota" if random.once_in(12) => 0x1000,
        "ota" | "tee_ota" => 0x2000,
        _ if many => 0x3000,
        _ => unit * (1 + random.below(if is_app { 24 } else { 8 }) as u64),
    };
    *place = place.next_multiple_of(unit);
    if random.once_in(5) {
        *place += unit * random.below(4) as u64;
    }
    let offset = if random.once_in(2) {
        String::new()
    } else {
        number(random, *place)
    };
    let size_text = if random.once_in(14) {
        format!("-{}", number(random, *place + size))
    } else {
        number(random, size)
    };
    *place += size;
    let name = if random.once_in(30) {
        random.pick(&NAMES).to_owned()
    } else {
        format!("p{index}")
    };
    let flags = random.pick(&FLAGS);
    let mut cells = [
        name,
        kind.to_owned(),
        subtype.to_owned(),
        offset,
        size_text,
        flags.to_owned(),
    ];
    if matches!(kind, "bootloader" | "partition_table") && random.once_in(2) {
        "N/A".clone_into(&mut cells[4]);
        if subtype != "ota" {
            "N/A".clone_into(&mut cells[3]);
        }
    }
    if random.once_in(oddity) {
        odd_cell(random, &mut cells);
    }
    join(random, &cells)
}

fn odd_cell(random: &mut Random, cells: &mut [String; 6]) {
    const ODD: [&str; 46] = [
        "",
        " ",
        "N/A",
        "-1",
        "-0",
        "0",
        "00",
        "010",
        "0x",
        "0x_10",
        "1__0",
        "1_0",
        "+5",
        "0b11",
        "0o17",
        "4.5K",
        "1.5M",
        "1kk",
        "64 K",
        "k",
        "4096M",
        "5000M",
        "99999999999999999999",
        "0x123",
        "0x1000",
        "0x12345",
        "0xFFFFFFFF",
        "0x100000000",
        "256",
        "255",
        "APP",
        "Data",
        "OTAk",
        "nvs",
        "factorY",
        "encrypted",
        "Encrypted",
        "encrypted : readonly",
        "$NOPE",
        "${SIZE}",
        "$SIZE",
        "$A_NAME",
        "0x10K",
        "-4M",
        "# x",
        "\u{212a}",
    ];
    let column = random.below(6);
    random.pick(&ODD).clone_into(&mut cells[column]);
    if random.once_in(3) {
        let odd = match column {
            1 => random.pick(&["app", "data", "APP", "5", "0xff", "0x100", "3", "datak"]),
            2 => random.pick(&["ota", "OTA", "Factory", "recovery", "0x100", "otak", "phym"]),
            3 => random.pick(&["0x8000", "0x9000", "0x0", "0x10000", "0x9420", "0xFFFFF000"]),
            4 => random.pick(&[
                "0x100400",
                "0x101000",
                "0x2000",
                "0x1234",
                "0xFFFFF000",
                "-0x20000",
            ]),
            5 => random.pick(&["readonly", "readonly:encrypted", "read only"]),
            _ => random.pick(&["p0", "p1", "$A_NAME", "x$SIZE", "${NOPE}"]),
        };
        odd.clone_into(&mut cells[column]);
    }
}

fn number(random: &mut Random, value: u64) -> String {
    match random.below(9) {
        0 => value.to_string(),
        1 => format!("{value:#X}").replace("0X", "0x"),
        2 if value.is_multiple_of(1024) => format!("{}K", value / 1024),
        3 if value.is_multiple_of(1024) => format!("{}k", value / 1024),
        4 if value.is_multiple_of(1 << 20) => format!("{}M", value >> 20),
        5 => format!("0x{value:06x}"),
        6 => format!("{value:#b}"),
        _ => format!("{value:#x}"),
    }
}

fn join(random: &mut Random, cells: &[String; 6]) -> String {
    let style = random.below(6);
    let mut line = String::new();
    let last = cells.iter().rposition(|cell| !cell.is_empty()).unwrap_or(0);
    let count = if random.once_in(2) {
        6
    } else {
        (last + 1).max(2)
    };
    for (index, cell) in cells.iter().take(count).enumerate() {
        if index > 0 {
            line.push(',');
            match style {
                0 | 1 => line.push(' '),
                2 => line.push_str(
                    &" ".repeat(10_usize.saturating_sub(cells[index - 1].chars().count())),
                ),
                3 => line.push('\t'),
                _ => {}
            }
        }
        line.push_str(cell);
        if style == 4 {
            line.push_str(&" ".repeat(8_usize.saturating_sub(cell.chars().count())));
        }
    }
    if random.once_in(20) {
        line.push_str(random.pick(&[
            ",",
            ",,",
            ", extra",
            ",# note, and more",
            " ",
            "\u{a0}",
            "\u{1f}",
        ]));
    }
    if random.once_in(40) {
        line.insert(0, ' ');
    }
    line
}

/// Damages a text: a few characters inserted, removed or replaced.
pub fn damaged(random: &mut Random, text: &str) -> String {
    const CHARACTERS: [char; 40] = [
        ',',
        ',',
        ',',
        ' ',
        '\t',
        '\n',
        '\r',
        '\u{b}',
        '\u{1c}',
        '\u{1f}',
        '\u{85}',
        '\u{a0}',
        '\u{2003}',
        '\u{feff}',
        '#',
        '$',
        '{',
        '}',
        '_',
        '-',
        '+',
        '0',
        '1',
        '9',
        'x',
        'X',
        'a',
        'F',
        'k',
        'K',
        'm',
        'M',
        ':',
        '.',
        'b',
        'o',
        'é',
        '\u{212a}',
        'ß',
        '\u{1F980}',
    ];
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(3) {
        let at = random.below(characters.len() + 1);
        match random.below(3) {
            0 => characters.insert(at, random.pick(&CHARACTERS)),
            1 if at < characters.len() => drop(characters.remove(at)),
            _ if at < characters.len() => characters[at] = random.pick(&CHARACTERS),
            _ => {}
        }
    }
    characters.into_iter().collect()
}

/// The bytes of a text in one of the encodings that a CSV may have.
pub fn encoded(random: &mut Random, text: &str) -> Vec<u8> {
    let utf16 = |bytes: fn(u16) -> [u8; 2]| {
        std::iter::once(0xFEFF)
            .chain(text.encode_utf16())
            .flat_map(bytes)
            .collect()
    };
    let utf32 = |bytes: fn(u32) -> [u8; 4]| {
        std::iter::once(0xFEFF)
            .chain(text.chars().map(u32::from))
            .flat_map(bytes)
            .collect()
    };
    match random.below(60) {
        0..3 => [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat(),
        3 => utf16(u16::to_le_bytes),
        4 => utf16(u16::to_be_bytes),
        5 => utf32(u32::to_le_bytes),
        6 => utf32(u32::to_be_bytes),
        // Bytes that are no UTF-8: the low halves of the characters.
        7 => text
            .chars()
            .map(|character| character as u8)
            .filter(|byte| *byte >= 9)
            .collect(),
        _ => text.as_bytes().to_vec(),
    }
}

/// The value of a variable, as the tests set the environment.
pub fn variable(name: &str) -> Option<String> {
    match name {
        "SIZE" => Some("0x10000".to_owned()),
        "A_NAME" => Some("expanded".to_owned()),
        "HOME" => Some("/home/nobody".to_owned()),
        _ => None,
    }
}

/// Bytes of a binary table, sometimes damaged.
pub fn binary(random: &mut Random) -> Vec<u8> {
    use md5::{Digest, Md5};
    let mut bytes = Vec::new();
    let mut place: u32 = 0x9000;
    for index in 0..random.below(7) {
        let kind = random.pick(&[0_u8, 1, 1, 1, 2, 3, 0x40, 0x10]);
        let subtype = random.pick(&[0_u8, 0, 1, 2, 3, 6, 0x10, 0x11, 0x20, 0x81, 0x8F]);
        let unit = if kind == 0 { 0x1_0000 } else { 0x1000 };
        place = place.next_multiple_of(unit);
        let size = if (kind, subtype) == (1, 0) && !random.once_in(6) {
            0x2000
        } else {
            unit * (1 + random.below(8) as u32)
        };
        let offset = if random.once_in(25) {
            random.next() as u32
        } else {
            place
        };
        place = place.wrapping_add(size) & 0x0FFF_FFFF;
        bytes.extend_from_slice(&[0xAA, 0x50, kind, subtype]);
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&size.to_le_bytes());
        let name = if random.once_in(20) {
            random
                .pick(&["", "sixteen_letters!", "ж", "p0", "nvs", "app", "a b"])
                .to_owned()
        } else {
            format!("p{index}")
        };
        let mut field = [0_u8; 16];
        field[..name.len().min(16)].copy_from_slice(&name.as_bytes()[..name.len().min(16)]);
        if random.once_in(40) {
            field[random.below(16)] = 0xE9;
        }
        bytes.extend_from_slice(&field);
        let flags = random.pick(&[0_u32, 0, 0, 1, 2, 3, 4, 0x8000_0000]);
        bytes.extend_from_slice(&flags.to_le_bytes());
    }
    if !random.once_in(8) {
        let digest = Md5::digest(&bytes);
        bytes.extend_from_slice(&[0xEB, 0xEB]);
        bytes.extend_from_slice(&[if random.once_in(5) { 0 } else { 0xFF }; 14]);
        bytes.extend_from_slice(&digest);
    }
    if !random.once_in(30) {
        bytes.resize(
            (bytes.len() + 32).max(if random.once_in(2) { 0xC00 } else { 0 }),
            0xFF,
        );
    }
    if random.once_in(10) && !bytes.is_empty() {
        let at = random.below(bytes.len());
        bytes[at] = random.next() as u8;
    }
    if random.once_in(40) {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    bytes
}
