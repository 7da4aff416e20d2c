//! What is being read from a board, piece by piece, on its way to a file: pieces go to a hidden file beside the one
//! that was named, which takes its name when all of them are there. After a cut the pieces stay, and the next read of
//! the same regions into the same file offers their digests to the board; none is believed for being there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};

use super::StoreError;
use super::replace::{put_in_place, target_of};
use crate::model::region::Region;

/// A read under way. Dropping it leaves the pieces for the next one.
#[derive(Debug)]
pub struct PartialRead {
    /// The file that was named.
    output: PathBuf,
    /// Where pieces are collected.
    partial: PathBuf,
    /// Made when the first piece comes, so that a read that never began leaves nothing behind.
    file: Option<File>,
    /// Each piece and its place in the file, in order.
    places: Vec<(Region, u64)>,
    there: Vec<bool>,
}

impl PartialRead {
    /// Gets ready to read `pieces` into `output`, which is not touched before the end.
    ///
    /// # Errors
    /// When there is no such folder, or `output` cannot be replaced.
    pub fn begin(output: &Path, pieces: &[Region]) -> Result<Self, StoreError> {
        let failed = |source| StoreError::writing(output, source);
        let target = target_of(output).map_err(failed)?;
        let mut places = Vec::with_capacity(pieces.len());
        let mut at = 0u64;
        for piece in pieces {
            places.push((*piece, at));
            at += u64::from(piece.size);
        }
        Ok(Self {
            partial: partial_path(&target, pieces),
            output: output.to_path_buf(),
            file: None,
            there: vec![false; places.len()],
            places,
        })
    }

    /// MD5 of the pieces that an earlier read left, by their offset in flash. Nothing is known to be right by this.
    ///
    /// # Errors
    /// When they are there and cannot be read.
    pub fn left_over(&self) -> Result<BTreeMap<u32, [u8; 16]>, StoreError> {
        let failed = |source| StoreError::reading(&self.partial, source);
        let mut file = match File::open(&self.partial) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut found = BTreeMap::new();
        for (piece, _) in &self.places {
            let mut bytes = vec![0; piece.size as usize];
            match file.read_exact(&mut bytes) {
                Ok(()) => found.insert(piece.offset, Md5::digest(&bytes).into()),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(failed(error)),
            };
        }
        Ok(found)
    }

    /// Takes a proven piece in: its bytes, or `None` if the board has shown that those of an earlier read are right.
    ///
    /// # Errors
    /// When they cannot be written, or the piece is none of this read.
    pub fn take(&mut self, piece: Region, bytes: Option<&[u8]>) -> Result<(), StoreError> {
        let failed = |source| StoreError::writing(&self.partial, source);
        let index = self.places.iter().position(|(known, _)| *known == piece);
        let Some(index) = index else {
            return Err(failed(io::Error::other(
                "a piece came that was not asked for",
            )));
        };
        if let Some(bytes) = bytes {
            if self.file.is_none() {
                let mut options = File::options();
                options.create(true).write(true).truncate(false);
                self.file = Some(options.open(&self.partial).map_err(failed)?);
            }
            if let Some(file) = &mut self.file {
                file.seek(SeekFrom::Start(self.places[index].1))
                    .and_then(|_| file.write_all(bytes))
                    .map_err(failed)?;
            }
        }
        self.there[index] = true;
        Ok(())
    }

    /// Gives the file its name; all pieces must have come. Returns its bytes, read back from the disk.
    ///
    /// # Errors
    /// When a piece is missing, or the file cannot take its name.
    pub fn finish(self) -> Result<Vec<u8>, StoreError> {
        let failed = |source| StoreError::writing(&self.output, source);
        if self.there.contains(&false) {
            return Err(failed(io::Error::other("not every piece has come")));
        }
        drop(self.file);
        let total = self
            .places
            .last()
            .map_or(0, |(piece, at)| at + u64::from(piece.size));
        let mut options = File::options();
        options.create(true).read(true).write(true).truncate(false);
        let mut file = options.open(&self.partial).map_err(failed)?;
        // An earlier read of the same regions may have left more than this one needs.
        file.set_len(total).map_err(failed)?;
        let mut bytes = Vec::with_capacity(total as usize);
        file.read_to_end(&mut bytes).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        put_in_place(&self.partial, &self.output).map_err(failed)?;
        Ok(bytes)
    }
}

/// A hidden file beside the target; its name tells which regions it is for.
fn partial_path(target: &Path, pieces: &[Region]) -> PathBuf {
    let mut regions = crc32fast::Hasher::new();
    for piece in pieces {
        regions.update(&piece.offset.to_le_bytes());
        regions.update(&piece.size.to_le_bytes());
    }
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{:08x}.partial", regions.finalize()));
    target.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Vec<Region> {
        vec![
            Region::new(0x1000, 4),
            Region::new(0x1004, 2),
            Region::new(0x9000, 3),
        ]
    }

    fn names(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn pieces_stay_for_the_next_read_and_become_the_file_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("out.bin");
        std::fs::write(&output, b"old").unwrap();
        let mut first = PartialRead::begin(&output, &pieces()).unwrap();
        assert!(first.left_over().unwrap().is_empty());
        first.take(pieces()[0], Some(b"abcd")).unwrap();
        first.take(pieces()[1], Some(b"e")).unwrap();
        drop(first);
        assert_eq!(
            std::fs::read(&output).unwrap(),
            b"old",
            "nothing is truncated first"
        );

        // The second piece is cut short: it is not offered.
        let mut second = PartialRead::begin(&output, &pieces()).unwrap();
        let digest: [u8; 16] = Md5::digest(b"abcd").into();
        assert_eq!(
            second.left_over().unwrap(),
            BTreeMap::from([(0x1000, digest)])
        );
        second.take(pieces()[0], None).unwrap();
        second.take(pieces()[1], Some(b"ef")).unwrap();
        second.take(pieces()[2], Some(b"ghi")).unwrap();
        assert_eq!(second.finish().unwrap(), b"abcdefghi");
        assert_eq!(std::fs::read(&output).unwrap(), b"abcdefghi");
        assert_eq!(names(folder.path()), 1);
    }

    #[test]
    fn a_read_that_never_began_leaves_nothing_and_a_missing_piece_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("out.bin");
        let mut read = PartialRead::begin(&output, &pieces()).unwrap();
        assert_eq!(names(folder.path()), 0);
        assert!(read.take(Region::new(0, 1), Some(b"x")).is_err());
        read.take(pieces()[0], Some(b"abcd")).unwrap();
        assert!(read.finish().is_err());
        assert!(!output.exists());
        assert!(PartialRead::begin(&folder.path().join("none/out"), &pieces()).is_err());
    }

    #[test]
    fn other_regions_have_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("out.bin");
        let mut one = PartialRead::begin(&output, &pieces()).unwrap();
        one.take(pieces()[0], Some(b"abcd")).unwrap();
        let other = PartialRead::begin(&output, &pieces()[..1]).unwrap();
        assert!(other.left_over().unwrap().is_empty());
    }
}
