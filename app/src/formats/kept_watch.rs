//! The file of what lay around a command that erases or writes: JSON with digests of the places that a damaged command
//! leads to, kept until somebody looked at them afterwards. Layout in `docs/formats.md`.

use serde::{Deserialize, Serialize};

use super::hex_text::{from_hex, to_hex};
use crate::model::region::Region;

/// Version of the layout.
const VERSION: u32 = 1;

/// A place of the flash outside a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptPlace {
    /// What the digest covers: a sector, or its beginning.
    pub looked_at: Region,
    /// MD5 of that, before the command.
    pub digest: [u8; 16],
    /// What is lost together with it.
    pub reach: Region,
    /// MD5 of the first page of `reach`, had the command led a write there; `None` for an erase.
    pub ours: Option<[u8; 16]>,
}

/// What lay around on one board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptWatch {
    /// Base MAC address of the board, as esptool prints it.
    pub mac: String,
    /// What the job was about, for a person.
    pub target: String,
    /// Where an offset leads in which a bit turned over.
    pub elsewhere: Vec<KeptPlace>,
    /// What lies behind the job.
    pub behind: Option<KeptPlace>,
}

#[derive(Serialize, Deserialize)]
struct WatchFile {
    flashpack_kept_watch: u32,
    mac: String,
    target: String,
    elsewhere: Vec<PlaceEntry>,
    behind: Option<PlaceEntry>,
}

#[derive(Serialize, Deserialize)]
struct PlaceEntry {
    offset: u32,
    size: u32,
    md5: String,
    reach_offset: u32,
    reach_size: u32,
    written_md5: Option<String>,
}

impl PlaceEntry {
    fn of(place: &KeptPlace) -> Self {
        Self {
            offset: place.looked_at.offset,
            size: place.looked_at.size,
            md5: to_hex(&place.digest),
            reach_offset: place.reach.offset,
            reach_size: place.reach.size,
            written_md5: place.ours.as_ref().map(|ours| to_hex(ours)),
        }
    }

    fn place(&self) -> Option<KeptPlace> {
        let ours = match &self.written_md5 {
            Some(text) => Some(digest(text)?),
            None => None,
        };
        Some(KeptPlace {
            looked_at: Region::new(self.offset, self.size),
            digest: digest(&self.md5)?,
            reach: Region::new(self.reach_offset, self.reach_size),
            ours,
        })
    }
}

/// The bytes of the file.
pub fn write(kept: &KeptWatch) -> Vec<u8> {
    let file = WatchFile {
        flashpack_kept_watch: VERSION,
        mac: kept.mac.clone(),
        target: kept.target.clone(),
        elsewhere: kept.elsewhere.iter().map(PlaceEntry::of).collect(),
        behind: kept.behind.as_ref().map(PlaceEntry::of),
    };
    // Numbers and text only: there is nothing in it that JSON could refuse.
    serde_json::to_vec_pretty(&file).unwrap_or_default()
}

/// Reads the file; `None` if it is damaged or of a newer layout.
pub fn read(bytes: &[u8]) -> Option<KeptWatch> {
    let file: WatchFile = serde_json::from_slice(bytes).ok()?;
    if file.flashpack_kept_watch != VERSION {
        return None;
    }
    let behind = match &file.behind {
        Some(place) => Some(place.place()?),
        None => None,
    };
    Some(KeptWatch {
        mac: file.mac,
        target: file.target,
        elsewhere: file
            .elsewhere
            .iter()
            .map(PlaceEntry::place)
            .collect::<Option<_>>()?,
        behind,
    })
}

fn digest(text: &str) -> Option<[u8; 16]> {
    from_hex(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> KeptWatch {
        let place = |offset, ours| KeptPlace {
            looked_at: Region::new(offset, 0x400),
            digest: [offset as u8; 16],
            reach: Region::new(offset, 0x3000),
            ours,
        };
        KeptWatch {
            mac: "60:55:f9:00:00:01".into(),
            target: "bin".into(),
            elsewhere: vec![place(0x1000, Some([7; 16])), place(0x2000, None)],
            behind: Some(place(0x40_0000, None)),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&write(&sample())), Some(sample()));
        let nothing = KeptWatch {
            elsewhere: Vec::new(),
            behind: None,
            ..sample()
        };
        assert_eq!(read(&write(&nothing)), Some(nothing));
    }

    #[test]
    fn what_is_damaged_or_newer_is_not_read() {
        let file = String::from_utf8(write(&sample())).unwrap();
        assert_eq!(read(&file.as_bytes()[..file.len() / 2]), None);
        assert_eq!(read(b""), None);
        for (from, to) in [
            ("_watch\": 1", "_watch\": 2"),
            ("0707", "07"),
            ("0707", "0x07"),
        ] {
            assert!(file.contains(from));
            assert_eq!(read(file.replacen(from, to, 1).as_bytes()), None, "{to}");
        }
    }
}
