//! Takes a partition table from a file, and saves it as a CSV, as a binary, or as a picture of the map.
//!
//! A table with errors is shown with them before it is saved (`dialogs::export_problems`). Bytes come from `formats`,
//! files are read and written by `store`.

use std::path::Path;

use super::comparison::Sides;
use super::dialogs::Dialog;
use super::file_dialog::Ask;
use super::files::{ask_file, keep_file};
use super::run_command::{edit, sentence};
use super::state::AppState;
use super::table_row_ops::with_table;
use crate::formats::{partition_bin, partition_csv, table_picture};
use crate::model::partition_table::PartitionTable;
use crate::model::problem::{Problem, Severity};
use crate::model::project::Project;
use crate::model::table_check;
use crate::store::table_file;

/// What a table is saved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableForm {
    Csv,
    Binary,
    /// The map, for documents.
    Svg,
    Png,
}

impl TableForm {
    /// Title of the file dialog.
    pub fn title(self) -> &'static str {
        match self {
            Self::Csv => "Export the partition table as CSV",
            Self::Binary => "Export the partition table as binary",
            Self::Svg => "Export the map as an SVG picture",
            Self::Png => "Export the map as a PNG picture",
        }
    }

    /// Name that a new file is given.
    pub fn suggested(self) -> &'static str {
        match self {
            Self::Csv => "partitions.csv",
            Self::Binary => "partitions.bin",
            Self::Svg => "partitions.svg",
            Self::Png => "partitions.png",
        }
    }
}

/// Asks where to save the table; if it has errors, they are shown first.
pub fn export(state: &mut AppState, form: TableForm) {
    if errors(state.document.project(), form).is_empty() {
        ask_file(state, Ask::ExportTable { form });
    } else {
        state.dialog = Some(Dialog::ExportProblems(form));
    }
}

/// What is wrong with a table that is about to be saved: errors only.
pub fn errors(project: &Project, form: TableForm) -> Vec<Problem> {
    let mut problems =
        table_check::check(&project.table, Some(project.flash_size), Some(project.chip));
    problems.retain(|problem| problem.severity == Severity::Error);
    problems.extend(obstacles(project, form));
    problems
}

/// Why the table cannot be saved in this form at all.
pub fn obstacles(project: &Project, form: TableForm) -> Vec<Problem> {
    let mut problems = match form {
        TableForm::Csv => partition_csv::obstacles(&partition_csv::to_esp_idf(&project.table)),
        TableForm::Binary => match partition_bin::write(&project.table) {
            Ok(_) => Vec::new(),
            Err(error) => vec![Problem::error(
                crate::model::problem::Place::Table,
                error.to_string(),
                "",
            )],
        },
        TableForm::Svg | TableForm::Png => Vec::new(),
    };
    problems.retain(|problem| problem.severity == Severity::Error);
    problems
}

/// The file's bytes.
///
/// # Errors
/// A sentence, when the table does not fit the form.
pub fn bytes(project: &Project, form: TableForm) -> Result<Vec<u8>, String> {
    if let Some(problem) = obstacles(project, form).first() {
        return Err(sentence(&problem.message, &problem.help));
    }
    match form {
        TableForm::Csv => Ok(partition_csv::write(&partition_csv::to_esp_idf(
            &project.table,
        ))),
        TableForm::Binary => {
            partition_bin::write(&project.table).map_err(|error| error.to_string())
        }
        TableForm::Svg => {
            Ok(table_picture::svg(&project.table, project.flash_size, project.chip).into_bytes())
        }
        TableForm::Png => table_picture::png(&project.table, project.flash_size, project.chip),
    }
}

/// Saves the table where the user said.
pub fn save(state: &mut AppState, form: TableForm, path: &Path) {
    match bytes(state.document.project(), form) {
        Ok(bytes) => keep_file(state, path, &bytes),
        Err(reason) => state.tell(Severity::Error, reason),
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Takes the table of a CSV, a binary table or an image.
pub fn import(state: &mut AppState, path: &Path) {
    let settings = state.document.project().table.settings;
    match table_file::read(path, settings) {
        Ok(read) => {
            let notes = read.notes();
            let what = format!("import table of {}", name_of(path));
            put(state, &what, None, read.table, &notes);
        }
        Err(error) => state.tell(Severity::Error, sentence(&error.to_string(), &error.help())),
    }
}

/// Shows what moves, grows, comes and goes between the table of a file and the project's.
pub fn compare(state: &mut AppState, path: &Path) {
    let project = state.document.project();
    match table_file::read(path, project.table.settings) {
        Ok(read) => {
            let name = name_of(path);
            let notes: Vec<String> = read
                .reading
                .iter()
                .map(|note| sentence(&note.message, &note.help))
                .collect();
            let sides = Sides::new(name, &read.table, project, &notes);
            state.dialog = Some(Dialog::CompareTable(sides));
        }
        Err(error) => state.tell(Severity::Error, sentence(&error.to_string(), &error.help())),
    }
}

/// Makes a whole table the project's, as one edit, and says what was noticed and what lost its place.
pub fn put(
    state: &mut AppState,
    name: &str,
    flash_size: Option<u32>,
    table: PartitionTable,
    notes: &[Problem],
) {
    let (mut project, homeless) = with_table(state.document.project(), table);
    project.flash_size = flash_size.unwrap_or(project.flash_size);
    if project == *state.document.project() {
        state.tell(Severity::Note, "The project has exactly this table already");
        return;
    }
    edit(state, name, project);
    state.select_first();
    for note in notes {
        state.tell(note.severity, sentence(&note.message, &note.help));
    }
    if !homeless.is_empty() {
        state.tell(
            Severity::Warning,
            format!(
                "This table has no partition for the contents of {}. Undo brings them back",
                homeless.join(", ")
            ),
        );
    }
}
