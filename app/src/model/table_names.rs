//! Names and numbers of partition types, subtypes and flags, as in ESP-IDF's `gen_esp32part.py` 1.5 and
//! `esp_partition.h`. The one place where they are listed: menus, readers, writers and checks all ask here.

use std::borrow::Cow;

/// Types that ESP-IDF gives a name; the rest are numbers (0x40..=0xFE are free for applications).
pub const APP: u8 = 0;
pub const DATA: u8 = 1;
pub const BOOTLOADER: u8 = 2;
pub const PARTITION_TABLE: u8 = 3;

/// Subtypes of data that rules speak of.
pub const DATA_OTA: u8 = 0x00;
pub const DATA_PHY: u8 = 0x01;
pub const DATA_NVS: u8 = 0x02;
pub const DATA_COREDUMP: u8 = 0x03;
pub const DATA_NVS_KEYS: u8 = 0x04;
/// Also what an empty subtype stands for, except in an app's row.
pub const UNDEFINED: u8 = 0x06;
pub const DATA_FAT: u8 = 0x81;
pub const DATA_SPIFFS: u8 = 0x82;
pub const DATA_LITTLEFS: u8 = 0x83;
pub const DATA_TEE_OTA: u8 = 0x90;

/// The content is encrypted if the chip's flash encryption is on.
pub const FLAG_ENCRYPTED: u32 = 1;
/// The app's driver refuses to write.
pub const FLAG_READONLY: u32 = 2;

const FLAGS: [(&str, u32); 2] = [("encrypted", FLAG_ENCRYPTED), ("readonly", FLAG_READONLY)];

const TYPES: [(&str, u8); 4] = [
    ("app", APP),
    ("data", DATA),
    ("bootloader", BOOTLOADER),
    ("partition_table", PARTITION_TABLE),
];

const APP_SUBTYPES: [(&str, u8); 20] = [
    ("factory", 0x00),
    ("ota_0", 0x10),
    ("ota_1", 0x11),
    ("ota_2", 0x12),
    ("ota_3", 0x13),
    ("ota_4", 0x14),
    ("ota_5", 0x15),
    ("ota_6", 0x16),
    ("ota_7", 0x17),
    ("ota_8", 0x18),
    ("ota_9", 0x19),
    ("ota_10", 0x1A),
    ("ota_11", 0x1B),
    ("ota_12", 0x1C),
    ("ota_13", 0x1D),
    ("ota_14", 0x1E),
    ("ota_15", 0x1F),
    ("test", 0x20),
    ("tee_0", 0x30),
    ("tee_1", 0x31),
];

const DATA_SUBTYPES: [(&str, u8); 12] = [
    ("ota", DATA_OTA),
    ("phy", DATA_PHY),
    ("nvs", DATA_NVS),
    ("coredump", DATA_COREDUMP),
    ("nvs_keys", DATA_NVS_KEYS),
    ("efuse", 0x05),
    ("undefined", UNDEFINED),
    ("esphttpd", 0x80),
    ("fat", DATA_FAT),
    ("spiffs", DATA_SPIFFS),
    ("littlefs", DATA_LITTLEFS),
    ("tee_ota", DATA_TEE_OTA),
];

const BOOTLOADER_SUBTYPES: [(&str, u8); 3] = [("primary", 0), ("ota", 1), ("recovery", 2)];

const PARTITION_TABLE_SUBTYPES: [(&str, u8); 2] = [("primary", 0), ("ota", 1)];

/// The types that have a name, for a menu.
pub const fn types() -> &'static [(&'static str, u8)] {
    &TYPES
}

/// The subtypes of a type that have a name, for a menu; none for custom types.
pub const fn subtypes(kind: u8) -> &'static [(&'static str, u8)] {
    match kind {
        APP => &APP_SUBTYPES,
        DATA => &DATA_SUBTYPES,
        BOOTLOADER => &BOOTLOADER_SUBTYPES,
        PARTITION_TABLE => &PARTITION_TABLE_SUBTYPES,
        _ => &[],
    }
}

/// The keyword of a type, if it has one.
pub fn type_keyword(kind: u8) -> Option<&'static str> {
    keyword(&TYPES, kind)
}

/// The keyword of a subtype, if it has one.
pub fn subtype_keyword(kind: u8, subtype: u8) -> Option<&'static str> {
    keyword(subtypes(kind), subtype)
}

/// A type for reading: its keyword, else its number as `0x40`.
pub fn type_name(kind: u8) -> Cow<'static, str> {
    type_keyword(kind).map_or_else(|| Cow::Owned(format!("{kind:#04x}")), Cow::Borrowed)
}

/// A subtype for reading: its keyword, else its number as `0x8f`.
pub fn subtype_name(kind: u8, subtype: u8) -> Cow<'static, str> {
    subtype_keyword(kind, subtype)
        .map_or_else(|| Cow::Owned(format!("{subtype:#04x}")), Cow::Borrowed)
}

/// The flags that have a name, as a CSV spells them: `encrypted:readonly`.
pub fn flags_text(flags: u32) -> String {
    let names: Vec<&str> = FLAGS
        .iter()
        .filter(|(_, bit)| flags & bit != 0)
        .map(|(name, _)| *name)
        .collect();
    names.join(":")
}

/// The bit of a flag's name. ESP-IDF knows only the lower-case spelling.
pub fn flag_bit(name: &str) -> Option<u32> {
    FLAGS
        .iter()
        .find(|(flag, _)| *flag == name)
        .map(|(_, bit)| *bit)
}

/// The flag bits that have no name; a CSV cannot hold them.
pub const fn unknown_flags(flags: u32) -> u32 {
    flags & !(FLAG_ENCRYPTED | FLAG_READONLY)
}

fn keyword(names: &[(&'static str, u8)], number: u8) -> Option<&'static str> {
    names
        .iter()
        .find(|(_, value)| *value == number)
        .map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_unique() {
        for kind in [APP, DATA, BOOTLOADER, PARTITION_TABLE] {
            let names = subtypes(kind);
            for (index, (name, number)) in names.iter().enumerate() {
                assert!(
                    names
                        .iter()
                        .skip(index + 1)
                        .all(|(other, value)| other != name && value != number)
                );
                assert_eq!(subtype_name(kind, *number), *name);
            }
        }
        assert_eq!(subtype_name(APP, 0x1F), "ota_15");
        assert_eq!(subtype_name(DATA, 0x8F), "0x8f");
        assert_eq!(type_name(0x40), "0x40");
        assert_eq!(subtypes(0x40), []);
    }

    #[test]
    fn flags_are_spelled_as_in_a_csv() {
        assert_eq!(flags_text(3), "encrypted:readonly");
        assert_eq!(flags_text(0x14), "");
        assert_eq!(unknown_flags(0x17), 0x14);
        assert_eq!(flag_bit("readonly"), Some(2));
        assert_eq!(flag_bit("Readonly"), None);
    }
}
