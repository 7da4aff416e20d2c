//! Builds the device agent's firmware and puts it into `assets/`, with a record of what it was made from.
//!
//! `cargo run -p flashpack --example bundle_agent` builds it with rustup's target `riscv32imc-unknown-none-elf`;
//! with a path, an ELF file that was built otherwise is bundled (see `docs/agent-protocol.md`).

mod elf;
mod record;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use record::Record;

const TARGET: &str = "riscv32imc-unknown-none-elf";

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let elf_path = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => build(&root)?,
    };
    let bytes =
        std::fs::read(&elf_path).with_context(|| format!("cannot read {}", elf_path.display()))?;
    let image = elf::to_image(&bytes)
        .with_context(|| format!("{} is not the firmware", elf_path.display()))?;
    let app =
        elf::to_app_image(&bytes).with_context(|| format!("{} is no app", elf_path.display()))?;
    let record = Record::of(&root, &image, &app)?;
    std::fs::write(root.join(record::IMAGE), &image).context("cannot write the image")?;
    std::fs::write(root.join(record::APP_IMAGE), &app).context("cannot write the app image")?;
    let json = serde_json::to_string_pretty(&record)? + "\n";
    std::fs::write(root.join(record::RECORD), json).context("cannot write the record")?;
    println!(
        "{}: {} bytes, of which {} are loaded; {}: {} bytes",
        record::IMAGE,
        image.len(),
        elf::loaded_size(&bytes)?,
        record::APP_IMAGE,
        app.len()
    );
    Ok(())
}

/// Builds the firmware and says where its ELF file is.
fn build(root: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target_dir =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let status = Command::new(cargo)
        .current_dir(root)
        .args([
            "build",
            "-p",
            "device-agent",
            "--features",
            "firmware",
            "--bin",
            "esp32c3",
        ])
        .args(["--profile", "firmware", "--target", TARGET])
        .arg("--target-dir")
        .arg(&target_dir)
        .status()
        .context("cannot start cargo")?;
    ensure!(
        status.success(),
        "the firmware did not build; is the target there? rustup target add {TARGET}"
    );
    Ok(target_dir.join(TARGET).join("firmware").join("esp32c3"))
}
