//! Numbers as a partition CSV spells them, and how one is spelled again after an edit.
//!
//! Reading follows `parse_int` of ESP-IDF's `gen_esp32part.py` 1.5, which is Python's `int(text, 0)` with suffixes K
//! and M on top; see `docs/formats.md` for the places where Python takes more. What people type into a cell may be
//! freer: that is [`super::number::parse_bytes`], and `table_edit` turns it into a spelling that ESP-IDF takes.

/// Most decimal digits that Python converts (its guard against slow conversions).
const PYTHON_MOST_DIGITS: usize = 4300;

/// Whether Python's `str.strip` removes this character: Unicode white space, and four control characters more.
pub fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

/// Removes white space as Python's `str.strip` does.
pub fn python_strip(text: &str) -> &str {
    // All white space is below `!` or beyond ASCII.
    let is_plain = |byte: Option<&u8>| byte.is_none_or(|byte| (0x21..0x7F).contains(byte));
    // Most cells have a space in front of them, or none.
    let text = text.strip_prefix(' ').unwrap_or(text);
    if is_plain(text.as_bytes().first()) && is_plain(text.as_bytes().last()) {
        return text;
    }
    let trimmed = text.trim_ascii();
    let bytes = trimmed.as_bytes();
    if is_plain(bytes.first()) && is_plain(bytes.last()) {
        return trimmed;
    }
    trimmed.trim_matches(is_python_space)
}

/// A number with suffixes, as ESP-IDF's tool reads it: `65536`, `0x10000`, `64K`, `1kk`, `0x10M`, `-4M`.
/// What does not fit 128 bits is cut there; nobody can use it anyway.
pub fn esp_idf_number(text: &str) -> Option<i128> {
    esp_idf_value(text, &[])
}

/// A number with suffixes, or one of these keywords in any case. The suffixes count for keywords too (`otak` is
/// `ota` times 1024), because the tool takes them off first.
pub fn esp_idf_value(text: &str, keywords: &[(&str, u8)]) -> Option<i128> {
    if let Some(value) = plain_number(text.as_bytes()) {
        return Some(value);
    }
    let mut rest = text;
    let mut factor: i128 = 1;
    while let Some(last) = rest.chars().next_back() {
        let unit = match last {
            // U+212A is the Kelvin sign, which becomes a `k` in lower case.
            'k' | 'K' | '\u{212a}' => 1 << 10,
            'm' | 'M' => 1 << 20,
            _ => break,
        };
        factor = factor.saturating_mul(unit);
        rest = rest.get(..rest.len() - last.len_utf8())?;
    }
    python_int(rest)
        .or_else(|| keyword(rest, keywords))
        .map(|value| {
            if factor == 1 {
                value
            } else {
                value.saturating_mul(factor)
            }
        })
}

/// What nearly every number is: up to 8 hexadecimal or 9 decimal digits, and one suffix at most. `None` for all else,
/// number or not.
fn plain_number(bytes: &[u8]) -> Option<i128> {
    let (digits, unit) = match bytes {
        [digits @ .., b'k' | b'K'] => (digits, 10),
        [digits @ .., b'm' | b'M'] => (digits, 20),
        digits => (digits, 0),
    };
    let (digits, radix, most) = match digits {
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16, 8),
        // A leading zero is for the long way.
        [b'1'..=b'9', ..] => (digits, 10, 9),
        _ => return None,
    };
    if digits.is_empty() || digits.len() > most {
        return None;
    }
    let value = digits.iter().try_fold(0_i64, |value, byte| {
        char::from(*byte)
            .to_digit(radix)
            .map(|digit| value * i64::from(radix) + i64::from(digit))
    })?;
    Some(i128::from(value << unit))
}

