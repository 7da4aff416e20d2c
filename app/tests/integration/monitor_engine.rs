//! The monitor's job over a pseudo-terminal: every byte, in order; giving the port up; unplugging; addresses.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flashpack::device::practice::{AppOutput, Board, Boot, Options};
use flashpack::engine::event::{Event, Monitored, Outcome};
use flashpack::engine::monitor_input::MonitorInput;
use flashpack::engine::request::{LinkOptions, Monitor, MonitorElf, PortChoice, Request};
use flashpack::engine::worker::Worker;
use flashpack::formats::console::decode::Part;

/// Longer than anything takes on a loaded machine; reached only by a fault.
const DEADLINE: Duration = Duration::from_mins(2);

/// One end of a pseudo-terminal, as a chip holds it: what is written comes out of the port, byte for byte.
pub struct Peer {
    master: std::fs::File,
    /// Keeps the port up while nobody has it open.
    _slave: std::fs::File,
    pub path: PathBuf,
}

impl Peer {
    pub fn new() -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let path = PathBuf::from(name.into_string().unwrap());
        let slave = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        let mut settings = tcgetattr(slave.as_fd()).unwrap();
        settings.make_raw();
        tcsetattr(slave.as_fd(), OptionalActions::Now, &settings).unwrap();
        Self {
            master: std::fs::File::from(master),
            _slave: slave,
            path,
        }
    }

    /// Writes all of it; waits while the port is full.
    pub fn say(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).unwrap();
    }

    /// Waits for this many bytes from the host.
    pub fn hear(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.master.read_exact(&mut bytes).unwrap();
        bytes
    }
}

/// A monitor on a port, and what it heard.
struct Heard {
    worker: Worker,
    input: MonitorInput,
    bytes: Vec<u8>,
    meanings: Vec<String>,
    said: Vec<String>,
    ending: Option<Event>,
}

impl Heard {
    fn on(port: &Path, elf: Option<PathBuf>) -> Self {
        let worker = Worker::start(
            &PortChoice::Path(port.to_path_buf()),
            LinkOptions::default(),
            Arc::new(|| ()),
        )
        .unwrap();
        let mut heard = Self {
            worker,
            input: MonitorInput::default(),
            bytes: Vec::new(),
            meanings: Vec::new(),
            said: Vec::new(),
            ending: None,
        };
        heard.listen(elf);
        heard
    }

    fn listen(&mut self, elf: Option<PathBuf>) {
        self.ending = None;
        let monitor = Monitor {
            baud: 2_000_000,
            reset: false,
            elf: elf.map(|path| MonitorElf {
                path,
                by_itself: false,
            }),
            input: self.input.clone(),
        };
        self.worker.submit(Request::Monitor(monitor)).unwrap();
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Monitor(Monitored::Heard(parts, _)) => {
                for part in parts {
                    match part {
                        Part::Text(bytes) => self.bytes.extend(bytes),
                        Part::Meaning(text) => self.meanings.push(text),
                        Part::Defmt(_) | Part::Unknown(_) => {}
                    }
                }
            }
            Event::Monitor(Monitored::Port(sentence, _)) => self.said.push(sentence),
            event if event.is_ending() => self.ending = Some(event),
            _ => {}
        }
    }

    #[track_caller]
    fn wait(&mut self, what: &str, is_true: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_true(self) {
            assert!(
                began.elapsed() < DEADLINE,
                "waited in vain for {what}; heard {:?}, said {:?}",
                self.text(),
                self.said
            );
            match self.worker.wait_event() {
                Some(event) => self.take(event),
                None => panic!("the worker is gone"),
            }
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes[self.bytes.len().saturating_sub(2000)..]).into_owned()
    }

    fn stop(&mut self) {
        self.worker.cancel();
        self.wait("the end", |heard| heard.ending.is_some());
    }
}

fn numbered(lines: u32) -> Vec<u8> {
    (0..lines)
        .flat_map(|line| {
            format!("I ({line}) count: line {line} of many, with some words behind it\r\n")
                .into_bytes()
        })
        .collect()
}

#[test]
fn every_byte_of_a_flood_arrives_in_order() {
    let mut peer = Peer::new();
    let all = numbered(150_000);
    assert!(all.len() > 8 << 20, "a flood of 40 seconds at 2 Mbaud");
    let mut heard = Heard::on(&peer.path, None);
    let sent = all.clone();
    std::thread::scope(|scope| {
        scope.spawn(|| peer.say(&sent));
        heard.wait("all bytes", |heard| heard.bytes.len() >= all.len());
    });
    assert!(heard.bytes == all, "the bytes differ");
    heard.stop();
    assert_eq!(
        heard.ending,
        Some(Event::Finished(Outcome::Monitored {
            bytes: all.len() as u64
        }))
    );
}

#[test]
fn a_front_end_that_does_not_look_loses_nothing() {
    let mut peer = Peer::new();
    let all = numbered(50_000);
    let mut heard = Heard::on(&peer.path, None);
    let sent = all.clone();
    std::thread::scope(|scope| {
        // Nobody takes an event before the peer has said everything.
        scope.spawn(|| peer.say(&sent)).join().unwrap();
        heard.wait("all bytes", |heard| heard.bytes.len() >= all.len());
    });
    assert!(heard.bytes == all);
}

