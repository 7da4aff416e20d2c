//! What an address means, by the symbols and the debug information of an ELF file.
//!
//! Reading DWARF is the crates' `gimli` and `addr2line`; this file opens the ELF, tells code from data, and makes one
//! line of what they find. An ELF that is damaged somewhere gives fewer answers, never a failure later on.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use addr2line::{Context, demangle_auto};
use gimli::{EndianRcSlice, RunTimeEndian};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind, SymbolKind};

type Bytes = EndianRcSlice<RunTimeEndian>;

/// The symbols of one program.
pub struct Symbols {
    dwarf: Option<Context<Bytes>>,
    /// Functions by address: the first byte behind them (0: unknown), and their name.
    functions: BTreeMap<u64, (u64, String)>,
    code: Vec<Range<u64>>,
}

impl std::fmt::Debug for Symbols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Symbols")
            .field("functions", &self.functions.len())
            .finish_non_exhaustive()
    }
}

/// An address in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub function: String,
    /// File and line, where the ELF has debug information.
    pub line: Option<(String, u32)>,
    /// Functions that were built into one another, the innermost first, without the outermost, which is `function`.
    pub inlined: Vec<(String, Option<(String, u32)>)>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let show = |f: &mut std::fmt::Formatter<'_>, name: &str, line: &Option<(String, u32)>| {
            f.write_str(name)?;
            line.as_ref()
                .map_or(Ok(()), |(file, line)| write!(f, " at {file}:{line}"))
        };
        for (name, line) in &self.inlined {
            show(f, name, line)?;
            f.write_str(", inlined in ")?;
        }
        show(f, &self.function, &self.line)
    }
}

impl Symbols {
    /// Reads an ELF file.
    ///
    /// # Errors
    /// With a reason, if it is no ELF file or has no code in it.
    pub fn read(elf: &[u8]) -> Result<Self, String> {
        let file =
            object::File::parse(elf).map_err(|error| format!("it is no ELF file ({error})"))?;
        let code: Vec<Range<u64>> = file
            .sections()
            .filter(|section| section.kind() == SectionKind::Text && section.size() > 0)
            .map(|section| section.address()..section.address().saturating_add(section.size()))
            .collect();
        if code.is_empty() {
            return Err("it has no code in it".into());
        }
        let functions = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text)
            .filter_map(|symbol| {
                let name = symbol.name().ok().filter(|name| !name.is_empty())?;
                let end = match symbol.size() {
                    0 => 0,
                    size => symbol.address().saturating_add(size),
                };
                let name = demangle_auto(name.into(), None).into_owned();
                Some((symbol.address(), (end, name)))
            })
            .collect();
        Ok(Self {
            dwarf: dwarf(&file),
            functions,
            code,
        })
    }

    /// Whether an address is inside the program's code.
    pub fn is_code(&self, addr: u64) -> bool {
        self.code.iter().any(|range| range.contains(&addr))
    }

    /// What an address means; `None` if it is not in the code or has no symbol.
    pub fn place(&self, addr: u64) -> Option<Place> {
        if !self.is_code(addr) {
            return None;
        }
        self.place_by_dwarf(addr).or_else(|| {
            let function = self.function(addr)?.to_owned();
            Some(Place {
                function,
                line: None,
                inlined: Vec::new(),
            })
        })
    }

    fn place_by_dwarf(&self, addr: u64) -> Option<Place> {
        let mut frames = self
            .dwarf
            .as_ref()?
            .find_frames(addr)
            .skip_all_loads()
            .ok()?;
        let mut found = Vec::new();
        // A chain of inlined functions has an end; a damaged file may say otherwise.
        while found.len() < 32 {
            let Ok(Some(frame)) = frames.next() else {
                break;
            };
            let line = frame.location.as_ref().and_then(|location| {
                let file = location.file?;
                Some((short_path(file), location.line.unwrap_or(0)))
            });
            let name = frame
                .function
                .as_ref()
                .and_then(|function| function.demangle().ok().map(std::borrow::Cow::into_owned));
            if name.is_some() || line.is_some() {
                found.push((name, line));
            }
        }
        let (name, line) = found.pop()?;
        let function = name.or_else(|| self.function(addr).map(str::to_owned))?;
        let inlined = found
            .into_iter()
            .map(|(name, line)| (name.unwrap_or_else(|| "?".to_owned()), line))
            .collect();
        Some(Place {
            function,
            line,
            inlined,
        })
    }

    fn function(&self, addr: u64) -> Option<&str> {
        let (_, (end, name)) = self.functions.range(..=addr).next_back()?;
        (*end == 0 || addr < *end).then_some(name)
    }
}