fn keyword(text: &str, keywords: &[(&str, u8)]) -> Option<i128> {
    let value_of = |is: &dyn Fn(&str) -> bool| {
        let found = keywords.iter().find(|(word, _)| is(word));
        found.map(|(_, value)| i128::from(*value))
    };
    if text.is_ascii() {
        return value_of(&|word| word.eq_ignore_ascii_case(text));
    }
    // Beyond ASCII there are letters whose lower case is ASCII.
    let lower = text.to_lowercase();
    value_of(&|word| word == lower)
}

/// Python's `int(text, 0)`, for ASCII digits: decimal without leading zeros, `0x`, `0o`, `0b`, a sign, single
/// underscores between digits, white space around.
pub fn python_int(text: &str) -> Option<i128> {
    // A keyword is no number; most cells are seen to be one by their first letter.
    if text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) {
        return None;
    }
    // Unlike `str.strip`, `int` does not skip the four control characters.
    let text = text.trim();
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, prefixed(unsigned)?),
        [b'0', b'o' | b'O', ..] => (8, prefixed(unsigned)?),
        [b'0', b'b' | b'B', ..] => (2, prefixed(unsigned)?),
        _ => (10, unsigned),
    };
    let value = digits_value(digits, radix)?;
    // A leading zero would be ambiguous with C's octal numbers, so Python takes it only for zero itself.
    if radix == 10 && value != 0 && digits.starts_with('0') {
        return None;
    }
    Some(if negative { -value } else { value })
}

/// The digits behind a prefix of two characters; one underscore may follow the prefix.
fn prefixed(text: &str) -> Option<&str> {
    let digits = text.get(2..)?;
    Some(digits.strip_prefix('_').unwrap_or(digits))
}

fn digits_value(digits: &str, radix: u32) -> Option<i128> {
    let mut value: i128 = 0;
    let mut after_digit = false;
    let mut count = 0_usize;
    for character in digits.chars() {
        match character.to_digit(radix) {
            Some(digit) => {
                value = value
                    .saturating_mul(i128::from(radix))
                    .saturating_add(i128::from(digit));
                after_digit = true;
                count += 1;
            }
            None if character == '_' && after_digit => after_digit = false,
            None => return None,
        }
    }
    (after_digit && (radix != 10 || count <= PYTHON_MOST_DIGITS)).then_some(value)
}

/// How a number was spelled, so that an edit can spell its successor alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberStyle {
    Decimal,
    /// `0x` and at least `width` digits.
    Hex {
        width: usize,
        upper_digits: bool,
        upper_x: bool,
    },
    /// A number of KiB with this letter behind it.
    Kilo(char),
    /// A number of MiB with this letter behind it.
    Mega(char),
}

impl NumberStyle {
    /// What `gen_esp32part.py` writes for offsets.
    pub const HEX: Self = Self::Hex {
        width: 1,
        upper_digits: false,
        upper_x: false,
    };

