//! The user's project, its undo stack, and where it is kept.
//!
//! Undo is our own stack of (name, project), pushed where an edit ends: a drag released, a cell committed. A project
//! shares its rows and bytes with its predecessor, so that a long history costs what differs.

use std::path::{Path, PathBuf};

use crate::model::project::Project;

/// One step that can be taken back or made again.
#[derive(Clone, Debug)]
struct Step {
    /// What was done, as it continues *Undo*: `resize vfs`.
    name: String,
    /// The project on the other side of the step.
    project: Project,
}

/// A project being edited.
#[derive(Clone, Debug, Default)]
pub struct Document {
    project: Project,
    undo: Vec<Step>,
    redo: Vec<Step>,
    saved: Project,
    path: Option<PathBuf>,
    /// What a project without a file came from.
    origin: Option<String>,
    /// Shown instead of the project while a drag is under way; never saved, packed or written.
    preview: Option<Project>,
    revision: u64,
}

impl Document {
    /// A project as it was loaded from `path`, or a new one.
    pub fn new(project: Project, path: Option<PathBuf>) -> Self {
        Self {
            saved: project.clone(),
            project,
            path,
            ..Self::default()
        }
    }

    /// The project without what is being dragged.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The project as it is drawn: the preview of a drag, else the project.
    pub fn shown(&self) -> &Project {
        self.preview.as_ref().unwrap_or(&self.project)
    }

    /// Changes whenever [`Self::shown`] may have changed.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Counts on from another document's revision, so that nothing computed for that one is taken for this one's.
    pub fn continue_from(&mut self, revision: u64) {
        self.revision = revision + 1;
    }

    /// Makes everything that follows from the project be computed again.
    pub fn touch(&mut self) {
        self.revision += 1;
    }

    /// Makes one edit that can be undone under this name. An edit that changes nothing leaves no trace.
    pub fn edit(&mut self, name: impl Into<String>, change: impl FnOnce(&mut Project)) -> bool {
        let before = self.project.clone();
        change(&mut self.project);
        self.preview = None;
        self.revision += 1;
        if self.project == before {
            return false;
        }
        self.undo.push(Step {
            name: name.into(),
            project: before,
        });
        self.redo.clear();
        true
    }

    /// Shows what a drag would make of the project; `None` puts it back.
    pub fn set_preview(&mut self, preview: Option<Project>) {
        if self.preview != preview {
            self.preview = preview;
            self.revision += 1;
        }
    }

    /// What *Undo* would take back.
    pub fn undo_name(&self) -> Option<&str> {
        self.undo.last().map(|step| step.name.as_str())
    }

    /// What *Redo* would make again.
    pub fn redo_name(&self) -> Option<&str> {
        self.redo.last().map(|step| step.name.as_str())
    }

    /// Takes back the latest edit; its name, if there was one.
    pub fn undo(&mut self) -> Option<String> {
        let step = self.undo.pop()?;
        let after = std::mem::replace(&mut self.project, step.project);
        self.redo.push(Step {
            name: step.name.clone(),
            project: after,
        });
        self.preview = None;
        self.revision += 1;
        Some(step.name)
    }

    /// Makes the latest undone edit again; its name, if there was one.
    pub fn redo(&mut self) -> Option<String> {
        let step = self.redo.pop()?;
        let before = std::mem::replace(&mut self.project, step.project);
        self.undo.push(Step {
            name: step.name.clone(),
            project: before,
        });
        self.preview = None;
        self.revision += 1;
        Some(step.name)
    }

    /// Whether something would be lost by closing now.
    pub fn is_dirty(&self) -> bool {
        self.project != self.saved
    }

    /// Where the project is kept, if it is.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The project has just been written to `path` as it is.
    ///
    /// What was kept in memory only may have become files on disk; `settled` is the project as it lies there. That is
    /// no edit of the user's, so it leaves no step to undo.
    pub fn mark_saved(&mut self, path: PathBuf, settled: Project) {
        self.saved = settled.clone();
        self.project = settled;
        self.path = Some(path);
        self.revision += 1;
    }

    /// A name for a document that has no file of its own yet but came from one: a table, an image, a folder.
    pub fn name_unsaved(&mut self, from: &Path) {
        self.origin = from
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
    }

    /// Name for the title: the file's, or `Sample`.
    pub fn title(&self) -> String {
        self.path
            .as_deref()
            .and_then(Path::file_name)
            .map(|name| name.to_string_lossy().into_owned())
            .or_else(|| self.origin.clone())
            .unwrap_or_else(|| super::text::UNSAVED_PROJECT.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(document: &mut Document, size: u32) {
        document.edit(format!("set {size}"), |project| project.flash_size = size);
    }

    #[test]
    fn undo_and_redo_walk_the_same_way() {
        let mut document = Document::new(Project::default(), None);
        let mut states = vec![document.project().clone()];
        for size in 1..=50 {
            resized(&mut document, size);
            states.push(document.project().clone());
        }
        for state in states.iter().rev().skip(1) {
            assert!(document.undo().is_some());
            assert_eq!(document.project(), state);
        }
        assert_eq!(document.undo(), None);
        for state in states.iter().skip(1) {
            assert!(document.redo().is_some());
            assert_eq!(document.project(), state);
        }
        assert_eq!(document.redo(), None);
        assert_eq!(document.undo_name(), Some("set 50"));
    }

    #[test]
    fn an_edit_that_changes_nothing_leaves_no_trace() {
        let mut document = Document::new(Project::default(), None);
        assert!(!document.edit("nothing", |_| ()));
        assert_eq!(document.undo_name(), None);
        assert!(!document.is_dirty());
    }

    #[test]
    fn a_new_edit_forgets_what_was_undone() {
        let mut document = Document::new(Project::default(), None);
        resized(&mut document, 1);
        document.undo();
        resized(&mut document, 2);
        assert_eq!(document.redo(), None);
    }

    #[test]
    fn a_preview_is_shown_but_never_kept() {
        let mut document = Document::new(Project::default(), None);
        document.set_preview(Some(Project {
            flash_size: 7,
            ..Project::default()
        }));
        assert_eq!(document.shown().flash_size, 7);
        assert!(!document.is_dirty());
        document.set_preview(None);
        assert_eq!(document.shown(), document.project());
    }
}
