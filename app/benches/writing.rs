//! What a write costs, side by side with other writers: `cargo bench -p flashpack --bench writing`.
//!
//! One file of a pack of 1 MiB has grown, or one was added, or one has been replaced. Each writer brings the new pack to a
//! practice board that holds the old one:
//! Flashpack cold with the agent's digests, cold with the stub alone and in an open session; espflash's own writer;
//! esptool and idftool where `FLASHPACK_ESPTOOL` and `FLASHPACK_IDFTOOL` name them. Bytes are counted by the board,
//! seconds are modelled by it for the typical flash chip: nothing here depends on this computer's speed, except the
//! three figures at the end, which are called measured.

#[cfg(not(unix))]
fn main() {
    println!("A practice board needs a pseudo-terminal: no benchmark here");
}

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsString;
    use std::path::Path;
    use std::process::Command;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use espflash::connection::{Connection, ResetAfterOperation, ResetBeforeOperation};
    use espflash::flasher::Flasher;
    use espflash::target::DefaultProgressCallback;
    use flashpack::device::practice::{Board, Options, Report};
    use flashpack::engine::compress::pack;
    use flashpack::engine::event::{Event, RegionState};
    use flashpack::engine::request::{LinkOptions, PortChoice, Request};
    use flashpack::engine::worker::Worker;
    use flashpack::formats::bin_image::{BinEntry, BinOptions, build};
    use flashpack::model::flash_plan::{FlashPlan, PlannedWrite, Role};
    use serialport::UsbPortInfo;

    const AT: u32 = 0x30_0000;
    const SIZE: usize = 0x10_0000;
    const TABLE: &str = "nvs,data,nvs,0x9000,0x6000,\nfactory,app,factory,0x10000,0x1f0000,\nbin,data,undefined,0x300000,0x100000,\n";

    /// Bytes both ways, and modelled seconds at 921600 baud and on USB.
    #[derive(Clone, Copy)]
    struct Cost {
        wire: u64,
        uart: f64,
        usb: f64,
    }

    fn cost(before: &Report, after: &Report) -> Cost {
        let wire = |report: &Report| report.wire.to_board + report.wire.from_board;
        let seconds = |link: &str| after.modelled_seconds[link] - before.modelled_seconds[link];
        Cost {
            wire: wire(after) - wire(before),
            uart: seconds("921600"),
            usb: seconds("usb"),
        }
    }

    struct Images {
        old: Vec<u8>,
        edits: Vec<(&'static str, Vec<u8>)>,
        other: Vec<u8>,
    }

    fn random(len: usize, mut state: u64) -> Vec<u8> {
        (0..len)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            })
            .collect()
    }

    /// A pack of files that do not compress, and what it is after an edit; offsets are kept. A file that has grown has
    /// 20 bytes more at its end; one that was replaced has no byte in its old place.
    fn images() -> Images {
        let bytes = |number: usize| random(1000 + number * 37 % 8500, number as u64 + 1);
        let before: Vec<BinEntry> = (0..200)
            .map(|number| BinEntry::file(format!("f{number:05}"), bytes(number)))
            .collect();
        let options = BinOptions::default();
        let pack = |files: &[BinEntry], previous: Option<&[u8]>| {
            let bytes = build(files, &options, previous)
                .map(|built| built.bytes)
                .unwrap_or_default();
            assert!(
                !bytes.is_empty() && bytes.len() <= SIZE,
                "{} bytes",
                bytes.len()
            );
            bytes
        };
        let old = pack(&before, None);
        let with = |number: usize, bytes: Vec<u8>| {
            let mut files = before.clone();
            files[number] = BinEntry::file(format!("f{number:05}"), bytes);
            pack(&files, Some(&old))
        };
        let grown = |number: usize| with(number, [bytes(number), random(20, 7)].concat());
        let added = [before.clone(), vec![BinEntry::file("new", random(3000, 8))]].concat();
        let edits = vec![
            ("one file grown by 20 bytes", grown(100)),
            ("the first file grown by 20 bytes", grown(0)),
            ("a new file of 3,000 bytes", pack(&added, Some(&old))),
            (
                "one file replaced by one that is 20 bytes longer",
                with(100, random(bytes(100).len() + 20, 7777)),
            ),
        ];
        let other = random(edits[0].1.len(), 99);
        Images { old, edits, other }
    }

    fn board(holds: &[u8]) -> Board {
        let board = Board::start(Options::default()).expect("a practice board starts");
        board.test_access().overwrite(AT, holds);
        board
    }

    fn request(bytes: &[u8]) -> Request {
        Request::Write(Arc::new(FlashPlan::new(vec![PlannedWrite {
            role: Role::Data,
            target: "bin".into(),
            source: "benchmark".into(),
            offset: AT,
            bytes: bytes.to_vec().into(),
            destroys: Vec::new(),
        }])))
    }

    fn worker(board: &Board, stub_only: bool) -> Worker {
        let options = LinkOptions {
            baud: 921_600,
            stub_only,
            ..LinkOptions::default()
        };
        let choice = PortChoice::Path(board.port().to_owned());
        Worker::start(&choice, options, Arc::new(|| ())).expect("a worker starts")
    }

    /// Runs a job to its end; the time until the board had its first bytes of a region.
    fn run(worker: &mut Worker, bytes: &[u8]) -> Option<Duration> {
        let began = Instant::now();
        worker.submit(request(bytes)).expect("the worker is free");
        let mut first = None;
        loop {
            match worker.wait_event() {
                Some(Event::Region {
                    state: RegionState::Written,
                    ..
                }) => {
                    first.get_or_insert(began.elapsed());
                }
                Some(Event::Finished(_)) => return first,
                Some(event) if event.is_ending() => panic!("{event:?}"),
                Some(_) => {}
                None => panic!("the worker is gone"),
            }
        }
    }

    fn flashpack(holds: &[u8], bytes: &[u8], stub_only: bool) -> Cost {
        let board = board(holds);
        let before = board.test_access().report();
        run(&mut worker(&board, stub_only), bytes);
        check(&board, bytes);
        cost(&before, &board.test_access().report())
    }

    /// The second write of a session, and the time to its first data.
    fn open_session(old: &[u8], new: &[u8]) -> (Cost, Option<Duration>) {
        let board = board(old);
        let mut worker = worker(&board, false);
        run(&mut worker, old);
        let before = board.test_access().report();
        let first = run(&mut worker, new);
        check(&board, new);
        (cost(&before, &board.test_access().report()), first)
    }

    fn check(board: &Board, bytes: &[u8]) {
        let flash = board.test_access().flash();
        assert!(flash[AT as usize..].starts_with(bytes), "not written");
    }

    fn by_espflash(holds: &[u8], bytes: &[u8]) -> Cost {
        let board = board(holds);
        let before = board.test_access().report();
        let port = board.port().to_string_lossy().into_owned();
        let serial = serialport::new(port, 115_200)
            .open_native()
            .expect("the port opens");
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
        let mut flasher = Flasher::connect(connection, true, true, true, None, Some(921_600))
            .expect("espflash connects");
        flasher
            .write_bin_to_flash(AT, bytes, &mut DefaultProgressCallback)
            .expect("espflash writes");
        check(&board, bytes);
        cost(&before, &board.test_access().report())
    }

    fn by_program(
        program: &OsString,
        arguments: &dyn Fn(&Path, &Path) -> Vec<OsString>,
        holds: &[u8],
        bytes: &[u8],
    ) -> Cost {
        let folder = tempfile::tempdir().expect("a folder");
        let image = folder.path().join("new.bin");
        std::fs::write(&image, bytes).expect("the image is stored");
        std::fs::write(folder.path().join("table.csv"), TABLE).expect("the table is stored");
        let board = board(holds);
        let before = board.test_access().report();
        let output = Command::new(program)
            .args(arguments(board.port(), &image))
            .current_dir(folder.path())
            .output()
            .expect("the program starts");
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        check(&board, bytes);
        cost(&before, &board.test_access().report())
    }

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn esptool(port: &Path, image: &Path) -> Vec<OsString> {
        let (port, image) = (port.to_string_lossy(), image.to_string_lossy());
        words(&[
            "--chip",
            "esp32c3",
            "--before",
            "no-reset",
            "--after",
            "no-reset-stub",
            "--baud",
            "921600",
            "--port",
            &port,
            "write-flash",
            "0x300000",
            &image,
        ])
    }

    fn idftool(port: &Path, image: &Path) -> Vec<OsString> {
        let (port, image) = (port.to_string_lossy(), image.to_string_lossy());
        words(&[
            "--port",
            &port,
            "--baud",
            "921600",
            "--no-reset",
            "--partition-table-file",
            "table.csv",
            "write",
            "bin",
            &image,
        ])
    }

    fn line(name: &str, cost: Cost) {
        println!(
            "{name:<44} {:>9} bytes {:>8.2} s {:>8.2} s",
            cost.wire, cost.uart, cost.usb
        );
    }

    /// Ratios of another writer to ours, with the goals: bytes, 921600, USB; 0 is no goal.
    fn against(name: &str, other: Cost, ours: Cost, goals: [f64; 3]) {
        let ratios = [
            other.wire as f64 / ours.wire as f64,
            other.uart / ours.uart,
            other.usb / ours.usb,
        ];
        let shown = ratios.iter().zip(goals).map(|(ratio, goal)| {
            let verdict = match (goal > 0.0, *ratio >= goal) {
                (false, _) => String::new(),
                (true, true) => format!(" (goal {goal}, reached)"),
                (true, false) => format!(" (goal {goal}, MISSED)"),
            };
            format!("{ratio:.2}{verdict}")
        });
        println!("  {name}: {}", shown.collect::<Vec<_>>().join("   "));
    }

    /// The others and us, cold, on boards that hold `holds`.
    struct Compared {
        /// What the faster of esptool and espflash costs, figure by figure.
        faster: Cost,
        idf: Option<Cost>,
        agent: Cost,
        stub: Cost,
    }

    fn compare(holds: &[u8], new: &[u8]) -> Compared {
        let named = |name: &str| std::env::var_os(name);
        let tool =
            named("FLASHPACK_ESPTOOL").map(|program| by_program(&program, &esptool, holds, new));
        let idf =
            named("FLASHPACK_IDFTOOL").map(|program| by_program(&program, &idftool, holds, new));
        let espflash = by_espflash(holds, new);
        line("espflash's own writer", espflash);
        for (name, cost) in [("esptool", tool), ("idftool", idf)] {
            if let Some(cost) = cost {
                line(name, cost);
            }
        }
        let agent = flashpack(holds, new, false);
        let stub = flashpack(holds, new, true);
        line("Flashpack, cold, the agent's digests", agent);
        line("Flashpack, cold, the stub alone", stub);
        let faster = tool.map_or(espflash, |tool| Cost {
            wire: tool.wire.min(espflash.wire),
            uart: tool.uart.min(espflash.uart),
            usb: tool.usb.min(espflash.usb),
        });
        Compared {
            faster,
            idf,
            agent,
            stub,
        }
    }

    fn edited(what: &str, old: &[u8], new: &[u8]) {
        println!("\n{what}");
        let Compared {
            faster,
            idf,
            agent,
            stub,
        } = compare(old, new);
        let (open, first) = open_session(old, new);
        line("Flashpack, second write of a session", open);
        for (way, ours, goals) in [
            ("agent", agent, [25.0, 8.0, 6.0]),
            ("stub alone", stub, [40.0, 3.0, 2.0]),
            ("open session", open, [0.0, 20.0, 20.0]),
        ] {
            let name = format!("faster of esptool and espflash : {way}");
            against(&name, faster, ours, goals);
        }
        if let Some(idf) = idf {
            against("idftool : agent", idf, agent, [0.0, 3.0, 3.0]);
            against("idftool : stub alone", idf, stub, [1.0, 1.0, 1.0]);
            against("idftool : open session", idf, open, [0.0, 6.0, 6.0]);
        }
        let first = first.unwrap_or_default();
        println!(
            "  measured: first data of the second write answered after {first:.1?}; goal 50 ms"
        );
    }

    fn written_whole(what: &str, holds: &[u8], new: &[u8]) {
        println!("\n{what}");
        let Compared {
            faster,
            agent,
            stub,
            ..
        } = compare(holds, new);
        let least = 1.0 / 1.03;
        for (way, ours) in [("agent", agent), ("stub", stub)] {
            let name = format!("faster of esptool and espflash : {way}");
            against(&name, faster, ours, [0.0, least, least]);
        }
    }

    pub fn main() {
        let images = images();
        let grown = &images.edits[0].1;
        println!(
            "{} bytes of pack; wire bytes both ways, modelled seconds at 921600 baud and on USB",
            grown.len()
        );
        for (what, new) in &images.edits {
            edited(what, &images.old, new);
        }
        written_whole("everything changed", &images.other, grown);
        written_whole("blank chip", &vec![0xFF; SIZE], grown);
        println!();
        for (what, bytes) in [
            ("files that do not compress", grown.clone()),
            ("text", text(16 << 20)),
            ("one value", vec![0xFF; 16 << 20]),
        ] {
            let began = Instant::now();
            pack(&bytes, 0x4000, &mut |_| false);
            println!(
                "measured: first block of {what}, {} KiB, packed after {:.1?}; goal 20 ms",
                bytes.len() >> 10,
                began.elapsed()
            );
        }
    }

    fn text(len: usize) -> Vec<u8> {
        (0..len as u32)
            .flat_map(|at| (at.wrapping_mul(at) % 977).to_string().into_bytes())
            .take(len)
            .collect()
    }
}
