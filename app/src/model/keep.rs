//! A safe place for what must outlive the program: bytes that a running write is about to erase and could not get
//! back. This is only what the engine asks of such a place; the one on disk is in `store/`, and none of this knows
//! what the bytes mean.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

/// Why something could not be kept or taken out again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct KeepError {
    /// A sentence without a full stop that names the file.
    pub message: String,
    /// The one thing to do.
    pub help: String,
}

/// A place for named bytes. A name is made of lower-case letters, digits, `-` and `.`.
pub trait Keep: Debug + Send + Sync {
    /// Keeps bytes under a name, in place of what it had before. When this returns they survive a power cut.
    ///
    /// # Errors
    /// When they cannot be kept; then what the name had before is still there.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), KeepError>;

    /// What is kept under a name.
    ///
    /// # Errors
    /// When there is something that cannot be read.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, KeepError>;

    /// Lets go of a name; one that has nothing is no error.
    ///
    /// # Errors
    /// When it stays there.
    fn remove(&self, name: &str) -> Result<(), KeepError>;

    /// Where a person finds what is kept under this name.
    fn place(&self, name: &str) -> String;
}

/// Keeps in memory only, for a window without a settings folder, and for tests.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<BTreeMap<String, Vec<u8>>>);

impl InMemory {
    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        // A map is whole between two calls, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keep for InMemory {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), KeepError> {
        self.all().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, KeepError> {
        Ok(self.all().get(name).cloned())
    }

    fn remove(&self, name: &str) -> Result<(), KeepError> {
        self.all().remove(name);
        Ok(())
    }

    fn place(&self, name: &str) -> String {
        format!("memory ({name})")
    }
}

/// A board's MAC address as the part of a file's name: `60-55-f9-f0-0d-01`.
pub fn board_name(mac: &str) -> String {
    mac.replace(':', "-").to_lowercase()
}
