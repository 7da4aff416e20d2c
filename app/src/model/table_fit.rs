//! Whether an app or a bootloader fits the place that a partition table gives it, as ESP-IDF checks at build time
//! (`check_sizes.py`): an app must fit one app partition at least, and should fit all of them.

use super::number::{hex, human_size};
use super::partition_table::PartitionTable;
use super::problem::{Place, Problem};
use super::table_names::APP;

/// What is wrong with an app image of `len` bytes for this table: an error if no app partition takes it, a warning if
/// some do not, because an update will come to them one day.
pub fn app_problem(table: &PartitionTable, len: u32) -> Option<Problem> {
    let apps = table.find_by_type(APP, None);
    let too_small: Vec<&str> = apps
        .iter()
        .filter(|app| app.region.size < len)
        .map(|app| app.row.shown_name())
        .collect();
    let size = human_size(u64::from(len));
    if apps.is_empty() {
        let message = format!("The app of {size} has no place: the table has no app partition");
        return Some(Problem::error(
            Place::Table,
            message,
            "Add an app partition",
        ));
    }
    if too_small.is_empty() {
        return None;
    }
    let names = too_small.join(", ");
    if too_small.len() == apps.len() {
        let message = format!("The app of {size} fits no app partition: {names}");
        return Some(Problem::error(
            Place::Table,
            message,
            "Enlarge the app partitions, or make the app smaller",
        ));
    }
    let message = format!("The app of {size} does not fit {names}");
    let help = "Choose the partition for it yourself: an update that picks the next slot may fail";
    Some(Problem::warning(Place::Table, message, help))
}

/// What is wrong with a bootloader of `len` bytes that starts at `offset`: it must end before the table begins.
pub fn bootloader_problem(table: &PartitionTable, offset: u32, len: u32) -> Option<Problem> {
    let end = u64::from(offset) + u64::from(len);
    let table_offset = table.settings.table_offset;
    (end > u64::from(table_offset)).then(|| {
        let message = format!(
            "The bootloader ends at {}, but the partition table begins at {}",
            hex(end),
            hex(table_offset)
        );
        Problem::error(
            Place::Table,
            message,
            "Make the bootloader smaller, or put the table behind it",
        )
    })
}
