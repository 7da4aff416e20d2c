//! What esptool and espflash say to the same faults. Their answer counts as right when it has one of the words that
//! the fault lists: any message that names the cause would.

use std::path::Path;
use std::time::Duration;

use espflash::Error;
use espflash::connection::{Connection, ResetAfterOperation, ResetBeforeOperation};
use espflash::flasher::Flasher;
use espflash::image_format::Segment;
use espflash::target::DefaultProgressCallback;
use miette::Diagnostic as _;
use serialport::UsbPortInfo;

use super::scene::{Injection, Peer, Scene};

/// How long a peer may take; both give up much sooner where they give up at all.
const LIMIT: Duration = Duration::from_mins(1);

/// How a peer did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Score {
    Right(String),
    Wrong(String),
    /// It has nothing like this, or it cannot be run here.
    NotAsked,
}

impl Score {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Right(_) => "yes",
            Self::Wrong(_) => "no",
            Self::NotAsked => "–",
        }
    }
}

fn judge(injection: &Injection, text: &str) -> Score {
    let plain = text.to_lowercase();
    if injection.telling.iter().any(|word| plain.contains(word)) {
        Score::Right(text.to_owned())
    } else {
        Score::Wrong(text.to_owned())
    }
}

/// Arguments of esptool 5 for a job.
fn esptool_words(peer: Peer) -> Option<&'static [&'static str]> {
    Some(match peer {
        Peer::NotAsked => return None,
        Peer::Identify => &["flash-id"],
        Peer::IdentifyFast => &["--baud", "921600", "flash-id"],
        Peer::WriteApp => &["write-flash", "0x10000", "app.bin"],
        Peer::Write => &["write-flash", "0x10000", "big"],
        Peer::WriteBehindEnd => &["write-flash", "0x1f0000", "big"],
        Peer::Read => &["read-flash", "0", "0x100000", "out"],
        Peer::Erase => &["erase-region", "0x10000", "0x10000"],
    })
}

/// Runs esptool into the fault.
pub fn esptool(program: &str, injection: &Injection) -> Score {
    let Some(words) = esptool_words(injection.peer) else {
        return Score::NotAsked;
    };
    let mut scene = Scene::new();
    (injection.make)(&mut scene);
    let arguments: Vec<String> = ["--before", "no-reset", "--after", "no-reset", "--port"]
        .into_iter()
        .chain([scene.port.as_str()])
        .chain(words.iter().copied())
        .map(str::to_owned)
        .collect();
    let limited = [vec!["60".to_owned(), program.to_owned()], arguments].concat();
    let output = super::command(&scene, "timeout", &limited)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    judge(injection, &String::from_utf8_lossy(&said))
}

/// The same with a limit: the library reads for ever from some of these ports, and its thread is left behind.
pub fn espflash(injection: &'static Injection) -> Score {
    let (sender, receiver) = std::sync::mpsc::channel();
    #[expect(
        clippy::disallowed_methods,
        reason = "the only way to leave a library that does not return"
    )]
    std::thread::spawn(move || sender.send(espflash_without_limit(injection)));
    receiver
        .recv_timeout(LIMIT)
        .unwrap_or(Score::Wrong("it did not end".into()))
}

/// Runs espflash's library into the fault: its message and its help, as its own program prints them.
fn espflash_without_limit(injection: &Injection) -> Score {
    let mut scene = Scene::new();
    // Rights cannot be given up within one process.
    if injection.peer == Peer::NotAsked {
        return Score::NotAsked;
    }
    (injection.make)(&mut scene);
    if scene.as_nobody {
        return Score::NotAsked;
    }
    let name = if injection.peer == Peer::WriteApp {
        "app.bin"
    } else {
        "big"
    };
    let big = std::fs::read(scene.bench.path(name)).unwrap_or_default();
    // The library indexes what a port sent; its own program would end there.
    let job = || do_it(injection.peer, &scene.port, &big, &scene.bench.path("out"));
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)) {
        Ok(Ok(())) => Score::Wrong("no error".into()),
        Ok(Err(error)) => {
            let help = error
                .help()
                .map(|help| help.to_string())
                .unwrap_or_default();
            judge(injection, &format!("{error:?} {error} {help}"))
        }
        Err(_) => Score::Wrong("it panicked".into()),
    }
}

fn do_it(peer: Peer, port: &str, big: &[u8], out: &Path) -> Result<(), Error> {
    let serial = serialport::new(port, 115_200).open_native()?;
    let usb = UsbPortInfo {
        vid: 0,
        pid: 0,
        serial_number: None,
        manufacturer: None,
        product: None,
    };
    let connection = Connection::new(
        serial,
        usb,
        ResetAfterOperation::NoResetNoStub,
        ResetBeforeOperation::NoReset,
        115_200,
    );
    let baud = (peer == Peer::IdentifyFast).then_some(921_600);
    let mut flasher = Flasher::connect(connection, true, true, false, None, baud)?;
    let mut write = |offset| {
        let segments = [Segment::new(offset, big)];
        flasher.write_bins_to_flash(&segments, &mut DefaultProgressCallback)
    };
    match peer {
        Peer::NotAsked => Ok(()),
        Peer::Identify | Peer::IdentifyFast => flasher.device_info().map(drop),
        Peer::Write | Peer::WriteApp => write(0x1_0000),
        Peer::WriteBehindEnd => write(0x1F_0000),
        Peer::Read => flasher.read_flash(0, 0x10_0000, 0x1000, 64, out.to_path_buf()),
        Peer::Erase => flasher.erase_region(0x1_0000, 0x1_0000),
    }
}
