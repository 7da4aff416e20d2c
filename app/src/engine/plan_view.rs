//! A plan as it is shown: the review sheet draws it, `--dry-run` prints it, as text and as JSON, and the job carries
//! out the very plan that it was made of.

use std::path::Path;

use serde::Serialize;

use super::{agent_replaced, guard, moves, neighbours, table_change};
use crate::formats::app_image;
use crate::model::chip::BoardIdentity;
use crate::model::cost::Link;
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::guard::Guard;
use crate::model::keep::Keep;
use crate::model::number::{hex, human_size};
use crate::model::plan_estimate::{Estimate, estimate};
use crate::model::planned_move::PlannedMove;
use crate::model::region::{Region, SECTOR};

/// One region of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanLine {
    /// Place in the order, from 1.
    pub step: usize,
    pub role: Role,
    pub target: String,
    pub source: String,
    pub offset: u32,
    pub size: u32,
    /// What an app image says of itself, and how it fills its partition; `None` for everything else.
    pub app: Option<String>,
    pub destroys: Vec<String>,
}

/// Something that is refused, and whether the plan overrides it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GuardLine {
    #[serde(flatten)]
    pub guard: Guard,
    pub forced: bool,
}

/// Something that is saved before it is overwritten, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedBackup {
    pub what: String,
    pub place: String,
}

impl PlannedBackup {
    /// `The data of nvs is saved to … first`.
    pub fn sentence(&self) -> String {
        format!("{} is saved to {} first", self.what, self.place)
    }
}

/// Everything that is said about a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanView {
    /// Bytes that the plan covers.
    pub bytes: u64,
    /// In the order in which they are written.
    pub writes: Vec<PlanLine>,
    /// Data that is carried from where a partition was to where it is put.
    pub carried: Vec<PlannedMove>,
    /// What is saved to disk before the first byte of the board changes.
    pub backups: Vec<PlannedBackup>,
    pub guards: Vec<GuardLine>,
    pub modelled: Estimate,
    pub full: bool,
    pub verify: bool,
}

impl PlanView {
    /// Looks at a plan, for a board if one is known, over a link.
    pub fn of(plan: &FlashPlan, board: Option<&BoardIdentity>, link: Link) -> Self {
        let writes = plan.writes.iter().enumerate();
        let mut guards = guard::guards(plan, board);
        if plan.agent.is_some() {
            // Such a plan is made whole here, and what it is forced to do nobody has typed.
            guards.retain(|guard| !guard.is_forced(&plan.forced));
        }
        Self {
            bytes: plan.total_bytes(),
            writes: writes
                .map(|(index, write)| line(plan, index, write))
                .collect(),
            carried: carried(plan),
            backups: Vec::new(),
            guards: guards
                .into_iter()
                .map(|guard| GuardLine {
                    forced: guard.is_forced(&plan.forced),
                    guard,
                })
                .collect(),
            modelled: estimate(plan, link),
            full: plan.full,
            verify: !plan.no_verify,
        }
    }

    /// The same with what is backed up for this board, and where: in which file, or, for a board that nobody knows yet,
    /// in which folder.
    #[must_use]
    pub fn backed_up(mut self, plan: &FlashPlan, keep: &dyn Keep, mac: Option<&str>) -> Self {
        let table = table_change::backup_place(keep, plan, mac).map(|place| PlannedBackup {
            what: "The board's partition table, if this one differs,".to_owned(),
            place,
        });
        let agent = agent_replaced::place(keep, plan, mac).map(|place| PlannedBackup {
            what: "What the agent replaces".to_owned(),
            place,
        });
        let carried = self.carried.iter().map(|planned| PlannedBackup {
            what: format!("The data of {}", planned.name),
            place: moves::place(keep, mac, planned.from),
        });
        let beside = beside(plan, keep, mac);
        let first = table.into_iter().chain(agent).chain(carried);
        self.backups = first.chain(beside).collect();
        if mac.is_none() {
            for backup in &mut self.backups {
                backup.place = folder(&backup.place);
            }
        }
        self
    }

    /// What is written and how much of it, as one sentence without a full stop.
    pub fn amount(&self) -> String {
        let bytes = human_size(self.bytes);
        let verified = if self.verify {
            "then verified"
        } else {
            "and not verified"
        };
        if self.full {
            format!("{bytes} are written, whether they differ or not, {verified}")
        } else {
            format!(
                "Only the sectors of these {bytes} that differ from the board are written, {verified}"
            )
        }
    }

