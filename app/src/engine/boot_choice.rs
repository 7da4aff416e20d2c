//! Choosing the app to boot: from a partition's name to the otadata that names it, as a region of a plan.
//!
//! Otadata is written after the app that it names, and only the record that does not count is replaced, so that a cut
//! leaves the present choice. What boots now is `engine::what_boots`.

use crate::formats::app_image;
use crate::formats::otadata::{self, OTADATA_BYTES};
use crate::model::flash_plan::{BootChoice, FlashPlan, PlannedWrite, Role};
use crate::model::number::hex;
use crate::model::partition_table::{APP, DATA};
use crate::model::plan_layout::{PlanLayout, PlanPartition};
use crate::model::region::Region;
use crate::model::table_names::{DATA_OTA, subtype_name};

/// Bytes of an app that show whether one begins there.
pub const HEAD: u32 = 0x20;
const FACTORY: u8 = 0;
const FIRST_OTA: u8 = 0x10;
const SLOTS_MAX: u8 = 16;

/// Why an app cannot be chosen, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    pub help: String,
}

/// An app that can be chosen, and the otadata to choose it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    app: PlanPartition,
    /// `None`: the factory app.
    slot: Option<u32>,
    slots: u32,
    otadata: PlanPartition,
}

/// Finds an app by its partition's name, or as `factory`, `ota_0`, ...
///
/// # Errors
/// There is no such app, otadata cannot name it, or there is no otadata.
pub fn find(layout: &PlanLayout, wanted: &str) -> Result<Choice, Refusal> {
    let refusal = |message: String, help: &str| Refusal {
        message,
        help: help.to_owned(),
    };
    if layout.partitions.is_empty() {
        return Err(refusal(
            format!(
                "Nothing can be chosen: there is no partition table at {}",
                hex(layout.settings.table_offset)
            ),
            "Write a table first, or say with --table-offset where it is",
        ));
    }
    let apps = || layout.partitions.iter().filter(|place| place.kind == APP);
    let app = apps()
        .find(|app| app.name == wanted)
        .or_else(|| apps().find(|app| subtype_name(APP, app.subtype) == wanted));
    let Some(app) = app else {
        let names: Vec<&str> = apps().map(|app| app.name.as_str()).collect();
        return Err(refusal(
            format!("The table has no app partition “{wanted}”"),
            &format!("Its app partitions are {}", names.join(", ")),
        ));
    };
    let mut places = layout.partitions.iter();
    let otadata = places.find(|place| place.kind == DATA && place.subtype == DATA_OTA);
    let Some(otadata) = otadata else {
        return Err(refusal(
            format!(
                "{} cannot be chosen: the table has no otadata partition",
                app.name
            ),
            "Add one of 0x2000 bytes (Add otadata in the table's problems); without it the factory app starts, else ota_0",
        ));
    };
    if (otadata.region.size as usize) < OTADATA_BYTES {
        return Err(refusal(
            format!("{} is too small: otadata takes 0x2000 bytes", otadata.name),
            "Make it 0x2000 bytes",
        ));
    }
    let slots = (FIRST_OTA..FIRST_OTA + SLOTS_MAX)
        .take_while(|subtype| apps().any(|app| app.subtype == *subtype))
        .count() as u32;
    let slot = match app.subtype {
        FACTORY => None,
        subtype if (FIRST_OTA..FIRST_OTA + SLOTS_MAX).contains(&subtype) => {
            Some(u32::from(subtype - FIRST_OTA))
        }
        other => {
            return Err(refusal(
                format!(
                    "{} is {}: otadata names only OTA slots and factory",
                    app.name,
                    subtype_name(APP, other)
                ),
                "Choose an OTA slot or the factory app",
            ));
        }
    };
    if slot.is_some_and(|slot| slot >= slots) {
        return Err(refusal(
            format!(
                "{} cannot be chosen: a slot below it is missing, and the bootloader counts without gaps",
                app.name
            ),
            "Give the table every OTA slot from ota_0 on",
        ));
    }
    Ok(Choice {
        app: app.clone(),
        slot,
        slots,
        otadata: otadata.clone(),
    })
}

/// Whether an app begins with these bytes.
pub fn begins_app(head: &[u8]) -> bool {
    app_image::header(head).is_some()
}

impl Choice {
    /// Both sectors of otadata.
    pub fn otadata(&self) -> Region {
        Region::new(self.otadata.region.offset, OTADATA_BYTES as u32)
    }

    /// Where the app lies.
    pub fn app_region(&self) -> Region {
        self.app.region
    }

