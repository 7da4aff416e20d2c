//! What the program remembers of its user between two starts: the window's place, the theme, the last port, the
//! latest projects. Loading never fails: what cannot be read is said and replaced by defaults.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::read_whole::{TEXT_LIMIT, read_whole};
use super::replace::replace;

/// How many recent projects are remembered.
const RECENT: usize = 10;

/// Colours of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    System,
    Dark,
    Light,
}

/// Size and place of the window, in points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowPlace {
    pub width: f32,
    pub height: f32,
    /// Left upper corner; `None` where the system does not tell (Wayland).
    pub position: Option<(f32, f32)>,
    pub maximized: bool,
}

/// Everything that is remembered. A field that is missing in the file has its default; an unknown one is ignored,
/// so that an older program can share the file with a newer one.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Settings {
    pub window: Option<WindowPlace>,
    pub theme: Theme,
    /// Path of the port used last, or `practice`.
    pub last_port: Option<String>,
    /// Bits per second used last.
    pub last_baud: Option<u32>,
    /// The strip of the first start was closed for ever.
    pub first_steps_dismissed: bool,
    /// Newest first.
    pub recent_projects: Vec<PathBuf>,
    /// What the window keeps for itself (splits, open panels), as text that only the window understands.
    pub window_state: String,
}

impl Settings {
    /// Puts a project in front of the recent ones, once.
    pub fn remember_project(&mut self, path: &Path) {
        self.recent_projects.retain(|known| known != path);
        self.recent_projects.insert(0, path.to_path_buf());
        self.recent_projects.truncate(RECENT);
    }
}

/// The settings file of this user; `None` where the system names no home at all.
pub fn settings_path() -> Option<PathBuf> {
    config_folder(|name| std::env::var_os(name)).map(|folder| folder.join("settings.json"))
}

/// Follows each system's own rule: the XDG base directory specification, Apple's `Library/Application Support`,
/// Windows' `APPDATA`. `FLASHPACK_CONFIG_DIR` overrides all of them.
fn config_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // The specifications ask to ignore relative paths; an empty variable counts as unset.
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if let Some(folder) = variable("FLASHPACK_CONFIG_DIR").filter(|folder| !folder.is_empty()) {
        return Some(folder.into());
    }
    let base = if cfg!(windows) {
        absolute("APPDATA")
    } else if cfg!(target_os = "macos") {
        absolute("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))
    };
    base.map(|base| base.join("flashpack"))
}

/// Reads the settings; what was wrong is told as sentences.
pub fn load() -> (Settings, Vec<String>) {
    settings_path().map_or_else(Default::default, |path| load_from(&path))
}

/// The same from a given file.
pub fn load_from(path: &Path) -> (Settings, Vec<String>) {
    let bytes = match read_whole(path, TEXT_LIMIT) {
        Ok(bytes) => bytes,
        Err(StoreError::Missing { .. }) => return Default::default(),
        Err(error) => {
            return (
                Settings::default(),
                vec![format!("{error}; defaults are used")],
            );
        }
    };
    match serde_json::from_slice(&bytes) {
        Ok(settings) => (settings, Vec::new()),
        Err(error) => {
            let line = error.line();
            let warning = format!(
                "{} line {line} cannot be read; defaults are used",
                path.display()
            );
            (Settings::default(), vec![warning])
        }
    }
}

/// Keeps the settings; without a home they are dropped, because there is nowhere to keep them.
pub fn save(settings: &Settings) -> Result<(), StoreError> {
    settings_path().map_or(Ok(()), |path| save_to(&path, settings))
}

/// The same to a given file; its folder is made if need be.
pub fn save_to(path: &Path, settings: &Settings) -> Result<(), StoreError> {
    let failed = |source| StoreError::writing(path, source);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut text = serde_json::to_string_pretty(settings).map_err(|error| failed(error.into()))?;
    text.push('\n');
    replace(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/for/it/settings.json");
        let mut settings = Settings {
            window: Some(WindowPlace {
                width: 1280.0,
                height: 720.0,
                position: Some((10.0, -5.5)),
                maximized: false,
            }),
            theme: Theme::Light,
            last_port: Some("practice".into()),
            last_baud: Some(921_600),
            first_steps_dismissed: true,
            recent_projects: Vec::new(),
            window_state: "split = 0.4".into(),
        };
        for number in 0..20 {
            settings.remember_project(Path::new(&format!("p{number}.flashpack")));
        }
        settings.remember_project(Path::new("p15.flashpack"));
        assert_eq!(settings.recent_projects.len(), RECENT);
        assert_eq!(settings.recent_projects[0], Path::new("p15.flashpack"));
        save_to(&path, &settings).unwrap();
        assert_eq!(load_from(&path), (settings, Vec::new()));
    }

    #[test]
    fn loading_never_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        assert_eq!(load_from(&path), (Settings::default(), Vec::new()));
        std::fs::write(&path, "{\n \"theme\": 5 }").unwrap();
        let (settings, warnings) = load_from(&path);
        assert_eq!(settings, Settings::default());
        assert!(warnings[0].contains("line 2"), "{warnings:?}");
        std::fs::write(&path, r#"{"theme":"dark","from-the-future":1}"#).unwrap();
        assert_eq!(
            load_from(&path),
            (
                Settings {
                    theme: Theme::Dark,
                    ..Settings::default()
                },
                Vec::new()
            )
        );
        assert_eq!(load_from(folder.path()).1.len(), 1);
    }

    #[test]
    fn the_override_wins() {
        let folder = config_folder(|name| (name == "FLASHPACK_CONFIG_DIR").then(|| "here".into()));
        assert_eq!(folder, Some(PathBuf::from("here")));
        assert_eq!(config_folder(|_| None), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn relative_variables_are_ignored() {
        let folder = config_folder(|name| match name {
            "XDG_CONFIG_HOME" => Some("relative".into()),
            "HOME" => Some("/home/somebody".into()),
            _ => None,
        });
        assert_eq!(
            folder,
            Some(PathBuf::from("/home/somebody/.config/flashpack"))
        );
    }
}
