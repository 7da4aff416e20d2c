//! The window without a window: the real app, driven by label, on a real practice board, with a fake file dialog.

mod bad_input;
mod every_panel;
mod idle;
mod map;
mod map_drag;
mod packer;
#[cfg(unix)]
mod quiet_read;
mod table;
mod table_editor;
mod table_operations;
mod unsaved;
mod whole_path;
mod window;
