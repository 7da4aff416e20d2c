//! Says what a file or a partition's bytes are, by looking at them.
//!
//! Formats with a magic number are tried first, those that are known only by their structure last; a Bin in the seed's
//! form has neither magic nor sum, so it comes at the end. Nothing is guessed from names. What the bytes hold in
//! detail is told by each format's own reader.

mod file_systems;
mod images;
mod packs;
mod text;

use serde::Serialize;

use crate::model::number::human_size;

/// What bytes can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// No bytes at all.
    Empty,
    /// Nothing but FF.
    Erased,
    Bin,
    FlashFile,
    EspImage,
    MergedImage,
    PartitionTable,
    PartitionCsv,
    Uf2,
    LittleFs,
    Spiffs,
    Fat,
    Nvs,
    Romfs,
    Mmap,
    FrogFs,
    Elf,
    IntelHex,
    Unknown,
}

impl Kind {
    /// The kind as people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty file",
            Self::Erased => "erased flash",
            Self::Bin => "Bin",
            Self::FlashFile => "flash-file image (Particle Electron)",
            Self::EspImage => "ESP app or bootloader image",
            Self::MergedImage => "merged ESP image",
            Self::PartitionTable => "partition table",
            Self::PartitionCsv => "partition table (CSV)",
            Self::Uf2 => "UF2 file",
            Self::LittleFs => "littlefs",
            Self::Spiffs => "SPIFFS",
            Self::Fat => "FAT",
            Self::Nvs => "NVS",
            Self::Romfs => "MicroPython ROMFS",
            Self::Mmap => "MMAP assets (esp_mmap_assets)",
            Self::FrogFs => "FrogFS",
            Self::Elf => "ELF file",
            Self::IntelHex => "Intel HEX file",
            Self::Unknown => "unknown",
        }
    }
}

/// What was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recognised {
    pub kind: Kind,
    /// Name and value, for people, most important first.
    pub facts: Vec<(String, String)>,
    /// Proven by a magic number or a sum, not only by a structure that other bytes might have too.
    pub certain: bool,
}

impl Recognised {
    fn certain(kind: Kind) -> Self {
        Self {
            kind,
            facts: Vec::new(),
            certain: true,
        }
    }

    fn likely(kind: Kind) -> Self {
        Self {
            certain: false,
            ..Self::certain(kind)
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "values are made where they are told, and a & at each tells nothing"
    )]
    fn fact(mut self, name: &str, value: impl ToString) -> Self {
        self.facts.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same where there is a value, and it is not empty.
    fn fact_if(self, name: &str, value: Option<impl ToString>) -> Self {
        match value.map(|value| value.to_string()) {
            Some(value) if !value.is_empty() => self.fact(name, value),
            _ => self,
        }
    }
}

/// Recognises one kind, or a few that are alike.
type Look = fn(&[u8]) -> Option<Recognised>;

/// Says what `bytes` are. Takes time in proportion to their length, and never fails.
pub fn recognise(bytes: &[u8]) -> Recognised {
    const ORDER: [Look; 16] = [
        images::elf,
        images::uf2,
        packs::flash_file,
        packs::romfs,
        packs::frogfs,
        packs::bin_with_index,
        images::merged,
        images::esp_image,
        images::partition_table,
        file_systems::littlefs,
        file_systems::nvs,
        file_systems::fat,
        file_systems::spiffs,
        packs::mmap,
        text::text,
        packs::plain_bin,
    ];
    if bytes.is_empty() {
        return Recognised::certain(Kind::Empty);
    }
    let size = human_size(bytes.len() as u64);
    if bytes.iter().all(|byte| *byte == 0xFF) {
        return Recognised::certain(Kind::Erased)
            .fact("Size", size)
            .fact("Also", "an empty Bin, as the seed's script writes it");
    }
    ORDER
        .iter()
        .find_map(|look| look(bytes))
        .unwrap_or_else(|| unknown(bytes))
        .fact("Size", size)
}

fn unknown(bytes: &[u8]) -> Recognised {
    let is_text = std::str::from_utf8(bytes).is_ok_and(|text| {
        !text.contains(|character: char| character.is_control() && !character.is_whitespace())
    });
    let erased: u64 = bytes.iter().map(|byte| u64::from(*byte == 0xFF)).sum();
    Recognised::likely(Kind::Unknown)
        .fact_if("Looks like", is_text.then_some("text"))
        .fact_if(
            "Bytes that are FF",
            (erased > 0).then(|| format!("{} %", erased * 100 / bytes.len() as u64)),
        )
}

/// A little-endian word, if it is there.
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at.checked_add(4)?)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)
}

/// A little-endian half word, if it is there.
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..at.checked_add(2)?)?
        .try_into()
        .ok()
        .map(u16::from_le_bytes)
}

#[cfg(test)]
mod tests;
