//! The files of a practice board: its flash, kept up to date while it runs, and its report.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::Path;

use crate::model::number;

/// A file with the contents of the flash.
#[derive(Debug)]
pub struct FlashFile {
    file: File,
}

impl FlashFile {
    /// Opens the file, or creates it blank; returns it with its contents.
    ///
    /// # Errors
    /// Besides those of the file system: a file of another size is no flash of this board.
    pub fn open(path: &Path, size: u32) -> io::Result<(Self, Vec<u8>)> {
        let with_name =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let options = || {
            let mut options = File::options();
            options.read(true).write(true).truncate(false);
            options
        };
        let bytes = match options().open(path) {
            Ok(mut file) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map_err(with_name)?;
                if bytes.len() != size as usize {
                    let message = format!(
                        "{} holds {}, and the board has {} of flash: give the file's size with --size, or another file",
                        path.display(),
                        number::human_size(bytes.len() as u64),
                        number::human_size(size.into()),
                    );
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
                return Ok((Self { file }, bytes));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => vec![0xFF; size as usize],
            Err(error) => return Err(with_name(error)),
        };
        let mut file = options().create(true).open(path).map_err(with_name)?;
        file.write_all(&bytes).map_err(with_name)?;
        Ok((Self { file }, bytes))
    }

    /// Writes these ranges of the flash.
    pub fn update(&mut self, flash: &[u8], changed: &[Range<usize>]) -> io::Result<()> {
        for range in changed {
            let bytes = flash.get(range.clone()).unwrap_or_default();
            self.file.seek(SeekFrom::Start(range.start as u64))?;
            self.file.write_all(bytes)?;
        }
        Ok(())
    }
}

/// Replaces the report as a whole, so that a reader never sees half of one.
pub fn replace_report(path: &Path, json: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let new = path.with_file_name(name);
    fs::write(&new, json)?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_updates_and_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flash.bin");
        let (mut file, mut bytes) = FlashFile::open(&path, 0x20_0000).unwrap();
        assert!(bytes.iter().all(|byte| *byte == 0xFF) && bytes.len() == 0x20_0000);
        bytes[0x1234] = 7;
        bytes[0x1F_FFFF] = 8;
        file.update(&bytes, &[0x1000..0x2000, 0x1F_F000..0x20_0000])
            .unwrap();
        drop(file);
        assert_eq!(FlashFile::open(&path, 0x20_0000).unwrap().1, bytes);
    }

    #[test]
    fn refuses_a_file_of_another_size_and_leaves_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "mine").unwrap();
        let error = FlashFile::open(&path, 0x20_0000).unwrap_err().to_string();
        assert!(
            error.contains("notes.txt") && error.contains("--size"),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        let error = FlashFile::open(&folder.path().join("no/such"), 0x20_0000)
            .unwrap_err()
            .to_string();
        assert!(error.contains("such"), "{error}");
    }

    #[test]
    fn a_report_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        replace_report(&path, "a long first report").unwrap();
        replace_report(&path, "{}\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
