//! Which app of a project is made from an ELF file: what explains the addresses that the program prints.

use std::path::{Path, PathBuf};

use super::read_whole::first_bytes;
use crate::model::partition_table::APP;
use crate::model::project::{Content, Project, Source};

/// What every ELF file begins with.
const MAGIC: &[u8] = b"\x7FELF";

/// Whether a file begins as an ELF file does.
pub fn is_elf(path: &Path) -> bool {
    first_bytes(path, MAGIC.len() as u64) == MAGIC
}

/// The app partition of a project that is filled from an ELF file, and that file; `preferred` comes first where there
/// are several.
pub fn elf_app(project: &Project, preferred: Option<&str>) -> Option<(String, PathBuf)> {
    let apps = project.table.rows.iter().filter(|row| row.kind == APP);
    let found: Vec<(String, PathBuf)> = apps
        .filter_map(|row| match project.contents.get(&row.name)?.as_ref() {
            Content::Raw(Source::Path(path)) if is_elf(path) => {
                Some((row.name.clone(), path.clone()))
            }
            _ => None,
        })
        .collect();
    let wanted = found
        .iter()
        .position(|(name, _)| Some(name.as_str()) == preferred);
    found.into_iter().nth(wanted.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::project_file;

    #[test]
    fn the_preferred_app_with_an_elf_file_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let [elf, bin] = ["app.elf", "app.bin"].map(|name| folder.path().join(name));
        std::fs::write(&elf, b"\x7FELF and more").unwrap();
        std::fs::write(&bin, [0xE9; 64]).unwrap();
        let mut project = project_file::sample();
        let mut table = (*project.table).clone();
        let rows: Vec<usize> = (0..table.rows.len())
            .filter(|row| table.rows[*row].kind == APP)
            .collect();
        assert!(!rows.is_empty());
        let name = table.rows[rows[0]].name.clone();
        let mut other = (*table.rows[rows[0]]).clone();
        other.name = "other".into();
        table.rows.push(Arc::new(other));
        project.table = Arc::new(table);
        let mut fill = |name: &str, path: &Path| {
            let content = Content::Raw(Source::Path(path.to_path_buf()));
            project.contents.insert(name.to_owned(), Arc::new(content));
            let of = |preferred| elf_app(&project, preferred).map(|(name, _)| name);
            (of(None), of(Some("other")))
        };
        assert_eq!(fill(&name, &bin), (None, None));
        let first = Some(name.clone());
        assert_eq!(fill(&name, &elf), (first.clone(), first.clone()));
        assert_eq!(fill("other", &elf), (first, Some("other".to_owned())));
    }
}