#[test]
fn what_is_typed_arrives_and_another_speed_is_taken() {
    let mut peer = Peer::new();
    let mut heard = Heard::on(&peer.path, None);
    heard.input.send("first\r\n").unwrap();
    heard.input.set_baud(9600);
    heard.input.send(vec![0, 255, 17, 19, 3]).unwrap();
    assert_eq!(peer.hear(12), b"first\r\n\x00\xff\x11\x13\x03");
    peer.say(b"answer\n");
    heard.wait("an answer", |heard| heard.text().contains("answer\n"));
    heard.input.reset();
    heard.wait("a sentence", |heard| !heard.said.is_empty());
    assert!(
        heard.said[0].contains("no control lines: press RESET"),
        "{:?}",
        heard.said
    );
}

#[test]
fn addresses_are_explained() {
    let mut peer = Peer::new();
    let elf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/monitor/demo.elf");
    let mut heard = Heard::on(&peer.path, Some(elf));
    peer.say(b"MEPC    : 0x42000060  RA      : 0x420000d2\r\n");
    heard.wait("meanings", |heard| heard.meanings.len() == 2);
    assert!(
        heard.meanings[0].contains("demo::read_sensor at demo/src/main.rs:27"),
        "{:?}",
        heard.meanings
    );
}

#[test]
fn a_missing_elf_file_is_said() {
    let peer = Peer::new();
    let mut heard = Heard::on(&peer.path, Some("/nowhere/app.elf".into()));
    heard.wait("an ending", |heard| heard.ending.is_some());
    let Some(Event::Failed(error)) = &heard.ending else {
        panic!("{:?}", heard.ending)
    };
    assert!(
        error
            .message
            .contains("/nowhere/app.elf: there is no such file"),
        "{error:?}"
    );
    assert!(error.help.contains("ELF"), "{error:?}");
}

#[test]
fn an_unplugged_board_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("board");
    let board = Board::start(Options {
        boot: Boot::Flash,
        link: Some(link.clone()),
        app_output: Some(AppOutput::Demo),
        ..Options::default()
    })
    .unwrap();
    let mut heard = Heard::on(&link, None);
    heard.wait("the app", |heard| {
        heard.text().contains("in place of an app")
    });
    board.test_access().unplug();
    heard.wait("that it is gone", |heard| {
        heard.said.iter().any(|said| said.contains("is gone"))
    });
    let before = heard.bytes.len();
    board.test_access().replug();
    heard.wait("that it is back", |heard| {
        heard.said.iter().any(|said| said.contains("is back"))
    });
    heard.wait("its first words", |heard| {
        String::from_utf8_lossy(&heard.bytes[before..]).contains("rst:0x1 (POWERON)")
    });
    heard.stop();
}

#[test]
fn a_job_gets_the_port_and_the_monitor_gets_it_back_with_the_first_words() {
    let board = Board::start(Options {
        app_output: Some(AppOutput::Demo),
        ..Options::default()
    })
    .unwrap();
    let mut heard = Heard::on(board.port(), None);
    heard.wait("the loader's words", |heard| {
        heard.text().contains("waiting for download")
    });
    heard.stop();
    heard.ending = None;
    heard.worker.submit(Request::Detect).unwrap();
    heard.wait("the job's end", |heard| heard.ending.is_some());
    assert!(
        matches!(heard.ending, Some(Event::Finished(Outcome::Detected(_)))),
        "{:?}",
        heard.ending
    );
    heard.bytes.clear();
    heard.listen(None);
    // Leaving the stub resets the chip, and the port stays open: the text begins with the first line of the ROM.
    heard.wait("the app", |heard| {
        heard.text().contains("in place of an app")
    });
    assert!(heard.text().contains("ESP-ROM:esp32c3"), "{}", heard.text());
    assert_eq!(board.test_access().running(), "flash");
    heard.input.send("bootloader\r").unwrap();
    heard.wait("the loader", |heard| {
        heard.text().matches("waiting for download").count() == 1
    });
    heard.stop();
}

#[test]
fn the_buttons_of_a_practice_board_work() {
    use flashpack::device::practice::Button;
    let board = Board::start(Options {
        app_output: Some(AppOutput::Demo),
        ..Options::default()
    })
    .unwrap();
    let inside = board.test_access();
    assert_eq!(inside.running(), "loader");
    board.press(Button::Reset);
    assert_eq!(inside.running(), "flash");
    board.press(Button::BootAndReset);
    assert_eq!(inside.running(), "loader");
    inside.unplug();
    board.press(Button::Reset);
    assert_eq!(inside.running(), "off");
}

#[test]
fn a_practice_board_says_a_file_whole() {
    let all = numbered(20_000);
    let board = Board::start(Options {
        boot: Boot::Flash,
        app_output: Some(AppOutput::Bytes(all.clone().into())),
        ..Options::default()
    })
    .unwrap();
    let mut heard = Heard::on(board.port(), None);
    heard.wait("the whole file", |heard| {
        heard
            .bytes
            .ends_with(b"line 19999 of many, with some words behind it\r\n")
    });
    assert!(heard.bytes.ends_with(&all));
}
