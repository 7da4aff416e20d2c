//! What the bundled firmware was made from, as sums in `assets/agent-esp32c3.json`; a test compares them.
//!
//! *Sources*: `Cargo.toml`, `build.rs`, `esp32c3.ld` and every `.rs` file under `src/` of device-agent, in the order of
//! their paths (with `/`, bytewise); of each its path, a line feed, its length in decimal, a line feed, and its bytes, line
//! ends as line feeds. *Dependencies*: from `Cargo.lock`, `name version checksum` of device-agent and of all that it
//! depends on, a line each, sorted. *Images*: the bytes of the image files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The image, from the top of the tree.
pub const IMAGE: &str = "assets/agent-esp32c3.bin";
/// The same as an app for a slot in flash.
pub const APP_IMAGE: &str = "assets/agent-esp32c3-app.bin";
/// The record beside them.
pub const RECORD: &str = "assets/agent-esp32c3.json";

/// SHA-256 sums, in hexadecimal.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    #[serde(rename = "sources_sha256")]
    pub sources: String,
    #[serde(rename = "dependencies_sha256")]
    pub dependencies: String,
    #[serde(rename = "image_sha256")]
    pub image: String,
    #[serde(rename = "app_image_sha256")]
    pub app_image: String,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    #[serde(default)]
    checksum: String,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Record {
    /// The sums of the tree as it is now, and of both images.
    pub fn of(root: &Path, image: &[u8], app_image: &[u8]) -> Result<Self> {
        Ok(Self {
            sources: sources(&root.join("device-agent"))?,
            dependencies: dependencies(&fs::read_to_string(root.join("Cargo.lock"))?)?,
            image: hex(&Sha256::digest(image)),
            app_image: hex(&Sha256::digest(app_image)),
        })
    }
}

fn sources(package: &Path) -> Result<String> {
    let mut files = BTreeMap::new();
    for name in ["Cargo.toml", "build.rs", "esp32c3.ld"] {
        files.insert(
            name.to_owned(),
            fs::read(package.join(name)).with_context(|| format!("cannot read {name}"))?,
        );
    }
    collect(package, "src", &mut files)?;
    let mut sum = Sha256::new();
    for (path, bytes) in files {
        let bytes: Vec<u8> = bytes.into_iter().filter(|&byte| byte != b'\r').collect();
        sum.update(format!("{path}\n{}\n", bytes.len()));
        sum.update(bytes);
    }
    Ok(hex(&sum.finalize()))
}

fn collect(package: &Path, folder: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for entry in
        fs::read_dir(package.join(folder)).with_context(|| format!("cannot list {folder}"))?
    {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(package, &path, files)?;
        } else if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "rs")
        {
            files.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

fn dependencies(lock: &str) -> Result<String> {
    let lock: Lock = toml::from_str(lock).context("Cargo.lock is not what it should be")?;
    let mut wanted = vec!["device-agent".to_owned()];
    let mut lines = BTreeSet::new();
    while let Some(wanted_one) = wanted.pop() {
        // A dependency is `name`, or `name version` where several versions are in the tree.
        let mut words = wanted_one.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        for package in &lock.package {
            let fits =
                package.name == name && version.is_none_or(|version| package.version == version);
            if fits
                && lines.insert(format!(
                    "{} {} {}\n",
                    package.name, package.version, package.checksum
                ))
            {
                wanted.extend(package.dependencies.iter().cloned());
            }
        }
    }
    let text: String = lines.into_iter().collect();
    Ok(hex(&Sha256::digest(text)))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}
