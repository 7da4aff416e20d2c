//! Sectors that an edit changes, compared with the seed's `bin_pack.py` and a perfect comparison of sectors.

use flashpack::formats::bin_image::{BinEntry, BinNode, BinOptions, build, changed_sectors};
use flashpack::formats::bin_read;

use crate::bin_sets::{Seeded, files_of, seed_read};

const EDITS: [&str; 6] = [
    "same-size edit",
    "first file + 20 bytes",
    "middle file + 20 bytes",
    "a new file of 3,000 bytes",
    "sixth file deleted",
    "two files swapped",
];

fn pack(seed: u64) -> Vec<BinEntry> {
    let mut seeded = Seeded(seed);
    (0..200)
        .map(|number| {
            let len = 500 + seeded.below(8_578);
            BinEntry::file(format!("f{number:03}"), seeded.bytes(len))
        })
        .collect()
}

fn bytes_of(entry: &mut BinEntry) -> Vec<u8> {
    match &entry.node {
        BinNode::File(bytes) => bytes.to_vec(),
        BinNode::Folder(_) => unreachable!("these packs are flat"),
    }
}

fn edit(entries: &mut Vec<BinEntry>, edit: usize, seeded: &mut Seeded) {
    let grown = |entry: &mut BinEntry, seeded: &mut Seeded| {
        let mut bytes = bytes_of(entry);
        bytes.extend(seeded.bytes(20));
        entry.node = BinNode::File(bytes.into());
    };
    match edit {
        0 => {
            let mut bytes = bytes_of(&mut entries[77]);
            bytes[300] ^= 0x55;
            entries[77].node = BinNode::File(bytes.into());
        }
        1 => grown(&mut entries[0], seeded),
        2 => grown(&mut entries[100], seeded),
        3 => entries.push(BinEntry::file("new", seeded.bytes(3_000))),
        4 => {
            entries.remove(5);
        }
        _ => {
            let other = entries[50].node.clone();
            entries[50].node = std::mem::replace(&mut entries[51].node, other);
        }
    }
}

#[test]
fn each_edit_changes_at_most_five_sectors_and_far_fewer_than_the_seed() {
    let options = BinOptions::default();
    let compat = BinOptions {
        compat: true,
        ..BinOptions::default()
    };
    let mut logarithms = Vec::new();
    for seed in 0..10 {
        let before = pack(seed);
        let ours = build(&before, &options, None).unwrap().bytes;
        let theirs = build(&before, &compat, None).unwrap().bytes;
        for (number, name) in EDITS.iter().enumerate() {
            let mut after = before.clone();
            edit(&mut after, number, &mut Seeded(seed ^ 0xED17));
            let built = build(&after, &options, Some(&ours)).unwrap();
            let changed = changed_sectors(&built.bytes, &ours).count();
            let repacked = build(&after, &compat, None).unwrap().bytes;
            let theirs_changed = changed_sectors(&repacked, &theirs).count();
            assert_eq!(built.totals.sectors_changed, Some(changed), "{name}");
            assert!(changed <= 5, "{name}: {changed} sectors in pack {seed}");
            for (path, bytes) in files_of(&after) {
                assert_eq!(
                    seed_read(&built.bytes, &path),
                    Some(bytes.as_slice()),
                    "{name}: {path}"
                );
            }
            assert_eq!(bin_read::verify(&built.bytes, "").problems, [], "{name}");
            println!(
                "pack {seed}: {name}: {changed} of {}, seed {theirs_changed}",
                built.totals.sectors
            );
            logarithms.push((theirs_changed.max(1) as f64 / changed.max(1) as f64).ln());
        }
    }
    let mean = (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp();
    println!("geometric mean {mean:.1}");
    assert!(mean >= 25.0, "{mean:.1} times fewer sectors than the seed");
}

#[test]
fn a_folder_under_another_name_stays_where_it_is() {
    let mut seeded = Seeded(7);
    let folder = |name: &str, seeded: &mut Seeded| {
        let inside = (0..20)
            .map(|number| BinEntry::file(format!("f{number}"), seeded.bytes(3_000)))
            .collect();
        BinEntry::folder(name, inside)
    };
    let before: Vec<BinEntry> = ["anna", "bert", "carl"]
        .into_iter()
        .map(|name| folder(name, &mut seeded))
        .collect();
    let options = BinOptions::default();
    let old = build(&before, &options, None).unwrap().bytes;
    let mut after = before.clone();
    after[1].name = "zoe".into();
    let built = build(&after, &options, Some(&old)).unwrap();
    assert!(
        built.totals.sectors_changed.unwrap() <= 2,
        "{:?}",
        built.totals
    );
    assert_eq!(bin_read::verify(&built.bytes, "").problems, []);
    // The same with an edit inside, which costs its own sectors and those of the two directories.
    let BinNode::Folder(inside) = &mut after[1].node else {
        unreachable!("it is a folder")
    };
    inside[4] = BinEntry::file("f4", vec![1; 3_000]);
    let built = build(&after, &options, Some(&old)).unwrap();
    for (path, bytes) in files_of(&after) {
        assert_eq!(
            seed_read(&built.bytes, &path),
            Some(bytes.as_slice()),
            "{path}"
        );
    }
    // A folder of other files is no continuation of an old one.
    let other = [folder("zoe", &mut seeded)];
    let built = build(&other, &options, Some(&old)).unwrap();
    assert_eq!(bin_read::verify(&built.bytes, "").problems, []);
}
