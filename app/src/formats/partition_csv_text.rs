//! The characters of a partition CSV: encodings and their marks, the line ends that Python knows, `$VAR`.
//!
//! Follows what `gen_esp32part.py` 1.5 does to the text before it looks at a cell. Every decoding here can be undone
//! exactly ([`encode`]), so that a file that was read can be written back byte for byte.

use std::borrow::Cow;

use crate::model::table_spelling::Encoding;

const UTF8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// Takes the bytes of a text file apart into characters. `None` if they are no text in any encoding: they hold zero
/// bytes, or are cut in the middle of a character of UTF-16 or UTF-32.
pub fn decode(bytes: &[u8]) -> Option<(Cow<'_, str>, Encoding)> {
    if let Some(rest) = bytes.strip_prefix(UTF8_MARK) {
        return match std::str::from_utf8(rest) {
            Ok(text) => Some((Cow::Borrowed(text), Encoding::Utf8Marked)),
            Err(_) => as_bytes(bytes),
        };
    }
    // The mark of UTF-32 begins with that of UTF-16, so it is looked for first.
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE, 0, 0]) {
        return utf32(rest, u32::from_le_bytes).map(|text| (Cow::Owned(text), Encoding::Utf32Le));
    }
    if let Some(rest) = bytes.strip_prefix(&[0, 0, 0xFE, 0xFF]) {
        return utf32(rest, u32::from_be_bytes).map(|text| (Cow::Owned(text), Encoding::Utf32Be));
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        return utf16(rest, u16::from_le_bytes).map(|text| (Cow::Owned(text), Encoding::Utf16Le));
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFE, 0xFF]) {
        return utf16(rest, u16::from_be_bytes).map(|text| (Cow::Owned(text), Encoding::Utf16Be));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Some((Cow::Borrowed(text), Encoding::Utf8)),
        Ok(_) => None,
        Err(_) => as_bytes(bytes),
    }
}

fn as_bytes(bytes: &[u8]) -> Option<(Cow<'_, str>, Encoding)> {
    // Latin-1 and its kin have no zeros and no control characters but those of lines and tabs.
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C);
    if bytes.iter().any(control) {
        return None;
    }
    Some((
        bytes.iter().map(|byte| char::from(*byte)).collect(),
        Encoding::Bytes,
    ))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|bytes| unit(*bytes)))
        .collect::<Result<String, _>>()
        .ok()?;
    rest.is_empty().then_some(text)
}

fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<4>();
    let text = units
        .iter()
        .map(|bytes| char::from_u32(unit(*bytes)))
        .collect::<Option<String>>()?;
    rest.is_empty().then_some(text)
}

/// The bytes of a text in an encoding: the exact reverse of [`decode`]. A text that its single-byte encoding cannot
/// hold any more, because of an edit, becomes UTF-8.
pub fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf8Marked => [UTF8_MARK, text.as_bytes()].concat(),
        Encoding::Utf16Le => marked_utf16(text, u16::to_le_bytes),
        Encoding::Utf16Be => marked_utf16(text, u16::to_be_bytes),
        Encoding::Utf32Le => marked_utf32(text, u32::to_le_bytes),
        Encoding::Utf32Be => marked_utf32(text, u32::to_be_bytes),
        Encoding::Bytes => text
            .chars()
            .map(|character| u8::try_from(u32::from(character)).ok())
            .collect::<Option<Vec<u8>>>()
            .unwrap_or_else(|| text.as_bytes().to_vec()),
    }
}

fn marked_utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xFEFF)
        .chain(text.encode_utf16())
        .flat_map(bytes)
        .collect()
}

fn marked_utf32(text: &str, bytes: fn(u32) -> [u8; 4]) -> Vec<u8> {
    std::iter::once(0xFEFF)
        .chain(text.chars().map(u32::from))
        .flat_map(bytes)
        .collect()
}

/// Whether the only line ends of a text are line feeds, as in nearly every file; all others start with a few rare
/// bytes in UTF-8.
pub fn has_plain_lines(text: &str) -> bool {
    let rare = |byte: &u8| matches!(byte, 0x0B..=0x0D | 0x1C..=0x1E | 0xC2 | 0xE2);
    // Without a way out early the compiler looks at many bytes at once.
    !text.bytes().fold(false, |found, byte| found | rare(&byte))
}

/// As [`split_line`], for a text that [`has_plain_lines`].
pub fn split_plain_line(text: &str) -> (&str, &str, &str) {
    match text.bytes().position(|byte| byte == b'\n') {
        Some(at) => {
            let (line, rest) = text.split_at(at);
            let (end, rest) = rest.split_at(1);
            (line, end, rest)
        }
        None => (text, "", ""),
    }
}