    /// The plan for a terminal, a line each.
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = self.writes.iter().map(PlanLine::text).collect();
        lines.extend(
            self.carried
                .iter()
                .map(|planned| format!("first: {}", carried_text(planned))),
        );
        lines.extend(self.backups.iter().map(PlannedBackup::sentence));
        for GuardLine { guard, forced } in &self.guards {
            let word = match guard.name {
                Some(name) if *forced => format!("overridden by --force {name}"),
                Some(name) => format!("refused without --force {name}"),
                None => "refused".to_owned(),
            };
            lines.push(format!("{word}: {}", guard.message));
        }
        lines.push(format!("{}; {}", self.amount(), self.modelled.sentence()));
        lines.join("\n") + "\n"
    }
}

/// The folder of a file; what is in none stays as it is.
fn folder(file: &str) -> String {
    let folder = Path::new(file).parent();
    let named = folder.filter(|folder| !folder.as_os_str().is_empty());
    named.map_or_else(|| file.to_owned(), |folder| folder.display().to_string())
}

/// What shares a sector with a write and does not belong to it; nothing is saved of a sector that is not erased.
fn beside(plan: &FlashPlan, keep: &dyn Keep, mac: Option<&str>) -> Option<PlannedBackup> {
    let carried = carried(plan);
    let moved = carried
        .iter()
        .filter_map(|planned| Some((planned.name.as_str(), planned.carried()?)))
        .map(|(name, (from, to))| (name, Region::new(to, from.size)));
    let writes = plan.writes.iter();
    let writes = writes.map(|write| (write.target.as_str(), write.region()));
    let mut names: Vec<&str> = writes
        .chain(moved)
        .filter(|(_, region)| !region.is_aligned(SECTOR))
        .map(|(name, _)| name)
        .collect();
    names.dedup();
    (!names.is_empty()).then(|| PlannedBackup {
        what: format!(
            "What lies beside {} in the same sectors, if these differ,",
            names.join(", ")
        ),
        place: keep.place(&neighbours::name(mac.unwrap_or("unknown"))),
    })
}

/// `blink 1.2.0 for ESP32-C3, 5.3 KiB of 256 KiB`.
fn app(plan: &FlashPlan, write: &PlannedWrite) -> Option<String> {
    if write.role != Role::App {
        return None;
    }
    let header = app_image::header(&write.bytes)?;
    let chip = header.chip().map_or_else(
        || format!("chip number {}", header.chip_id),
        |chip| chip.to_string(),
    );
    let named = app_image::descriptor(&write.bytes).map_or_else(
        || "no descriptor".to_owned(),
        |app| {
            format!("{} {}", app.project_name, app.version)
                .trim()
                .to_owned()
        },
    );
    let size = human_size(write.bytes.len() as u64);
    let room = plan
        .layout
        .at(write.offset)
        .map_or_else(String::new, |place| {
            format!(" of {}", human_size(u64::from(place.region.size)))
        });
    Some(format!("{named} for {chip}, {size}{room}"))
}

fn carried(plan: &FlashPlan) -> Vec<PlannedMove> {
    let moves = plan.moves.iter();
    moves
        .filter(|planned| plan.carry && planned.carried().is_some())
        .cloned()
        .collect()
}

/// `nvs: 24 KiB are read from 0x9000, saved, and written to 0xA000`.
pub fn carried_text(planned: &PlannedMove) -> String {
    let (from, to) = planned
        .carried()
        .unwrap_or((planned.from, planned.to.offset));
    format!("{}: {}", planned.name, moves::sentence(from, to))
}

fn line(plan: &FlashPlan, index: usize, write: &PlannedWrite) -> PlanLine {
    PlanLine {
        step: index + 1,
        role: write.role,
        target: write.target.clone(),
        source: write.source.clone(),
        offset: write.offset,
        size: write.region().size,
        app: app(plan, write),
        destroys: write.destroys.clone(),
    }
}

impl PlanLine {
    /// What the user loses, as one text.
    pub fn losses(&self) -> String {
        self.destroys.join("; ")
    }

    /// `1. 0x300000  bin: 37.5 KiB from pack.bin. Replaces …`
    pub fn text(&self) -> String {
        // What goes to an offset is called by it.
        let place = hex(self.offset);
        let target = if self.target == place {
            String::new()
        } else {
            format!("{}: ", self.target)
        };
        let size = human_size(u64::from(self.size));
        let mut text = format!(
            "{:>2}. {place:>10}  {target}{size} from {}",
            self.step, self.source
        );
        if let Some(app) = &self.app {
            text = format!("{text} ({app})");
        }
        if !self.destroys.is_empty() {
            text += ". ";
            text += &self.losses();
        }
        text
    }
}
