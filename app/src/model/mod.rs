//! Plain values: what a chip, a region, a partition table, a project and a plan are.
//!
//! Nothing here reads a file, opens a port, looks at a clock or draws.
//! Everything that can be wrong about a value is a [`problem::Problem`], never a panic.

pub mod baud;
pub mod boots;
pub mod cause;
pub mod chip;
pub mod cost;
pub mod flash_plan;
pub mod guard;
pub mod keep;
pub mod micropython;
pub mod number;
pub mod partition_table;
pub mod plan_estimate;
pub mod plan_layout;
pub mod planned_move;
pub mod problem;
pub mod project;
pub mod region;
pub mod shell_word;
mod table_add;
pub mod table_arrange;
mod table_cell;
pub mod table_check;
mod table_check_advice;
mod table_check_esp_idf;
mod table_check_rows;
pub mod table_diff;
pub mod table_edit;
pub mod table_extra;
pub mod table_fit;
pub mod table_gaps;
pub mod table_names;
pub mod table_number;
pub mod table_obstacle;
mod table_places;
pub mod table_respell;
mod table_row_order;
pub mod table_spelling;
pub mod write_cost;
