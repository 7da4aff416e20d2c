//! Partition tables to start from, for flash of 2 to 32 MiB.
//!
//! Each template is a CSV in `assets/templates` whose sizes are placeholders, and a function that fills them in for a
//! flash size. What comes out is a plain CSV of ESP-IDF's dialect, comments included.

use super::partition_csv;
use crate::model::number::human_size;
use crate::model::partition_table::{PartitionTable, TableSettings};
use crate::model::region::BLOCK;
use crate::model::table_number::NumberStyle;

const MIB: u32 = 1 << 20;
const KIB: u32 = 1 << 10;
/// Where the first app starts in all of them: what comes before takes less than 64 KiB.
const FIRST_APP: u32 = 0x1_0000;

/// A partition table to start from.
pub struct Template {
    /// As typed at a command line.
    pub name: &'static str,
    /// As shown in a menu.
    pub title: &'static str,
    /// One or two sentences: what it is for.
    pub description: &'static str,
    /// Smallest and largest flash that it is made for, in bytes.
    pub least_flash: u32,
    pub most_flash: u32,
    csv: &'static str,
    /// Sizes and offsets by the names of their placeholders, for a flash size.
    values: fn(u32) -> Vec<(&'static str, u32)>,
}

macro_rules! csv {
    ($name:literal) => {
        include_str!(concat!("../../../assets/templates/", $name, ".csv"))
    };
}

/// All templates, in the order of the menu.
pub static TEMPLATES: [Template; 10] = [
    Template {
        name: "single-app",
        title: "One app",
        description: "ESP-IDF's default: one app of 1 MiB, no updates over the air",
        least_flash: 2 * MIB,
        most_flash: 32 * MIB,
        csv: csv!("single-app"),
        values: |_| vec![("APP", MIB)],
    },
    Template {
        name: "single-app-large",
        title: "One large app",
        description: "ESP-IDF's layout with one app of 1500 KiB, no updates over the air",
        least_flash: 2 * MIB,
        most_flash: 32 * MIB,
        csv: csv!("single-app-large"),
        values: |_| vec![("APP", 1500 * KIB)],
    },
    Template {
        name: "two-ota",
        title: "Two OTA slots",
        description: "ESP-IDF's layout with two equal slots for updates over the air: 1700 KiB each, less in a flash of 2 MiB",
        least_flash: 2 * MIB,
        most_flash: 32 * MIB,
        csv: csv!("two-ota"),
        values: |flash| vec![("APP", slot_of(flash, 2).min(1700 * KIB))],
    },
    Template {
        name: "factory-two-ota",
        title: "Factory app and two OTA slots",
        description: "ESP-IDF's layout with a factory app that stays and two slots for updates: 1 MiB each, less in a flash of 2 MiB",
        least_flash: 2 * MIB,
        most_flash: 32 * MIB,
        csv: csv!("factory-two-ota"),
        values: |flash| vec![("APP", slot_of(flash, 3).min(MIB))],
    },
    Template {
        name: "two-ota-storage",
        title: "Two OTA slots and a file system",
        description: "Two equal slots of three eighths of the flash each, and a littlefs partition in the rest",
        least_flash: 2 * MIB,
        most_flash: 32 * MIB,
        csv: csv!("two-ota-storage"),
        values: |flash| {
            let app = (flash / 8 * 3) / BLOCK * BLOCK;
            vec![("APP", app), ("STORAGE", flash - FIRST_APP - 2 * app)]
        },
    },
    Template {
        name: "micropython",
        title: "MicroPython",
        description: "MicroPython 1.29 and later: the file system is made at run time behind the last partition",
        least_flash: 2 * MIB,
        most_flash: 32 * MIB,
        csv: csv!("micropython"),
        values: |flash| vec![("APP", micropython_app(flash))],
    },
    Template {
        name: "micropython-vfs",
        title: "MicroPython with its file system in the table",
        description: "MicroPython with a partition vfs up to the end of the flash",
        least_flash: 2 * MIB,
        most_flash: 32 * MIB,
        csv: csv!("micropython-vfs"),
        values: |flash| {
            let app = micropython_app(flash);
            vec![
                ("APP", app),
                ("VFS_OFFSET", FIRST_APP + app),
                ("VFS", flash - FIRST_APP - app),
            ]
        },
    },
    Template {
        name: "micropython-bin",
        title: "MicroPython with packed files",
        description: "MicroPython with a file system and a partition bin for files that are read in place; the layout of esp32flash_mpy",
        least_flash: 2 * MIB,
        most_flash: 32 * MIB,
        csv: csv!("micropython-bin"),
        values: |flash| {
            let app = micropython_app(flash);
            let vfs_offset = FIRST_APP + app;
            let vfs = (flash - vfs_offset) / 2 / BLOCK * BLOCK;
            let bin_offset = vfs_offset + vfs;
            vec![
                ("APP", app),
                ("VFS_OFFSET", vfs_offset),
                ("VFS", vfs),
                ("BIN_OFFSET", bin_offset),
                ("BIN", flash - bin_offset),
            ]
        },
    },
    Template {
        name: "micropython-ota",
        title: "MicroPython with two OTA slots",
        description: "MicroPython with two equal slots; the file system is made at run time behind them",
        least_flash: 4 * MIB,
        most_flash: 32 * MIB,
        csv: csv!("micropython-ota"),
        // MicroPython's own tables: 1.5 MiB in 4 MiB of flash, 0x270000 from 8 MiB on.
        values: |flash| {
            let app = if flash < 8 * MIB {
                0x18_0000
            } else {
                0x27_0000
            };
            vec![("APP", app), ("OTA_1_OFFSET", FIRST_APP + app)]
        },
    },
    Template {
        name: "asymmetric-ota",
        title: "Asymmetric OTA",
        description: "One large app and a small program that updates it: nearly all of the flash for the app, but not for standard OTA clients",
        least_flash: 2 * MIB,
        most_flash: 32 * MIB,
        csv: csv!("asymmetric-ota"),
        values: |flash| {
            let app = flash - FIRST_APP - 0x4_0000 - 0x3_0000;
            vec![
                ("APP", app),
                ("UPDATER_OFFSET", FIRST_APP + app),
                ("SPIFFS_OFFSET", FIRST_APP + app + 0x4_0000),
            ]
        },
    },
];

/// The largest slot of whole 64 KiB blocks of which this many fit.
fn slot_of(flash_size: u32, slots: u32) -> u32 {
    (flash_size - FIRST_APP) / slots / BLOCK * BLOCK
}

/// Room for MicroPython's own program: as in its tables for 2 MiB, and for 4 MiB and more.
fn micropython_app(flash_size: u32) -> u32 {
    if flash_size < 4 * MIB {
        0x16_0000
    } else {
        0x1F_0000
    }
}

/// The template of this name.
pub fn find(name: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.name == name)
}

