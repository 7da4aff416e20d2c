//! Recognises text: partition tables and Intel HEX.

use super::{Kind, Recognised};

/// Looks at the bytes as text, if they are.
pub(super) fn text(bytes: &[u8]) -> Option<Recognised> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    intel_hex(text).or_else(|| partition_csv(text))
}

/// Lines of a colon and hexadecimal bytes whose sum is 0; the last record is `00000001FF`.
fn intel_hex(text: &str) -> Option<Recognised> {
    let mut data = 0usize;
    let mut ended = false;
    for line in text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
    {
        let digits = line.strip_prefix(':')?;
        if ended || !digits.is_ascii() || digits.len() % 2 != 0 {
            return None;
        }
        let record: Vec<u8> = (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
            .collect::<Option<_>>()?;
        let sum = record.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        let [count, _, _, kind, ..] = record[..] else {
            return None;
        };
        if sum != 0 || record.len() != usize::from(count) + 5 {
            return None;
        }
        data += if kind == 0 { usize::from(count) } else { 0 };
        ended = kind == 1;
    }
    ended.then(|| Recognised::certain(Kind::IntelHex).fact("Bytes of data", data))
}

/// Rows with `app` or `data` as first or second of at least four columns; anything else but comments spoils it.
fn partition_csv(text: &str) -> Option<Recognised> {
    let is_type = |cell: &str| {
        matches!(
            cell.to_ascii_lowercase().as_str(),
            "app" | "data" | "bootloader" | "partition_table"
        )
    };
    let mut rows = 0;
    let mut seed_order = false;
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let is_number =
            |cell: &&str| cell.starts_with("0x") || cell.bytes().all(|byte| byte.is_ascii_digit());
        let second = cells.get(1).copied().unwrap_or_default();
        if cells.len() < 4 || !(is_type(cells[0]) || is_type(second) || is_number(&second)) {
            return None;
        }
        // In the seed's order the type comes first and the label fifth.
        seed_order |= is_type(cells[0]) && !is_type(second);
        rows += 1;
    }
    (rows > 0).then(|| {
        Recognised::likely(Kind::PartitionCsv)
            .fact("Partitions", rows)
            .fact(
                "Columns",
                if seed_order {
                    "type first, as esp32flash_mpy has them"
                } else {
                    "name first, as ESP-IDF has them"
                },
            )
    })
}