/// Cuts the next line off: its text, its end and the rest. Lines end where Python's `str.splitlines` ends them, which
/// is at more characters than a line feed.
pub fn split_line(text: &str) -> (&str, &str, &str) {
    // The rare ones start with these bytes in UTF-8.
    let maybe = |byte: &u8| matches!(byte, 0x0A..=0x0D | 0x1C..=0x1E | 0xC2 | 0xE2);
    // Nearly always a line feed comes first, and finding one is fast.
    if let Some((line, rest)) = text.split_once('\n')
        && !line.bytes().fold(false, |found, byte| found | maybe(&byte))
    {
        let end = text.get(line.len()..=line.len()).unwrap_or_default();
        return (line, end, rest);
    }
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = bytes
        .get(from..)
        .and_then(|rest| rest.iter().position(maybe))
    {
        let at = from + found;
        let rest = text.get(at..).unwrap_or_default();
        let len = match rest.chars().next() {
            Some('\r') if rest.starts_with("\r\n") => 2,
            Some('\n'..='\r' | '\x1c'..='\x1e') => 1,
            Some('\u{85}') => 2,
            Some('\u{2028}' | '\u{2029}') => 3,
            Some(other) => {
                from = at + other.len_utf8();
                continue;
            }
            None => break,
        };
        let (line, rest) = text.split_at(at);
        let (end, rest) = rest.split_at(len);
        return (line, end, rest);
    }
    (text, "", "")
}

/// Replaces `$NAME` and `${NAME}` by what `vars` says, as Python's `os.path.expandvars` does on Linux and macOS; an
/// unknown variable stays as it is.
pub fn expand_vars<'a>(line: &'a str, vars: &dyn Fn(&str) -> Option<String>) -> Cow<'a, str> {
    if !line.contains('$') {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('$') {
        let (before, from_dollar) = rest.split_at(at);
        out.push_str(before);
        let after = from_dollar.get(1..).unwrap_or_default();
        let in_braces = after
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        let (name, whole_len) = if let Some((name, _)) = in_braces {
            (name, name.len() + 3)
        } else {
            let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let len = after.bytes().take_while(of_name).count();
            (after.get(..len).unwrap_or_default(), len + 1)
        };
        let (whole, behind) = from_dollar.split_at(whole_len);
        match vars(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(whole),
        }
        rest = behind;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The variable at the very beginning of a line, if one is left there after [`expand_vars`]: the only place where
/// ESP-IDF's tool looks for unknown variables.
pub fn leading_variable(line: &str) -> Option<&str> {
    let name = line.strip_prefix('$')?;
    let len = name
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        .count();
    let name = name.get(..len)?;
    name.bytes()
        .next()
        .filter(|first| !first.is_ascii_digit())?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_comes_back_byte_for_byte() {
        let text = "# größe, \u{1F980}\r\nnvs,data,nvs,,0x4000\u{2028}x";
        for encoding in [
            Encoding::Utf8,
            Encoding::Utf8Marked,
            Encoding::Utf16Le,
            Encoding::Utf16Be,
            Encoding::Utf32Le,
            Encoding::Utf32Be,
        ] {
            let bytes = encode(text, encoding);
            assert_eq!(decode(&bytes), Some((Cow::Borrowed(text), encoding)));
        }
        let latin = b"# gr\xF6\xDFe\n";
        assert_eq!(
            decode(latin),
            Some((Cow::Borrowed("# größe\n"), Encoding::Bytes))
        );
        assert_eq!(encode("# größe\n", Encoding::Bytes), latin);
        assert_eq!(encode("# ж\n", Encoding::Bytes), "# ж\n".as_bytes());
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for bytes in [
            &b"a\0b"[..],
            &[0x89, b'P', 0x0D, 0x0A, 0x1A],
            &[0xFF, 0xFE, 0x41],
            &[0xFE, 0xFF, 0xD8, 0, 0, 0x41],
        ] {
            assert_eq!(decode(bytes), None);
        }
        assert_eq!(decode(b""), Some((Cow::Borrowed(""), Encoding::Utf8)));
    }

    #[test]
    fn lines_end_where_python_ends_them() {
        let mut rest = "a\nb\r\nc\rd\x0be\x0cf\x1cg\u{85}h\u{2029}i é\u{2026} j\n";
        let mut lines = Vec::new();
        while !rest.is_empty() {
            let (line, _, behind) = split_line(rest);
            lines.push(line);
            rest = behind;
        }
        assert_eq!(
            lines,
            ["a", "b", "c", "d", "e", "f", "g", "h", "i é\u{2026} j"]
        );
    }

    #[test]
    fn variables_are_replaced_as_python_does() {
        let vars = |name: &str| match name {
            "SIZE" => Some("1M".to_owned()),
            "A" => Some("$SIZE".to_owned()),
            "" | "1" => Some("never".to_owned()).filter(|_| name == "1"),
            _ => None,
        };
        let check = |line: &str, expected: &str| assert_eq!(expand_vars(line, &vars), expected);
        check("x,$SIZE,${SIZE}K", "x,1M,1MK");
        check("$A$SIZE", "$SIZE1M");
        check("$NONE ${NONE} $ ${} $1", "$NONE ${NONE} $ ${} never");
        check("${SIZE", "${SIZE");
        assert_eq!(leading_variable("$FOO_1,data"), Some("FOO_1"));
        assert_eq!(leading_variable(" $FOO"), None);
        assert_eq!(leading_variable("$1"), None);
    }
}
