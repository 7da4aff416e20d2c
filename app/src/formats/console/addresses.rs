//! Finds addresses in a line of a chip: those of a crash, of a backtrace, and what lies on a dumped stack.

/// An address, and what the line says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub addr: u64,
    /// The register's name, if one stands before it: `MEPC`.
    pub name: Option<String>,
    /// It is where a call returns to, so that the call is just before it.
    pub returns: bool,
    /// It lies on a dumped stack: it may be left over from an earlier call.
    pub on_stack: bool,
}

/// Addresses that are looked up in one line at most.
const MOST: usize = 40;

/// Lines of the ROM and the bootloader: their addresses are not the app's.
const BOOT: [&str; 3] = ["load:", "entry ", "csum "];

/// All numbers of the form `0x` and eight digits in a line.
pub fn in_line(line: &str) -> Vec<Address> {
    let line = line.trim();
    if BOOT.iter().any(|start| line.starts_with(start)) {
        return Vec::new();
    }
    // `3fc98f60: 0x3c023000 0x4200a1b2 …`: a row of a stack dump begins with its own address.
    let on_stack = line
        .split_once(": ")
        .is_some_and(|(place, words)| is_word(place) && words.trim_start().starts_with("0x"));
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = line.get(at..).and_then(|rest| rest.find("0x")) {
        let start = at + next;
        at = start + 2;
        let digits = line.get(at..at + 8).filter(|digits| is_word(digits));
        let longer = line
            .as_bytes()
            .get(at + 8)
            .is_some_and(u8::is_ascii_hexdigit);
        let joined = start > 0 && line.as_bytes()[start - 1].is_ascii_alphanumeric();
        let Some(addr) = digits
            .filter(|_| !longer && !joined)
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        else {
            continue;
        };
        at += 8;
        if found.len() < MOST {
            let name = name_before(&line[..start]).filter(|_| !on_stack);
            let returns = on_stack || name.as_deref() == Some("RA");
            found.push(Address {
                addr,
                name,
                returns,
                on_stack,
            });
        }
    }
    found
}

fn is_word(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A register before an address: `MEPC    : ` or `mepc=`.
fn name_before(text: &str) -> Option<String> {
    let text = text.trim_end();
    let text = text.strip_suffix(':').or_else(|| text.strip_suffix('='))?;
    let name = text.trim_end().rsplit([' ', ',', '\t']).next()?;
    let plausible = (1..=8).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'/');
    plausible.then(|| name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<(u64, Option<String>, bool, bool)> {
        in_line(line)
            .into_iter()
            .map(|address| {
                (
                    address.addr,
                    address.name,
                    address.returns,
                    address.on_stack,
                )
            })
            .collect()
    }

    fn named(name: &str) -> String {
        name.into()
    }

    #[test]
    fn registers_are_named() {
        assert_eq!(
            found("MEPC    : 0x42000060  RA      : 0x420000b8  SP      : 0x3fc98f60"),
            [
                (0x4200_0060, Some(named("MEPC")), false, false),
                (0x4200_00B8, Some(named("RA")), true, false),
                (0x3FC9_8F60, Some(named("SP")), false, false)
            ]
        );
        assert_eq!(
            found("Exception 'Load access fault' mepc=0x42000060, mtval=0x00000000"),
            [
                (0x4200_0060, Some(named("MEPC")), false, false),
                (0, Some(named("MTVAL")), false, false)
            ]
        );
    }

    #[test]
    fn backtraces_and_stacks() {
        assert_eq!(
            found("Backtrace: 0x42000060:0x3fc98f60 0x420000b8:0x3fc98f80").len(),
            4
        );
        assert_eq!(found("0x42000060"), [(0x4200_0060, None, false, false)]);
        assert_eq!(
            found("3fc98f60: 0x3c023000 0x420000b8"),
            [
                (0x3C02_3000, None, true, true),
                (0x4200_00B8, None, true, true)
            ]
        );
    }

    #[test]
    fn what_is_no_address_is_left_alone() {
        for line in [
            "load:0x403cc710,len:0x90c",
            "entry 0x403cc710",
            "0x1234",
            "0x123456789",
            "a0x42000060",
            "0xzzzzzzzz",
            "0x4200006",
            "0xäöüä",
            "0x",
        ] {
            assert_eq!(found(line), [], "{line}");
        }
    }
}
