//! Runs the real binary in a folder of its own, and a practice board as a process of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;

/// A folder that is removed at the end.
pub struct Bench {
    folder: tempfile::TempDir,
}

/// What a run left behind.
pub struct Run {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Copies the sample's files, its table under its first name, and its project.
    pub fn with_sample() -> Self {
        let bench = Self::new();
        copy_folder(&sample(), bench.folder.path());
        std::fs::rename(bench.path("partitions.csv"), bench.path("par_1M_1M.csv")).unwrap();
        std::fs::copy(bench.path("par_1M_1M.csv"), bench.path("partitions.csv")).unwrap();
        bench
    }

    /// The program with these arguments, without a terminal.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flashpack"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("FLASHPACK_CONFIG_DIR", self.path("config"))
            // No test may meet a board that happens to be plugged in.
            .env("FLASHPACK_PORTS", "")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().unwrap();
        Run {
            status: output.status,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs what must go well; returns standard output.
    #[track_caller]
    pub fn good(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert!(run.status.success(), "{arguments:?}: {}", run.stderr);
        run.stdout
    }

    /// Runs with `--json` what must go well; returns the last line.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.good(&[arguments, &["--json"]].concat());
        let lines = json_lines(&text);
        assert_eq!(lines.last().unwrap()["kind"], "result", "{text}");
        lines.last().unwrap().clone()
    }

    /// Runs what must fail with this status: sentences that hold all of `parts`, and behind the last one what to do;
    /// nothing on standard output, nothing made or changed in the folder. The same as a JSON line.
    #[track_caller]
    pub fn bad(&self, status: i32, arguments: &[&str], parts: &[&str]) {
        let before = self.contents();
        let run = self.run(arguments);
        assert_eq!(
            run.status.code(),
            Some(status),
            "{arguments:?}: {}{}",
            run.stdout,
            run.stderr
        );
        assert_eq!(run.stdout, "", "{arguments:?}");
        let said: Vec<&str> = run.stderr.lines().filter(|line| !line.is_empty()).collect();
        let last = said
            .iter()
            .rposition(|line| line.starts_with("error: "))
            .expect("an error");
        let errors: String = said
            .iter()
            .filter(|line| line.starts_with("error: "))
            .copied()
            .collect();
        for part in parts {
            assert!(
                errors.contains(part),
                "{arguments:?}: no {part:?} in {}",
                run.stderr
            );
        }
        assert!(
            said.len() > last + 1,
            "{arguments:?} says not what to do: {}",
            run.stderr
        );
        for word in ["panicked", "Err(", "Os {", "Some(", "kind:", "\u{1b}"] {
            assert!(!run.stderr.contains(word), "{arguments:?}: {}", run.stderr);
        }
        assert!(
            self.contents() == before,
            "{arguments:?} left something behind"
        );

        let run = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(
            run.status.code(),
            Some(status),
            "{arguments:?} --json: {}",
            run.stdout
        );
        let lines = json_lines(&run.stdout);
        let error = lines.last().unwrap();
        assert_eq!(error["kind"], "error", "{arguments:?}: {}", run.stdout);
        assert!(!error["message"].as_str().unwrap().is_empty() && error["place"].is_string());
        assert!(!error["help"].as_str().unwrap().is_empty(), "{arguments:?}");
        assert!(
            self.contents() == before,
            "{arguments:?} --json left something behind"
        );
    }

    /// Every file below the folder, with its bytes.
    pub fn contents(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                // Settings and the daily log are the program's own.
                if path == self.path("config") {
                    continue;
                }
                if path.is_symlink() || !(path.is_dir() || path.is_file()) {
                    continue;
                }
                if path.is_dir() {
                    open.push(path.clone());
                    found.insert(path, None);
                } else {
                    found.insert(path.clone(), Some(std::fs::read(path).unwrap()));
                }
            }
        }
        found
    }
}

/// The sample project's folder.
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sample")
}

/// Each line of a `--json` run; every line has a kind.
#[track_caller]
pub fn json_lines(text: &str) -> Vec<Value> {
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    for line in &lines {
        let kind = line["kind"].as_str().unwrap_or_else(|| panic!("{line}"));
        assert!(
            ["stage", "progress", "note", "problem", "result", "error"].contains(&kind),
            "{line}"
        );
    }
    lines
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            // The bytes alone: a copy of a read-only file must not be read-only.
            std::fs::write(target, std::fs::read(path).unwrap()).unwrap();
        }
    }
}

/// `flashpack practice` as a process of its own.
pub struct PracticeProcess {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    pub port: String,
}

impl PracticeProcess {
    /// Starts a board; returns when its port is there.
    #[track_caller]
    pub fn start(bench: &Bench, arguments: &[&str]) -> Self {
        let mut child = bench
            .command(&[&["practice"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        stdout.read_line(&mut port).unwrap();
        let port = port.trim_end().to_owned();
        assert!(
            !port.is_empty(),
            "no practice board: {:?}",
            child.wait_with_output()
        );
        Self {
            child,
            stdout,
            port,
        }
    }

    /// Ends it with a signal, `TERM` or `INT`; it must end well.
    #[track_caller]
    pub fn end(mut self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for PracticeProcess {
    fn drop(&mut self) {
        // Ended already when the test went well.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
