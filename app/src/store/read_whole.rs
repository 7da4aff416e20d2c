//! Reads a file that a person named, all of it, but never without end: only ordinary files, and only up to a limit.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::StoreError;

/// Largest file that is read as an image, in bytes. The largest flash that an image header can name is 128 MiB.
pub const IMAGE_LIMIT: u64 = 256 << 20;
/// Largest project, table or settings file, in bytes.
pub const TEXT_LIMIT: u64 = 4 << 20;

/// The bytes of `path`.
///
/// Devices and pipes are refused before they are opened, because opening or reading them may wait for ever.
pub fn read_whole(path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
    let failed = |source| StoreError::reading(path, source);
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(StoreError::Folder {
            path: path.to_path_buf(),
        });
    }
    if !metadata.is_file() {
        return Err(StoreError::NotOrdinary {
            path: path.to_path_buf(),
        });
    }
    let too_long = || StoreError::TooLong {
        path: path.to_path_buf(),
        limit,
    };
    if metadata.len() > limit {
        return Err(too_long());
    }
    // The file may grow while it is read, or lie about its length as those of /proc do: the limit holds all the same.
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > limit {
        Err(too_long())
    } else {
        Ok(bytes)
    }
}

/// The first bytes of an ordinary file, as far as there are so many; none of one that cannot be read.
pub fn first_bytes(path: &Path, count: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        // What cannot be read begins with nothing.
        File::open(path)
            .and_then(|file| file.take(count).read_to_end(&mut bytes))
            .ok();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("four");
        std::fs::write(&path, b"four").unwrap();
        assert_eq!(read_whole(&path, 4).unwrap(), b"four");
        assert_eq!(first_bytes(&path, 2), b"fo");
        assert_eq!(first_bytes(&path, 9), b"four");
        assert_eq!(first_bytes(folder.path(), 9), b"");
        assert!(matches!(
            read_whole(&path, 3),
            Err(StoreError::TooLong { .. })
        ));
        assert!(matches!(
            read_whole(folder.path(), 3),
            Err(StoreError::Folder { .. })
        ));
        assert!(matches!(
            read_whole(&folder.path().join("none"), 3),
            Err(StoreError::Missing { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_never_read() {
        assert!(matches!(
            read_whole(Path::new("/dev/zero"), 10),
            Err(StoreError::NotOrdinary { .. })
        ));
    }
}
