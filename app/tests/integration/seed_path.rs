//! The whole path with the seed project's real table and the sample's real files: table and pack are written to the
//! board, read back, looked up through the agent, and compared byte by byte.
//!
//! It runs on the practice board; `emulator.rs` runs the same steps on Espressif's ROM.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flashpack::device::practice::{Board, Options};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::pack::{PackJob, PackedImage, pack};
use flashpack::engine::plan;
use flashpack::engine::request::{LinkOptions, PortChoice, Question, Request};
use flashpack::engine::worker::Worker;
use flashpack::formats::partition_bin;
use flashpack::model::project::Project;
use flashpack::model::region::Region;
use flashpack::store::project_file;

/// The sample project: the seed's table, and real files for the partition `bin`.
pub fn sample() -> Project {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sample/sample.flashpack");
    let loaded = project_file::load(&file).unwrap();
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    loaded.project
}

pub fn packed(project: &Project) -> BTreeMap<String, Arc<PackedImage>> {
    let images: BTreeMap<_, _> = project
        .contents
        .iter()
        .map(|(name, content)| {
            let job = PackJob {
                partition: name.clone(),
                content: Arc::clone(content),
                limit: project.table.find(name).map(|placed| placed.region.size),
                previous: None,
                date: 0,
                cut_names: false,
                app_for: None,
            };
            (name.clone(), Arc::new(pack(&job)))
        })
        .collect();
    assert!(images.values().all(|image| !image.bytes.is_empty()));
    images
}

/// All files of the pack: path and bytes, read from where the pack says that they lie.
fn files(image: &PackedImage) -> Vec<(String, Vec<u8>)> {
    image
        .entries
        .iter()
        .filter(|entry| !entry.folder)
        .map(|entry| {
            let start = entry.offset as usize;
            (
                entry.path.clone(),
                image.bytes[start..start + entry.size as usize].to_vec(),
            )
        })
        .collect()
}

#[track_caller]
pub fn run(worker: &mut Worker, request: Request) -> Outcome {
    worker.submit(request).unwrap();
    loop {
        match worker.wait_event().expect("a job ends with an event") {
            Event::Finished(outcome) => return outcome,
            ending if ending.is_ending() => panic!("{ending:?}"),
            Event::Note(note) => eprintln!("note: {note}"),
            _ => {}
        }
    }
}