impl Template {
    /// The CSV for this flash size, in bytes.
    ///
    /// # Errors
    /// A sentence, when the template is not made for that size.
    pub fn csv(&self, flash_size: u32) -> Result<String, String> {
        if flash_size < self.least_flash || flash_size > self.most_flash {
            return Err(format!(
                "The template {} is for flash of {} to {}, not {}",
                self.name,
                human_size(u64::from(self.least_flash)),
                human_size(u64::from(self.most_flash)),
                human_size(u64::from(flash_size))
            ));
        }
        // A size that is no multiple of 64 KiB would break the alignment of what follows.
        let values = (self.values)(flash_size / BLOCK * BLOCK);
        let filled = values
            .into_iter()
            .fold(self.csv.to_owned(), |text, (name, value)| {
                text.replace(
                    &format!("${{{name}}}"),
                    &NumberStyle::size_of_generated_csv(value),
                )
                .replace(&format!("${{{name}:x}}"), &NumberStyle::HEX.spell(value))
            });
        Ok(filled)
    }

    /// The table for this flash size.
    ///
    /// # Errors
    /// A sentence, when the template is not made for that size.
    pub fn table(
        &self,
        flash_size: u32,
        settings: TableSettings,
    ) -> Result<PartitionTable, String> {
        let csv = self.csv(flash_size)?;
        Ok(partition_csv::read(csv.as_bytes(), settings, &|_| None).table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::problem::Severity;
    use crate::model::table_check::{Form, check, esp_idf_errors};

    #[test]
    fn every_template_is_right_for_every_flash_size() {
        for template in &TEMPLATES {
            for flash_size in [2, 4, 8, 16, 32].map(|mib| mib * MIB) {
                if flash_size < template.least_flash {
                    assert!(
                        template
                            .csv(flash_size)
                            .unwrap_err()
                            .contains("is for flash of")
                    );
                    continue;
                }
                let table = template
                    .table(flash_size, TableSettings::default())
                    .unwrap();
                assert_eq!(
                    esp_idf_errors(&table, Some(flash_size), Form::Csv),
                    [],
                    "{}",
                    template.name
                );
                let problems = check(&table, Some(flash_size), None);
                let bad = problems
                    .iter()
                    .find(|problem| problem.severity > Severity::Note);
                assert_eq!(bad, None, "{} {flash_size:#x}", template.name);
                assert!(
                    !template.csv(flash_size).unwrap().contains('$'),
                    "{}",
                    template.name
                );
            }
        }
    }

    #[track_caller]
    fn layout_of(name: &str, flash_size: u32, expected: &[(&str, u32, u32)]) {
        let table = find(name)
            .unwrap()
            .table(flash_size, TableSettings::default())
            .unwrap();
        let layout = table.layout();
        let found: Vec<_> = layout
            .iter()
            .map(|placed| {
                (
                    placed.row.name.as_str(),
                    placed.region.offset,
                    placed.region.size,
                )
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn for_4_mib_they_are_the_known_layouts() {
        layout_of(
            "micropython-bin",
            4 * MIB,
            &[
                ("nvs", 0x9000, 0x6000),
                ("phy_init", 0xF000, 0x1000),
                ("factory", 0x1_0000, 0x1F_0000),
                ("vfs", 0x20_0000, 0x10_0000),
                ("bin", 0x30_0000, 0x10_0000),
            ],
        );
        layout_of(
            "asymmetric-ota",
            4 * MIB,
            &[
                ("nvs", 0x9000, 0x5000),
                ("otadata", 0xE000, 0x2000),
                ("app", 0x1_0000, 0x38_0000),
                ("updater", 0x39_0000, 0x4_0000),
                ("spiffs", 0x3D_0000, 0x3_0000),
            ],
        );
        layout_of(
            "factory-two-ota",
            4 * MIB,
            &[
                ("nvs", 0x9000, 0x4000),
                ("otadata", 0xD000, 0x2000),
                ("phy_init", 0xF000, 0x1000),
                ("factory", 0x1_0000, MIB),
                ("ota_0", 0x11_0000, MIB),
                ("ota_1", 0x21_0000, MIB),
            ],
        );
    }
}
