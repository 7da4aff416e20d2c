//! The sample project of the first start, built into the program: it is there wherever the program is, and nothing on
//! disk is touched before the user saves.

use std::sync::Arc;

use super::project_parts::{assemble, settings_of};
use super::{project_text, table_file};
use crate::model::project::{Project, Source};

macro_rules! sample_file {
    ($path:literal) => {
        (
            $path,
            include_bytes!(concat!("../../../assets/sample/", $path)).as_slice(),
        )
    };
}

const PROJECT: &str = include_str!("../../../assets/sample/sample.flashpack");
const TABLE: &[u8] = include_bytes!("../../../assets/sample/partitions.csv");
const FILES: [(&str, &[u8]); 6] = [
    sample_file!("files/readme"),
    sample_file!("files/logo.png"),
    sample_file!("files/tone.wav"),
    sample_file!("files/deep/f001"),
    sample_file!("files/deep/f002"),
    sample_file!("files/deep/f003"),
];

/// The sample project, with its files in memory.
pub fn sample() -> Project {
    // What is built in is proven by the test below; an empty project stands in so that no path can panic.
    let Ok(text) = project_text::parse(PROJECT) else {
        return Project::default();
    };
    let table = table_file::from_bytes(TABLE, settings_of(&text), None)
        .map(|read| read.table)
        .unwrap_or_default();
    let bytes = |path: &str| {
        FILES
            .iter()
            .find(|(known, _)| *known == path)
            .map_or(&[][..], |(_, bytes)| bytes)
    };
    assemble(text, table, &|path| Source::Bytes(Arc::from(bytes(path)))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::project::{Content, PackEntry, Packed};
    use crate::store::project_file::load;
    use std::path::Path;

    fn read_in(entries: &[PackEntry]) -> Vec<PackEntry> {
        let one = |entry: &PackEntry| {
            let what = match &entry.what {
                Packed::File(Source::Path(path)) => {
                    Packed::File(Source::Bytes(std::fs::read(path).unwrap().into()))
                }
                Packed::File(Source::Bytes(_)) => panic!("a loaded project names files"),
                Packed::Folder(inside) => Packed::Folder(read_in(inside)),
            };
            PackEntry {
                name: entry.name.clone(),
                what,
            }
        };
        entries.iter().map(one).collect()
    }

    #[test]
    fn the_sample_in_the_program_is_the_sample_on_disk() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sample");
        let loaded = load(&folder.join("sample.flashpack")).unwrap();
        assert_eq!(loaded.problems, []);
        let mut on_disk = loaded.project;
        for content in on_disk.contents.values_mut() {
            if let Content::Files(files) = &**content {
                let files = crate::model::project::FilesContent {
                    entries: read_in(&files.entries),
                    ..files.clone()
                };
                *content = Arc::new(Content::Files(files));
            }
        }
        let sample = sample();
        assert_eq!(sample, on_disk);
        assert_eq!(sample.table.rows.len(), 5);
        let Content::Files(bin) = &*sample.contents["bin"] else {
            panic!("bin holds files")
        };
        assert_eq!(bin.entries.len(), 4);
    }
}
