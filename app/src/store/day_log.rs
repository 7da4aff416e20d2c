//! What was done, one file a day in the user's data folder, for the day on which somebody asks.
//!
//! Lines are appended in small pieces and never changed. A day has a limit, and so has all of it: the oldest days go.
//! A log that cannot be written stops nothing; it is said once.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::local_time::LocalTime;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one day.
    pub day: u64,
    /// Bytes of all days.
    pub all: u64,
    pub days: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            day: 4 << 20,
            all: 16 << 20,
            days: 60,
        }
    }
}

/// The log of this user.
#[derive(Debug)]
pub struct DayLog {
    folder: PathBuf,
    limits: Limits,
    open: Option<OpenDay>,
    /// It could not be written; said already.
    broken: bool,
}

#[derive(Debug)]
struct OpenDay {
    date: String,
    file: File,
    len: u64,
    full: bool,
}

/// The log's folder: `FLASHPACK_CONFIG_DIR` if set, else where the system wants a program's data; `None` without a
/// home.
pub fn user_folder() -> Option<PathBuf> {
    folder_by(|name| std::env::var_os(name))
}

fn folder_by(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if let Some(folder) = variable("FLASHPACK_CONFIG_DIR").filter(|folder| !folder.is_empty()) {
        return Some(PathBuf::from(folder).join("log"));
    }
    let base = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        absolute("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("flashpack").join("log"))
}

impl DayLog {
    /// A log in a folder, which is made when the first line comes.
    pub fn at(folder: PathBuf) -> Self {
        Self::with_limits(folder, Limits::default())
    }

    /// The same with other limits.
    pub fn with_limits(folder: PathBuf, limits: Limits) -> Self {
        Self {
            folder,
            limits,
            open: None,
            broken: false,
        }
    }

    /// Where it is kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder if it is not there yet, and names it.
    pub fn make_folder(&self) -> Result<PathBuf, StoreError> {
        fs::create_dir_all(&self.folder)
            .map(|()| self.folder.clone())
            .map_err(|source| StoreError::writing(&self.folder, source))
    }

    /// Appends one step: a sentence, and the command line that does the same.
    ///
    /// # Errors
    /// The first time that it cannot be written; after that nothing is tried until the program starts anew.
    pub fn step(
        &mut self,
        now: LocalTime,
        text: &str,
        command: Option<&str>,
    ) -> Result<(), StoreError> {
        let indented = text.trim_end().replace('\n', "\n             ");
        let mut lines = format!("{} {indented}\n", now.clock());
        if let Some(command) = command {
            lines.push_str("             $ ");
            lines.push_str(command);
            lines.push('\n');
        }
        self.append(now, &lines)
    }

    fn append(&mut self, now: LocalTime, lines: &str) -> Result<(), StoreError> {
        if self.broken {
            return Ok(());
        }
        let result = self.try_append(&now.date(), lines);
        result.map_err(|source| {
            self.broken = true;
            self.open = None;
            StoreError::writing(&self.folder, source)
        })
    }

    fn try_append(&mut self, date: &str, lines: &str) -> io::Result<()> {
        let day = match self.open.take() {
            Some(day) if day.date == date => day,
            _ => self.begin_day(date)?,
        };
        let day = self.open.insert(day);
        if day.full {
            return Ok(());
        }
        let mut lines = lines;
        let last = "The log of this day is full; nothing more of it is kept\n";
        if day.len + lines.len() as u64 > self.limits.day {
            day.full = true;
            lines = last;
        }
        day.len += lines.len() as u64;
        day.file.write_all(lines.as_bytes())
    }

    fn begin_day(&self, date: &str) -> io::Result<OpenDay> {
        fs::create_dir_all(&self.folder)?;
        self.forget_old_days(date)?;
        let path = self.folder.join(file_name(date));
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let len = file.metadata()?.len();
        Ok(OpenDay {
            date: date.to_owned(),
            file,
            len,
            full: len >= self.limits.day,
        })
    }

    /// Removes the oldest days until this one fits. Only files that are named as days of this log are touched.
    fn forget_old_days(&self, today: &str) -> io::Result<()> {
        let mut days: Vec<(PathBuf, u64)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if is_day(&name.to_string_lossy()) && name != file_name(today).as_str() {
                days.push((entry.path(), entry.metadata()?.len()));
            }
        }
        // The names sort as the days do.
        days.sort();
        let mut bytes: u64 = days.iter().map(|(_, len)| len).sum();
        let mut left = days.len();
        for (path, len) in days {
            if left < self.limits.days && bytes + self.limits.day <= self.limits.all {
                break;
            }
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            left -= 1;
            bytes -= len;
        }
        Ok(())
    }
}

