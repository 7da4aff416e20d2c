//! The board's report: what went over the wire, what was done to the flash, and how long it would have taken.
//! Its form is a contract with the command line's `--report`.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a board has counted since it was started.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub wire: WireCount,
    pub flash: FlashCount,
    /// Requests by Espressif's name.
    pub commands: BTreeMap<String, u64>,
    /// Modelled seconds by link: `115200`, `921600`, `usb`.
    pub modelled_seconds: BTreeMap<String, f64>,
}

/// Bytes that each side sent, before any fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WireCount {
    pub to_board: u64,
    pub from_board: u64,
}

/// What was done to the flash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlashCount {
    pub sectors_erased: u64,
    pub blocks_erased: u64,
    pub pages_programmed: u64,
    /// Bytes that went into an MD5 or into a digest of the agent.
    pub bytes_hashed: u64,
    /// Pages that were programmed where a bit would have had to be set.
    pub program_violations: u64,
}

impl Report {
    /// The report as JSON, one line.
    pub fn to_json(&self) -> String {
        // Only maps whose keys are no strings can fail here.
        let mut json = serde_json::to_string(self).unwrap_or_default();
        json.push('\n');
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_form_of_the_contract() {
        let report = Report {
            wire: WireCount {
                to_board: 1,
                from_board: 2,
            },
            flash: FlashCount {
                sectors_erased: 3,
                program_violations: 7,
                ..FlashCount::default()
            },
            commands: BTreeMap::from([("SYNC".into(), 8)]),
            modelled_seconds: BTreeMap::from([("115200".into(), 0.5), ("usb".into(), 0.25)]),
        };
        let expected = concat!(
            r#"{"wire":{"to_board":1,"from_board":2},"#,
            r#""flash":{"sectors_erased":3,"blocks_erased":0,"pages_programmed":0,"bytes_hashed":0,"#,
            r#""program_violations":7},"commands":{"SYNC":8},"modelled_seconds":{"115200":0.5,"usb":0.25}}"#,
            "\n"
        );
        assert_eq!(report.to_json(), expected);
    }
}
