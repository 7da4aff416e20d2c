//! What is typed into the fields of the hex view: places and patterns. Pure.

/// A place in bytes that starts at `start`: hexadecimal with or without `0x`, or decimal behind a `#`. The result
/// counts from the first byte.
pub fn place(text: &str, start: u64, len: usize) -> Option<usize> {
    let text = text.trim();
    let offset = if let Some(decimal) = text.strip_prefix('#') {
        decimal.parse::<u64>().ok()?
    } else {
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .unwrap_or(text);
        u64::from_str_radix(digits, 16).ok()?
    };
    let at = usize::try_from(offset.checked_sub(start)?).ok()?;
    (at < len).then_some(at)
}

/// What is looked for: `68 65 6C` and `0x68656C` are bytes, everything else is text; quotes force text.
pub fn pattern(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if let Some(quoted) = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|quoted| !quoted.is_empty())
    {
        return Some(quoted.as_bytes().to_vec());
    }
    if text.is_empty() {
        return None;
    }
    let bytes = match text.strip_prefix("0x") {
        Some(digits) if digits.is_ascii() && digits.len().is_multiple_of(2) => digits
            .as_bytes()
            .chunks(2)
            .map(|pair| byte(std::str::from_utf8(pair).ok()?))
            .collect::<Option<Vec<u8>>>(),
        // One pair alone may be a word of two letters, so that bytes are told by their spaces.
        _ if text.contains(' ') => text.split_whitespace().map(byte).collect(),
        _ => None,
    };
    Some(bytes.unwrap_or_else(|| text.as_bytes().to_vec()))
}

fn byte(pair: &str) -> Option<u8> {
    (pair.len() == 2)
        .then(|| u8::from_str_radix(pair, 16).ok())
        .flatten()
}

/// The first place of `pattern` from `from` on, and behind the end from the start again.
pub fn find(bytes: &[u8], pattern: &[u8], from: usize) -> Option<usize> {
    let from = from.min(bytes.len());
    first(bytes, pattern, from).or_else(|| {
        // A hit may begin before `from` and end behind it.
        let end = (from + pattern.len()).min(bytes.len());
        first(bytes.get(..end)?, pattern, 0)
    })
}

fn first(bytes: &[u8], pattern: &[u8], mut from: usize) -> Option<usize> {
    let (head, _) = pattern.split_first()?;
    loop {
        let rest = bytes.get(from..)?;
        let at = from + rest.iter().position(|byte| byte == head)?;
        if bytes.get(at..)?.starts_with(pattern) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_hexadecimal_and_inside() {
        assert_eq!(place("0x1230", 0, 0x2000), Some(0x1230));
        assert_eq!(place("1230", 0x1000, 0x2000), Some(0x230));
        assert_eq!(place("#16", 0, 100), Some(16));
        assert_eq!(place("0x10", 0x1000, 0x2000), None);
        assert_eq!(place("0x2000", 0, 0x2000), None);
        assert_eq!(place("readme", 0, 100), None);
    }

    #[test]
    fn bytes_are_told_from_text() {
        assert_eq!(pattern("68 65 6C"), Some(b"hel".to_vec()));
        assert_eq!(pattern("0x68656C"), Some(b"hel".to_vec()));
        assert_eq!(pattern("hello you"), Some(b"hello you".to_vec()));
        assert_eq!(pattern("be"), Some(b"be".to_vec()));
        assert_eq!(pattern("\"68 65\""), Some(b"68 65".to_vec()));
        assert_eq!(pattern(" "), None);
    }

    #[test]
    fn a_search_goes_on_behind_the_end() {
        let bytes = b"one two one";
        assert_eq!(find(bytes, b"one", 0), Some(0));
        assert_eq!(find(bytes, b"one", 1), Some(8));
        assert_eq!(find(bytes, b"one", 9), Some(0));
        assert_eq!(find(bytes, b"three", 0), None);
        assert_eq!(find(bytes, b"o one", 5), Some(6));
        assert_eq!(find(b"", b"a", 3), None);
    }
}
