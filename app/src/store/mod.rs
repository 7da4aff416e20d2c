//! What is kept on disk: the project, the settings, and every file that a person names.
//!
//! Reading is bounded and never waits; writing replaces a file whole or leaves it as it was ([`replace`]).
//! Nothing here knows a board, a screen or a terminal.

pub mod backup_file;
pub mod day_log;
pub mod elf_app;
pub mod error;
pub mod extract;
pub mod kept;
pub mod known_boards;
pub mod last_written;
pub mod local_time;
pub(crate) mod near_path;
pub mod open_any;
pub mod partial_read;
pub mod project_file;
mod project_parts;
pub mod project_text;
pub mod read_whole;
pub mod replace;
pub mod sample;
pub mod settings;
mod settle;
pub mod table_file;
pub mod tree;

pub use error::StoreError;