    /// Whether the plan brings the app itself.
    pub fn is_written_by(&self, plan: &FlashPlan) -> bool {
        let mut writes = plan.writes.iter();
        writes.any(|write| write.region().overlaps(self.app.region))
    }

    /// Adds the choice to a plan. `current` is what otadata holds now, `holds_app` whether an app
    /// begins there on the board.
    ///
    /// # Errors
    /// When the sequence numbers are used up, or the plan writes otadata already.
    pub fn add_to(
        &self,
        plan: &mut FlashPlan,
        current: &[u8],
        holds_app: Option<bool>,
    ) -> Result<(), Refusal> {
        if plan
            .writes
            .iter()
            .any(|write| write.region().overlaps(self.otadata()))
        {
            return Err(Refusal {
                message: format!("{} is written already by another target", self.otadata.name),
                help: "Leave that target out, or the choice".to_owned(),
            });
        }
        let bytes = otadata::select(current, self.slot, self.slots).map_err(|message| Refusal {
            message,
            help: format!(
                "flashpack erase {} --yes, then choose again",
                self.otadata.name
            ),
        })?;
        plan.add(PlannedWrite {
            role: Role::OtaData,
            target: self.otadata.name.clone(),
            source: format!("choice of {}", self.app.name),
            offset: self.otadata.region.offset,
            bytes: bytes.into(),
            destroys: vec![format!(
                "The board starts {} from its next reset on",
                self.app.name
            )],
        });
        plan.boots = Some(BootChoice {
            partition: self.app.name.clone(),
            holds_app,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::otadata::OtaData;
    use std::sync::Arc;

    fn layout(places: &[(&str, u8, u8, u32, u32)]) -> PlanLayout {
        let places = places
            .iter()
            .map(|(name, kind, subtype, offset, size)| PlanPartition {
                name: (*name).to_owned(),
                kind: *kind,
                subtype: *subtype,
                region: Region::new(*offset, *size),
            });
        PlanLayout {
            partitions: places.collect(),
            ..PlanLayout::default()
        }
    }

    fn usual() -> PlanLayout {
        layout(&[
            ("otadata", 1, 0, 0xD000, 0x2000),
            ("factory", 0, 0, 0x1_0000, 0x1_0000),
            ("left", 0, 0x10, 0x2_0000, 0x1_0000),
            ("right", 0, 0x11, 0x3_0000, 0x1_0000),
            ("test", 0, 0x20, 0x4_0000, 0x1_0000),
        ])
    }

    #[test]
    fn a_slot_is_found_by_name_and_by_subtype() {
        for wanted in ["right", "ota_1"] {
            let choice = find(&usual(), wanted).unwrap();
            assert_eq!((choice.slot, choice.slots), (Some(1), 2));
            let mut plan = FlashPlan::default();
            choice
                .add_to(&mut plan, &[], Some(begins_app(&[0xFF; 32])))
                .unwrap();
            assert_eq!(plan.writes[0].offset, 0xD000);
            assert_eq!(OtaData::read(&plan.writes[0].bytes).slot(2), Some(1));
            assert_eq!(plan.boots.as_ref().unwrap().holds_app, Some(false));
            assert!(choice.add_to(&mut plan, &[], None).is_err(), "twice");
        }
        let mut plan = FlashPlan::default();
        let choice = find(&usual(), "factory").unwrap();
        choice.add_to(&mut plan, &[0; 64], None).unwrap();
        assert!(plan.writes[0].bytes.iter().all(|byte| *byte == 0xFF));
    }

    #[test]
    fn what_cannot_be_chosen_says_why() {
        let refused = |layout: &PlanLayout, wanted: &str, word: &str| {
            let refusal = find(layout, wanted).unwrap_err();
            assert!(refusal.message.contains(word), "{refusal:?}");
            assert!(!refusal.help.is_empty());
        };
        refused(&PlanLayout::default(), "factory", "no partition table");
        refused(&usual(), "none", "none");
        refused(&usual(), "test", "only OTA slots");
        let mut places = usual().partitions.to_vec();
        places.remove(2);
        let gap = PlanLayout {
            partitions: Arc::from(places.clone()),
            ..usual()
        };
        refused(&gap, "right", "without gaps");
        places.remove(0);
        let without = PlanLayout {
            partitions: Arc::from(places),
            ..usual()
        };
        refused(&without, "factory", "no otadata");
        let small = layout(&[
            ("otadata", 1, 0, 0xD000, 0x1000),
            ("a", 0, 0, 0x1_0000, 0x1000),
        ]);
        refused(&small, "a", "too small");
    }
}
