//! Sizes and offsets as people type and read them: `0x10000`, `64K`, `1.5M`; 1 KiB is 1024 bytes everywhere.

/// Reads a size or an offset in bytes: decimal, `0x` hexadecimal, with an optional suffix K, M, KB, MB, KiB or MiB
/// (any case, all of them powers of 1024). A decimal fraction is accepted where it is a whole number of bytes.
///
/// # Errors
/// A sentence that says what was expected, for anything else and for values of 4 GiB and more.
pub fn parse_bytes(text: &str) -> Result<u32, String> {
    let typed = text.trim();
    let expected =
        || format!("“{typed}” is not a size: use a number such as 4096, 0x1000, 64K or 1.5M");
    let lower = typed.to_ascii_lowercase().replace('_', "");
    let (digits, unit) = if let Some(hex) = lower.strip_prefix("0x") {
        // K and M are no hexadecimal digits; B is one, so after 0x only the one-letter suffixes are unambiguous.
        let (hex, unit) = split_unit(hex, &[("kib", 10), ("mib", 20), ("k", 10), ("m", 20)]);
        let value = u64::from_str_radix(hex, 16).ok().ok_or_else(expected)?;
        return bounded(value.checked_shl(unit), typed);
    } else {
        split_unit(
            &lower,
            &[
                ("kib", 10),
                ("mib", 20),
                ("kb", 10),
                ("mb", 20),
                ("k", 10),
                ("m", 20),
                ("b", 0),
            ],
        )
    };
    let digits = digits.trim_end();
    match digits.split_once('.') {
        None if is_digits(digits) => {
            let value: u64 = digits.parse().ok().ok_or_else(expected)?;
            bounded(value.checked_mul(1 << unit), typed)
        }
        Some((whole, fraction))
            if is_digits(whole) && is_digits(fraction) && fraction.len() <= 6 =>
        {
            let scale = 10u64.pow(fraction.len() as u32);
            let whole: u64 = whole.parse().ok().ok_or_else(expected)?;
            let fraction: u64 = fraction.parse().ok().ok_or_else(expected)?;
            let scaled = whole
                .checked_mul(scale)
                .and_then(|value| value.checked_add(fraction))
                .and_then(|value| value.checked_mul(1 << unit));
            if scaled.is_some_and(|value| value % scale != 0) {
                return Err(format!("“{typed}” is not a whole number of bytes"));
            }
            bounded(scaled.map(|value| value / scale), typed)
        }
        _ => Err(expected()),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn split_unit<'a>(text: &'a str, units: &[(&str, u32)]) -> (&'a str, u32) {
    units
        .iter()
        .find_map(|(suffix, shift)| text.strip_suffix(suffix).map(|rest| (rest, *shift)))
        .unwrap_or((text, 0))
}

fn bounded(value: Option<u64>, typed: &str) -> Result<u32, String> {
    value
        .and_then(|value| u32::try_from(value).ok())
        .ok_or_else(|| format!("“{typed}” is more than 4 GiB"))
}

/// A size for reading: `4 KiB`, `1.94 MiB`, `37 bytes`.
pub fn human_size(bytes: u64) -> String {
    const KIB: f64 = 1024.0;
    let exact = bytes as f64;
    let scaled = |value: f64, unit: &str| {
        let digits = if value.fract() == 0.0 { 0 } else { 2 };
        format!("{value:.digits$} {unit}")
    };
    match bytes {
        1 => "1 byte".into(),
        0..1024 => format!("{bytes} bytes"),
        1024..0x10_0000 => scaled(exact / KIB, "KiB"),
        0x10_0000..0x4000_0000 => scaled(exact / (KIB * KIB), "MiB"),
        _ => scaled(exact / (KIB * KIB * KIB), "GiB"),
    }
}

/// A size in full, for a tooltip: `1 MiB · 0x100000 · 1,048,576 bytes`.
pub fn exact_size(bytes: u64) -> String {
    // Small sizes are exact already.
    if bytes < 1024 {
        return format!("{} · {}", human_size(bytes), hex(bytes));
    }
    format!(
        "{} · {} · {} bytes",
        human_size(bytes),
        hex(bytes),
        thousands(bytes)
    )
}

/// A flash offset or an address: `0x` and capitals, without leading zeros.
pub fn hex(value: impl Into<u64>) -> String {
    format!("0x{:X}", value.into())
}

fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u32>) {
        assert_eq!(parse_bytes(text).ok(), expected, "{text}");
    }

    #[test]
    fn reads_what_people_type() {
        check("4096", Some(4096));
        check("0x1000", Some(0x1000));
        check("0X1000", Some(0x1000));
        check("64K", Some(0x1_0000));
        check("64 KiB", Some(0x1_0000));
        check("4MB", Some(0x40_0000));
        check("1.5M", Some(0x18_0000));
        check("0x10K", Some(0x4000));
        check("0x1b", Some(0x1B));
        check(" 12 b", Some(12));
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "K",
            "-1",
            "0x",
            "1.3",
            "0.0001K",
            "1.K",
            ".5M",
            "5000M",
            "99999999999999999999",
            "0x1.8",
            "1e3",
            "1 2",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn writes_for_people() {
        assert_eq!(human_size(0), "0 bytes");
        assert_eq!(human_size(1), "1 byte");
        assert_eq!(human_size(4096), "4 KiB");
        assert_eq!(human_size(0x1F_0000), "1.94 MiB");
        assert_eq!(exact_size(0x10_0000), "1 MiB · 0x100000 · 1,048,576 bytes");
        assert_eq!(exact_size(121), "121 bytes · 0x79");
    }
}