/// Writes the sample over `port` and proves it: by reading back, and by asking the agent for every file.
pub fn prove_the_whole_path(port: PathBuf, baud: u32) {
    let project = sample();
    let images = packed(&project);
    let (plan, problems) = plan::plan(&project, &images, None);
    assert!(
        !flashpack::model::problem::any_error(&problems),
        "{problems:?}"
    );
    let table = &plan.writes[plan.writes.len() - 1];
    assert_eq!(
        (table.target.as_str(), table.offset),
        (plan::TABLE, 0x8000),
        "the table goes last"
    );
    assert_eq!(
        &table.bytes[..],
        &partition_bin::write(&project.table).unwrap()[..]
    );

    let options = LinkOptions {
        baud,
        ..LinkOptions::default()
    };
    let mut worker = Worker::start(&PortChoice::Path(port), options, Arc::new(|| ())).unwrap();
    let Outcome::Written(summary) = run(&mut worker, Request::Write(Arc::new(plan.clone()))) else {
        panic!()
    };
    assert!(summary.verified);

    for write in &plan.writes {
        let Outcome::Read { bytes, .. } = run(&mut worker, Request::Read(write.region())) else {
            panic!()
        };
        assert_eq!(&bytes[..], &write.bytes[..], "{}", write.target);
    }

    let bin = project.table.find("bin").unwrap().region;
    let expected = files(&images["bin"]);
    assert!(
        expected.len() >= 5 && expected.iter().any(|(path, _)| path.contains('/')),
        "{expected:?}"
    );
    for (path, bytes) in &expected {
        let question = Question::Find {
            partition: "bin".into(),
            path: path.clone(),
        };
        let Outcome::Found(Some(found)) = run(&mut worker, Request::Agent(question)) else {
            panic!("{path}")
        };
        let entry = images["bin"]
            .entries
            .iter()
            .find(|entry| entry.path == *path)
            .unwrap();
        assert_eq!(
            (found.offset, found.size),
            (entry.offset, entry.size),
            "{path}"
        );
        assert_eq!(
            found.flash_offset,
            Some(bin.offset + entry.offset),
            "{path}"
        );
        assert_eq!(found.crc32, Some(entry.crc32), "{path}");
        let (vaddr, code) = (found.vaddr.unwrap(), found.vaddr_code.unwrap());
        assert!((0x3C00_0000..0x3C80_0000).contains(&vaddr), "{vaddr:#x}");
        assert_eq!(vaddr & 0xFFFF, (bin.offset + entry.offset) & 0xFFFF);
        assert_eq!(code - 0x4200_0000, vaddr - 0x3C00_0000);

        let question = Question::ReadFile {
            partition: "bin".into(),
            path: path.clone(),
        };
        let Outcome::FileRead(Some((_, read))) = run(&mut worker, Request::Agent(question)) else {
            panic!("{path}")
        };
        assert_eq!(&read[..], &bytes[..], "{path}");
    }
    let question = Question::Find {
        partition: "bin".into(),
        path: "nothere".into(),
    };
    assert_eq!(
        run(&mut worker, Request::Agent(question)),
        Outcome::Found(None)
    );
    let region = Region::new(bin.offset, 100);
    let Outcome::Read { bytes, .. } =
        run(&mut worker, Request::Agent(Question::ReadRegion(region)))
    else {
        panic!()
    };
    assert_eq!(&bytes[..], &images["bin"].bytes[..100]);

    // From the agent back into the loader, and nothing is left to write.
    let Outcome::Written(summary) = run(&mut worker, Request::Write(Arc::new(plan))) else {
        panic!()
    };
    assert_eq!(summary.written, 0);
}

#[test]
fn the_seeds_table_and_real_files_all_the_way() {
    let board = Board::start(Options::default()).unwrap();
    prove_the_whole_path(board.port().to_owned(), 115_200);
    assert_eq!(board.test_access().report().flash.program_violations, 0);
}

#[test]
fn a_large_difference_is_found_with_the_agents_digests() {
    let board = Board::start(Options::default()).unwrap();
    let project = sample();
    let images = packed(&project);
    let (plan, _) = plan::plan(&project, &images, None);
    let mut big = plan.writes[0].clone();
    big.bytes = (0..0x8_0000u32).map(|index| (index / 3) as u8).collect();
    let plan = flashpack::model::flash_plan::FlashPlan::new(vec![big.clone()]);
    board.test_access().overwrite(big.offset, &big.bytes);
    board
        .test_access()
        .overwrite(big.offset + 0x2_3004, &[1, 2, 3]);

    let options = LinkOptions {
        baud: 921_600,
        ..LinkOptions::default()
    };
    let port = PortChoice::Path(board.port().to_owned());
    let mut worker = Worker::start(&port, options, Arc::new(|| ())).unwrap();
    let Outcome::Written(summary) = run(&mut worker, Request::Write(Arc::new(plan))) else {
        panic!()
    };
    assert_eq!(summary.written, 0x1000);
    let report = board.test_access().report();
    // The stub is asked for what was written, twice for the sector behind it, for three places that one turned bit would lead
    // to, and for one page to know that it is there still before the write is ended; the rest was told by the agent.
    assert_eq!(
        report.commands.get("SPI_FLASH_MD5"),
        Some(&7),
        "{:?}",
        report.commands
    );
    assert_eq!(report.flash.bytes_hashed, 0x8_0000 + 0x1000 + 0x500 + 0x100);
    let start = big.offset as usize;
    assert_eq!(
        &board.test_access().flash()[start..start + big.bytes.len()],
        &big.bytes[..]
    );
}