    /// The style of a cell's text, sign or not; `None` if it is no number.
    pub fn of(text: &str) -> Option<Self> {
        let text = python_strip(text).trim_start_matches(['-', '+']);
        python_int(text.trim_end_matches(['k', 'K', 'm', 'M']))?;
        match text.chars().next_back()? {
            letter @ ('k' | 'K') => return Some(Self::Kilo(letter)),
            letter @ ('m' | 'M') => return Some(Self::Mega(letter)),
            _ => {}
        }
        let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) else {
            return Some(Self::Decimal);
        };
        let leading_zero = digits.len() > 1 && digits.starts_with('0');
        Some(Self::Hex {
            width: if leading_zero { digits.len() } else { 1 },
            upper_digits: digits.contains(|digit: char| digit.is_ascii_uppercase()),
            upper_x: text.starts_with("0X"),
        })
    }

    /// Whether the style tells upper from lower case, which `0x9000` does not.
    pub fn shows_case(text: &str) -> bool {
        text.strip_prefix("0x")
            .is_some_and(|digits| digits.contains(|digit: char| digit.is_ascii_alphabetic()))
    }

    /// The number in this style; in the next finer one where this style cannot say it exactly.
    pub fn spell(self, value: u32) -> String {
        match self {
            Self::Decimal => value.to_string(),
            Self::Hex {
                width,
                upper_digits,
                upper_x,
            } => {
                let prefix = if upper_x { "0X" } else { "0x" };
                // A width from a file may be absurd; nobody pads further than 32 bits need.
                let width = width.min(8);
                if upper_digits {
                    format!("{prefix}{value:0width$X}")
                } else {
                    format!("{prefix}{value:0width$x}")
                }
            }
            Self::Mega(letter) if value.is_multiple_of(1 << 20) => {
                format!("{}{letter}", value >> 20)
            }
            Self::Mega('m') => Self::Kilo('k').spell(value),
            Self::Mega(_) => Self::Kilo('K').spell(value),
            Self::Kilo(letter) if value.is_multiple_of(1 << 10) => {
                format!("{}{letter}", value >> 10)
            }
            Self::Kilo(_) => Self::HEX.spell(value),
        }
    }

    /// A size as `gen_esp32part.py` writes it: whole MiB as `1M`, whole KiB as `24K`, else hexadecimal.
    pub fn size_of_generated_csv(size: u32) -> String {
        Self::Mega('M').spell(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<i128>) {
        assert_eq!(esp_idf_number(text), expected, "{text:?}");
    }

    #[test]
    fn reads_what_python_reads() {
        for (text, value) in [
            ("0", 0),
            ("00", 0),
            ("0_0", 0),
            ("65536", 65536),
            ("0x1F", 31),
            ("0X_1f", 31),
            ("0o17", 15),
            ("0b1_01", 5),
            ("1_000", 1000),
            ("+5", 5),
            ("-0x10", -16),
            ("64k", 65536),
            ("64 K", 65536),
            ("0x10K", 16384),
            ("1kk", 1 << 20),
            ("1mK", 1 << 30),
            ("2\u{212a}", 2048),
            ("-4M", -(4 << 20)),
            ("\u{a0}7\u{2003}", 7),
            ("\t7\u{b}", 7),
        ] {
            check(text, Some(value));
        }
    }

    #[test]
    fn refuses_what_python_refuses() {
        for text in [
            "", "K", "010", "0_1", "4.5K", "1__0", "_1", "1_", "0x", "0x_", "0xg", "- 5", "--5",
            "1 2", "N/A", "1e3", "0b2", "0o8", "7\u{1f}", "k1", "٣",
        ] {
            check(text, None);
        }
        check(&"1".repeat(4301), None);
        check(&"9".repeat(4300), Some(i128::MAX));
    }

    #[test]
    fn keywords_take_suffixes_too() {
        let words = [("ota", 0), ("phy", 1)];
        assert_eq!(esp_idf_value("OTA", &words), Some(0));
        assert_eq!(esp_idf_value("phyK", &words), Some(1024));
        assert_eq!(esp_idf_value("0x8f", &words), Some(0x8F));
        assert_eq!(esp_idf_value("nvs", &words), None);
    }

    #[track_caller]
    fn respelled(old: &str, value: u32, expected: &str) {
        assert_eq!(NumberStyle::of(old).unwrap().spell(value), expected);
    }

    #[test]
    fn a_number_keeps_its_style() {
        respelled("1M", 0x20_0000, "2M");
        respelled("1M", 0x18_0000, "1536K");
        respelled("1m", 0x18_0000, "1536k");
        respelled("1M", 0x123, "0x123");
        respelled("64K", 0x10_0000, "1024K");
        respelled("-4M", 0x80_0000, "8M");
        respelled("0x009000", 0xA000, "0x00a000");
        respelled("0x3D0000", 0xAB_0000, "0xAB0000");
        respelled("0X1f", 0xAB, "0Xab");
        respelled("4096", 8192, "8192");
        assert_eq!(NumberStyle::of("N/A"), None);
        assert_eq!(NumberStyle::size_of_generated_csv(0), "0M");
        assert_eq!(NumberStyle::size_of_generated_csv(0x6000), "24K");
    }
}
