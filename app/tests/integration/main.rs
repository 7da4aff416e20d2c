//! Rings 3, 4, 6 and the house rules: everything that takes the whole library or its programs, in one test binary.
//! The modules are marked as tests so that their plain functions may unwrap as the tests themselves do.
#![cfg(unix)]

#[cfg(test)]
mod agent_bundle;
#[cfg(test)]
mod agent_in_flash;
#[cfg(test)]
mod agent_link;
#[cfg(test)]
mod agent_proof;
#[cfg(test)]
mod agent_soak;
#[cfg(test)]
mod app_images;
#[cfg(test)]
mod bin_golden;
#[cfg(test)]
mod bin_hostile;
#[cfg(test)]
mod bin_kept_offsets;
#[cfg(test)]
mod bin_look_up;
#[cfg(test)]
mod bin_mutations;
#[cfg(test)]
mod bin_seed_reader;
#[cfg(test)]
mod bin_sets;
#[cfg(test)]
mod board_swapped;
#[cfg(test)]
mod boot_files;
#[cfg(test)]
mod campaign_run;
#[cfg(test)]
mod campaigns;
#[cfg(test)]
mod causes;
#[cfg(test)]
mod cli_agent;
#[cfg(test)]
mod cli_backup;
#[cfg(test)]
mod cli_bad_board;
#[cfg(test)]
mod cli_boot;
#[cfg(test)]
mod cli_guards;
#[cfg(test)]
mod cli_images;
#[cfg(test)]
mod cli_info;
#[cfg(test)]
mod cli_interrupted;
#[cfg(test)]
mod cli_merged;
#[cfg(test)]
mod cli_moved_data;
#[cfg(test)]
mod cli_offset_roles;
#[cfg(test)]
mod cli_offsets;
#[cfg(test)]
mod cli_run;
#[cfg(test)]
mod cli_seed_path;
#[cfg(test)]
mod cli_table;
#[cfg(test)]
mod cli_table_edit;
#[cfg(test)]
mod cli_table_unread;
#[cfg(test)]
mod cli_usage;
#[cfg(test)]
mod elf_file;
#[cfg(test)]
mod elf_images;
#[cfg(test)]
mod emulator;
#[cfg(test)]
mod emulator_jobs;
#[cfg(test)]
mod engine_jobs;
#[cfg(test)]
mod esptool_client;
#[cfg(test)]
mod flash_file;
#[cfg(test)]
mod identity_noise;
#[cfg(test)]
mod large_flash;
#[cfg(test)]
mod lower_speed;
#[cfg(test)]
mod monitor_cli;
#[cfg(test)]
mod monitor_engine;
#[cfg(test)]
mod neighbour_bytes;
#[cfg(test)]
mod noisy_line;
#[cfg(test)]
mod practice_agent;
#[cfg(test)]
mod practice_espflash;
#[cfg(test)]
mod practice_faults;
#[cfg(test)]
mod readme_help;
#[cfg(test)]
mod recognise_tools;
#[cfg(test)]
mod reset_between;
#[cfg(test)]
mod romfs;
#[cfg(test)]
mod second_client;
#[cfg(test)]
mod seed_path;
#[cfg(test)]
mod several_boards;
#[cfg(test)]
mod stray_erases;
#[cfg(test)]
mod stray_writes;
#[cfg(test)]
mod table_binary;
#[cfg(test)]
mod table_change_cut;
#[cfg(test)]
mod table_changes;
#[cfg(test)]
mod table_differential;
#[cfg(test)]
mod table_lossless;
#[cfg(test)]
mod table_map_edits;
#[cfg(test)]
mod table_mutate;
#[cfg(test)]
mod table_mutations;
#[cfg(test)]
mod table_random;
#[cfg(test)]
mod table_random_edits;
#[cfg(test)]
mod table_rules;
#[cfg(test)]
mod table_vectors;
#[cfg(test)]
mod tidy;
