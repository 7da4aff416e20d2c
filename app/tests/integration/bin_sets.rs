//! What the tests of the Bin share: numbers from a seed, random folders, and the rule by which the seed project's
//! reader finds a file, stated anew from its description (`docs/formats.md`).

use std::collections::BTreeMap;

use flashpack::formats::bin_image::{BinEntry, BinNode};

/// Numbers that look random and are the same on every machine (splitmix64, Sebastiano Vigna, public domain algorithm).
pub struct Seeded(pub u64);

impl Seeded {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// So many bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }

    /// A name that a Bin can hold.
    pub fn name(&mut self) -> String {
        const LETTERS: [char; 20] = [
            'a', 'b', 'c', 'x', 'y', 'z', 'A', 'Z', '0', '9', '.', '_', '-', ' ', '!', '~', 'ß',
            'é', '日', '💡',
        ];
        loop {
            let mut name = String::new();
            for _ in 0..=self.below(8) {
                let letter = LETTERS[self.below(LETTERS.len())];
                if name.len() + letter.len_utf8() <= 8 {
                    name.push(letter);
                }
            }
            let trimmed = name.trim_matches(' ');
            if !matches!(trimmed, "" | "!" | "." | "..") {
                return trimmed.to_owned();
            }
        }
    }

    /// A folder with up to `most` entries, nested up to `depth` deep.
    pub fn folder(&mut self, most: usize, depth: usize) -> Vec<BinEntry> {
        let mut entries = BTreeMap::new();
        for _ in 0..self.below(most + 1) {
            let name = self.name();
            let node = if depth > 0 && self.below(8) == 0 {
                BinNode::Folder(self.folder(most / 2 + 1, depth - 1))
            } else {
                // Mostly small, sometimes empty, sometimes exactly as long as some unit.
                let len = match self.below(10) {
                    0 => 0,
                    1 => 16 * self.below(9),
                    2 => 4096,
                    _ => self.below(700),
                };
                BinNode::File(self.bytes(len).into())
            };
            entries.insert(name, node);
        }
        let mut entries: Vec<BinEntry> = entries
            .into_iter()
            .map(|(name, node)| BinEntry { name, node })
            .collect();
        for index in (1..entries.len()).rev() {
            let other = self.below(index + 1);
            entries.swap(index, other);
        }
        entries
    }
}

/// Every file of a tree by its path.
pub fn files_of(entries: &[BinEntry]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(entries, "", &mut files);
    files
}

fn collect(entries: &[BinEntry], folder: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in entries {
        let path = if folder.is_empty() {
            entry.name.clone()
        } else {
            format!("{folder}/{}", entry.name)
        };
        match &entry.node {
            BinNode::File(bytes) => {
                files.insert(path, bytes.to_vec());
            }
            BinNode::Folder(inner) => collect(inner, &path, files),
        }
    }
}

/// The seed's reader: entries of 16 bytes from the start, up to an address of 0 or FFFF FFFF; a stored name without
/// spaces, NUL and FF at both ends is compared with the label. Gives address and size of the first that matches.
pub fn seed_find(bin: &[u8], size: usize, label: &[u8]) -> Option<(usize, usize)> {
    seed_directory(bin, size)
        .into_iter()
        .find(|(name, _, _)| name == label)
        .map(|(_, addr, size)| (addr, size))
}

/// All entries as the seed's reader sees them: stripped name, address, size.
pub fn seed_directory(bin: &[u8], size: usize) -> Vec<(Vec<u8>, usize, usize)> {
    let word = |raw: &[u8]| u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
    let mut found = Vec::new();
    let mut at = 0;
    while at + 16 <= size {
        let Some(raw) = bin.get(at..at + 16) else {
            break;
        };
        let (addr, len) = (word(&raw[0..4]), word(&raw[4..8]));
        if addr == 0 || addr == u32::MAX {
            break;
        }
        let mut name = &raw[8..16];
        while let [b' ' | 0 | 0xFF, rest @ ..] | [rest @ .., b' ' | 0 | 0xFF] = name {
            name = rest;
        }
        found.push((name.to_vec(), addr as usize, len as usize));
        at += 16;
    }
    found
}

/// The bytes of a path, each name looked up by the seed's rule in the Bin that the one before gave.
pub fn seed_read<'a>(bin: &'a [u8], path: &str) -> Option<&'a [u8]> {
    let mut here = bin;
    for name in path.split('/') {
        let (addr, size) = seed_find(here, here.len(), name.as_bytes())?;
        here = here.get(addr..addr + size)?;
    }
    Some(here)
}