fn file_name(date: &str) -> String {
    format!("flashpack-{date}.log")
}

fn is_day(name: &str) -> bool {
    name.strip_prefix("flashpack-")
        .and_then(|rest| rest.strip_suffix(".log"))
        .is_some_and(|date| {
            date.len() == 10
                && date.bytes().enumerate().all(|(index, byte)| match index {
                    4 | 7 => byte == b'-',
                    _ => byte.is_ascii_digit(),
                })
        })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn day(number: u64) -> LocalTime {
        LocalTime::of(SystemTime::UNIX_EPOCH + Duration::from_hours(24 * number + 12))
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_day_is_a_file_and_steps_are_appended() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("made/log");
        let mut log = DayLog::at(place.clone());
        log.step(
            day(1),
            "Erase on practice board",
            Some("flashpack erase vfs --port practice"),
        )
        .unwrap();
        log.step(day(1), "two\nlines\n", None).unwrap();
        // Another program, or the next start, goes on in the same file.
        DayLog::at(place.clone())
            .step(day(1), "again", None)
            .unwrap();
        let names = files(&place);
        assert_eq!(names.len(), 1);
        let text = fs::read_to_string(place.join(&names[0])).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with(" Erase on practice board"), "{text}");
        assert_eq!(lines[1].trim(), "$ flashpack erase vfs --port practice");
        assert_eq!(lines[3].trim(), "lines");
        assert!(lines[4].ends_with(" again"), "{text}");
    }

    #[test]
    fn the_oldest_days_go_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("flashpack-notes.log"), "mine").unwrap();
        let limits = Limits {
            day: 1000,
            all: 3000,
            days: 5,
        };
        let mut log = DayLog::with_limits(folder.path().to_path_buf(), limits);
        for number in 1..=12 {
            log.step(day(number), "short", None).unwrap();
        }
        assert_eq!(files(folder.path()).len(), 5 + 1);
        assert_eq!(files(folder.path()).last().unwrap(), "flashpack-notes.log");
        for number in 20..=26 {
            for _ in 0..100 {
                log.step(day(number), &"long ".repeat(20), None).unwrap();
            }
        }
        let bytes: u64 = files(folder.path())
            .iter()
            .filter(|name| is_day(name))
            .map(|name| fs::metadata(folder.path().join(name)).unwrap().len())
            .sum();
        assert!(bytes <= 3000 + 100, "{bytes}");
        let last = fs::read_to_string(folder.path().join(file_name(&day(26).date()))).unwrap();
        assert!(last.ends_with("nothing more of it is kept\n"), "{last}");
        assert!(last.len() <= 1000 + 100);
    }

    #[test]
    fn a_log_that_cannot_be_written_is_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::write(&taken, "a file where the folder should be").unwrap();
        let mut log = DayLog::at(taken.join("log"));
        assert!(log.step(day(1), "a", None).is_err());
        log.step(day(1), "b", None).unwrap();
        log.step(day(2), "c", None).unwrap();
    }

    #[test]
    fn the_folder_follows_the_system() {
        let given = folder_by(|name| (name == "FLASHPACK_CONFIG_DIR").then(|| "/x".into()));
        assert_eq!(given, Some(PathBuf::from("/x/log")));
        assert_eq!(folder_by(|_| None), None);
        let data = folder_by(|name| (name == "XDG_DATA_HOME").then(|| "/data".into()));
        if cfg!(target_os = "linux") {
            assert_eq!(data, Some(PathBuf::from("/data/flashpack/log")));
        }
    }
}
