//! Subtypes that a project of ESP-IDF adds to those that have a name: what `gen_esp32part.py` takes as
//! `--extra-partition-subtypes`.
//!
//! They are typed once and kept for as long as the program runs, so that the settings of a table stay a plain value.

use super::table_names::{subtype_keyword, subtypes, types};
use super::table_number::esp_idf_value;

/// A subtype of a project's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraSubtype {
    pub kind: u8,
    pub name: &'static str,
    pub subtype: u8,
}

/// The subtypes that a project adds; none unless they were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtraSubtypes(&'static [ExtraSubtype]);

impl ExtraSubtypes {
    /// Reads them as ESP-IDF writes them, each `type, name, number`, such as `data, settings, 0xA0`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with which of them.
    pub fn read(lines: &[String]) -> Result<Self, String> {
        let mut extra: Vec<ExtraSubtype> = Vec::with_capacity(lines.len());
        for line in lines {
            let (kind, name, subtype) = parts(line)?;
            let taken = extra
                .iter()
                .any(|other| other.kind == kind && other.subtype == subtype);
            if taken || subtype_keyword(kind, subtype).is_some() {
                return Err(format!(
                    "“{line}”: the number {subtype:#04x} has a name already"
                ));
            }
            if subtypes(kind).iter().any(|(word, _)| *word == name) {
                return Err(format!("“{line}”: the name {name} is taken already"));
            }
            let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
            extra.push(ExtraSubtype {
                kind,
                name,
                subtype,
            });
        }
        Ok(Self(Box::leak(extra.into_boxed_slice())))
    }

    /// The keyword of a subtype, of ESP-IDF or of the project.
    pub fn keyword(self, kind: u8, subtype: u8) -> Option<&'static str> {
        subtype_keyword(kind, subtype).or_else(|| {
            let own = |extra: &&ExtraSubtype| extra.kind == kind && extra.subtype == subtype;
            self.0.iter().find(own).map(|extra| extra.name)
        })
    }

    /// What was written for a subtype: a number, or a keyword of ESP-IDF or of the project.
    pub fn value(self, kind: u8, text: &str) -> Option<u8> {
        let value = esp_idf_value(text, subtypes(kind)).or_else(|| {
            // Nearly always there are none.
            let words: Vec<(&str, u8)> = self
                .of(kind)
                .map(|extra| (extra.name, extra.subtype))
                .collect();
            if words.is_empty() {
                None
            } else {
                esp_idf_value(text, &words)
            }
        });
        value.and_then(|value| u8::try_from(value).ok())
    }

    /// The project's own subtypes of a type.
    pub fn of(self, kind: u8) -> impl Iterator<Item = &'static ExtraSubtype> {
        self.0.iter().filter(move |extra| extra.kind == kind)
    }

    /// Whether a name is one of the project's own subtypes, of any type.
    pub fn has_name(self, name: &str) -> bool {
        self.0.iter().any(|extra| extra.name == name)
    }
}

fn parts(line: &str) -> Result<(u8, &str, u8), String> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let [kind, name, number] = cells.as_slice() else {
        return Err(format!(
            "“{line}” is not a subtype: write its type, its name and its number, such as data, settings, 0xA0"
        ));
    };
    let known = types().iter().find(|(word, _)| word == kind);
    let (_, kind) = known.ok_or_else(|| {
        format!("“{line}”: {kind} is none of app, data, bootloader and partition_table")
    })?;
    // The tool looks words up in lower case, so that others would never be found.
    if name.is_empty()
        || name
            .chars()
            .any(|letter| letter != letter.to_ascii_lowercase())
    {
        return Err(format!("“{line}”: the name of a subtype is in lower case"));
    }
    // As there: hexadecimal, with its prefix or without.
    let digits = number.trim_start_matches("0x").trim_start_matches("0X");
    let subtype = u8::from_str_radix(digits, 16).map_err(|error| {
        format!("“{line}”: {number} is no hexadecimal number up to FE ({error})")
    })?;
    Ok((*kind, name, subtype))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::table_names::{APP, DATA};

    fn read(lines: &[&str]) -> Result<ExtraSubtypes, String> {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        ExtraSubtypes::read(&lines)
    }

    #[test]
    fn names_and_numbers_lead_to_each_other() {
        let extra = read(&["app, my_app, 0x40", "data,settings,a0"]).unwrap();
        assert_eq!(extra.keyword(DATA, 0xA0), Some("settings"));
        assert_eq!(extra.keyword(APP, 0xA0), None);
        assert_eq!(extra.keyword(DATA, 2), Some("nvs"));
        assert_eq!(extra.value(APP, "My_App"), Some(0x40));
        assert_eq!(extra.value(DATA, "my_app"), None);
        assert_eq!(extra.value(DATA, "nvs"), Some(2));
        assert!(extra.has_name("settings") && !extra.has_name("nvs"));
        assert_eq!(ExtraSubtypes::default().value(DATA, "settings"), None);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_line() {
        for (line, words) in [
            ("data, settings", "write its type"),
            ("date, settings, 0xA0", "none of app"),
            ("data, Settings, 0xA0", "lower case"),
            ("data, settings, 0x1A0", "no hexadecimal number"),
            ("data, settings, 2", "has a name already"),
            ("data, nvs, 0xA0", "taken already"),
        ] {
            let said = read(&[line]).unwrap_err();
            assert!(said.contains(words) && said.contains(line), "{said}");
        }
        assert!(read(&["data, a, A0", "data, b, A0"]).is_err());
    }
}
