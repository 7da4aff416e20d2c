//! Bytes to values and back, one file per container. Nothing here reads a file or opens a port.

pub mod app_image;
pub mod backup;
pub mod bin_image;
pub mod bin_read;
pub mod boot_order;
pub mod console;
pub mod content_type;
pub mod file_tree;
pub mod flash_file;
pub mod format_error;
mod hex_text;
pub mod kept_bytes;
pub mod kept_watch;
pub mod look_up_cost;
pub mod otadata;
pub mod partition_bin;
pub mod partition_csv;
mod partition_csv_cells;
mod partition_csv_convert;
pub mod partition_csv_text;
mod partition_csv_write;
pub mod recognise;
pub mod romfs;
pub mod second_opinion;
pub mod table_picture;
pub mod table_template;
pub mod unpack;
