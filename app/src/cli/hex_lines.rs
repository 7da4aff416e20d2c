//! Bytes in hexadecimal, sixteen to a line, as people know them from other tools.

/// `00008000  AA 50 01 02 …  |.P..|`, with the offsets from `start` on.
pub fn hex_lines(start: u32, bytes: &[u8]) -> String {
    let mut lines = Vec::new();
    for (index, line) in bytes.chunks(16).enumerate() {
        let cell = |(column, byte)| {
            let gap = if column == 8 { "  " } else { " " };
            format!("{gap}{byte:02X}")
        };
        let hex = line
            .iter()
            .enumerate()
            .map(cell)
            .collect::<Vec<_>>()
            .concat();
        let plain: String = line
            .iter()
            .map(|byte| {
                if (0x20..0x7F).contains(byte) {
                    char::from(*byte)
                } else {
                    '.'
                }
            })
            .collect();
        let offset = u64::from(start) + 16 * index as u64;
        lines.push(format!("{offset:08X} {hex:49}  |{plain}|\n"));
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_aligned_and_count_on() {
        let bytes: Vec<u8> = (0x3C..0x4E).collect();
        assert_eq!(
            hex_lines(0x8000, &bytes),
            "00008000  3C 3D 3E 3F 40 41 42 43  44 45 46 47 48 49 4A 4B  |<=>?@ABCDEFGHIJK|\n\
             00008010  4C 4D                                             |LM|\n"
        );
    }
}