fn dwarf(file: &object::File<'_>) -> Option<Context<Bytes>> {
    let endian = if file.is_little_endian() {
        RunTimeEndian::Little
    } else {
        RunTimeEndian::Big
    };
    let load = |id: gimli::SectionId| -> Result<Bytes, gimli::Error> {
        let data = file
            .section_by_name(id.name())
            .and_then(|section| section.data().ok())
            .unwrap_or_default();
        Ok(Bytes::new(Rc::from(data), endian))
    };
    let sections = gimli::Dwarf::load(load).ok()?;
    Context::from_dwarf(sections).ok()
}

/// The end of a path that a person needs: what lies below the folder of a crate or a component.
fn short_path(path: &str) -> String {
    for start in ["/registry/src/", "/rustc/"] {
        if let Some((_, rest)) = path.split_once(start) {
            return rest
                .split_once('/')
                .map_or(rest, |(_, rest)| rest)
                .to_owned();
        }
    }
    path.to_owned()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A program for the ESP32-C3; its source lies beside it.
    pub const DEMO: &[u8] = include_bytes!("../../../tests/data/monitor/demo.elf");

    #[test]
    fn addresses_become_functions_files_and_lines() {
        let symbols = Symbols::read(DEMO).unwrap();
        let place = symbols.place(0x4200_0060).unwrap();
        assert_eq!(place.function, "demo::read_sensor");
        assert_eq!(place.line, Some(("demo/src/main.rs".into(), 27)));
        assert_eq!(
            place.to_string(),
            "demo::read_sensor at demo/src/main.rs:27"
        );
        let inlined = symbols.place(0x4200_0058).unwrap();
        assert_eq!(inlined.function, "demo::read_sensor");
        assert!(!inlined.inlined.is_empty(), "{inlined:?}");
        assert!(
            inlined
                .to_string()
                .contains(", inlined in demo::read_sensor at "),
            "{inlined}"
        );
        assert!(
            inlined
                .to_string()
                .contains(" at library/core/src/sync/atomic.rs:"),
            "{inlined}"
        );
    }

    #[test]
    fn without_debug_information_the_symbol_is_named() {
        let symbols = Symbols::read(DEMO).unwrap();
        // The logging library in it was built without.
        let place = symbols.place(0x4200_0140).unwrap();
        assert_eq!(
            place.to_string(),
            "defmt::export::acquire_header_and_release"
        );
        for outside in [0, 0x4200_0000, 0x3C01_0020, u64::MAX] {
            assert_eq!(symbols.place(outside), None);
        }
    }

    #[test]
    fn damaged_files_give_fewer_answers_and_never_panic() {
        assert!(Symbols::read(b"").unwrap_err().contains("no ELF"));
        assert!(Symbols::read(&[0; 4096]).is_err());
        let mut state = 7u64;
        let mut answered = 0;
        for round in 0..400 {
            let mut elf = DEMO.to_vec();
            for _ in 0..=round % 9 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let at = (state >> 33) as usize % elf.len();
                elf[at] = (state >> 20) as u8;
            }
            if round % 5 == 0 {
                elf.truncate((state >> 40) as usize % DEMO.len());
            }
            if let Ok(symbols) = Symbols::read(&elf) {
                answered += (0x4200_0020..0x4200_01E0)
                    .step_by(2)
                    .filter(|addr| symbols.place(*addr).is_some())
                    .count();
            }
        }
        assert!(answered > 0);
    }
}
