//! The window without a window: the real app, driven by label, on a real practice board, with a fake file dialog.

mod agent_in_flash;
mod agent_panel;
#[cfg(test)]
mod app_images;
mod bad_input;
// Marked as a test, as the monitor's.
#[cfg(test)]
#[cfg(unix)]
mod board_history;
// Marked as a test, as the monitor's.
#[cfg(test)]
mod done;
#[cfg(test)]
#[path = "../integration/elf_file.rs"]
mod elf_file;
mod erase_and_restore;
mod every_panel;
#[cfg(test)]
mod guards;
mod idle;
mod interrupted;
mod map;
mod map_drag;
// Marked as a test, so that its plain functions may unwrap as the tests themselves do.
#[cfg(test)]
#[cfg(unix)]
mod monitor;
mod packer;
mod packer_offsets;
mod packer_shown;
// Marked as a test, as the monitor's.
#[cfg(test)]
#[cfg(unix)]
mod ports;
#[cfg(unix)]
mod quiet_read;
// Marked as a test, as the monitor's.
#[cfg(test)]
mod recognised;
#[cfg(test)]
#[cfg(unix)]
mod several;
mod table;
mod table_editor;
mod table_operations;
mod unsaved;
mod whole_path;
mod window;
