//! The edge to hardware: the only place that names espflash, serialport or USB.

pub mod agent_answer;
pub mod agent_client;
pub mod agent_image;
pub mod agent_session;
pub mod bootloader;
pub mod elf_image;
pub mod error;
mod exchange;
pub mod heard;
mod loader_error;
pub mod port_list;
pub mod port_owner;
pub mod practice;
mod ram_load;
pub mod serial;
pub mod session;
mod session_identity;
mod session_read;
mod session_speed;
mod session_write;
pub mod text_port;
