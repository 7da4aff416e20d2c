//! Lines of MicroPython that reach a packed file on the chip, as `flash.py` of `esp32flash_mpy` and MicroPython's own
//! ROMFS have it. Only text is made here; nothing is run.

use super::project::PackFormat;
use super::region::Region;

/// The one label that `flash.py` opens by itself.
const LABEL: &str = "bin";

/// A few lines and what they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    pub title: &'static str,
    pub code: String,
}

/// A file in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedPlace<'a> {
    pub partition: &'a str,
    /// Where the partition lies in flash.
    pub region: Region,
    pub format: PackFormat,
    /// Names joined by `/`.
    pub path: &'a str,
    /// From the start of the image, in bytes.
    pub offset: u32,
    pub size: u32,
}

/// Lines for a file; none for a container that MicroPython does not read.
pub fn snippets(place: &PackedPlace<'_>) -> Vec<Snippet> {
    match place.format {
        PackFormat::Bin => bin(place),
        PackFormat::Romfs => romfs(place),
        PackFormat::FlashFile => Vec::new(),
    }
}

fn bin(place: &PackedPlace<'_>) -> Vec<Snippet> {
    let PackedPlace { region, size, .. } = *place;
    let opened = if place.partition == LABEL {
        "flash.bin".to_owned()
    } else {
        // `flash.bin` is the partition named bin; any other one is opened by its place.
        format!("flash.Bin(0x{:X}, 0x{:X})", region.offset, region.size)
    };
    let steps: Vec<String> = place
        .path
        .split('/')
        .map(|name| format!(".findsub({})", quoted(name)))
        .collect();
    let steps = steps.concat();
    let at = u64::from(region.offset) + u64::from(place.offset);
    vec![
        Snippet {
            title: "Find it by name",
            code: format!(
                "import flash\nf = {opened}{steps}\nprint(hex(f.addr), f.size)\nprint(f.mem8(0))"
            ),
        },
        Snippet {
            title: "Copy it into RAM",
            code: format!(
                "import flash\nf = {opened}{steps}\ndata = bytearray(f.size)\nf.readinto(0, data)"
            ),
        },
        Snippet {
            title: "Its place in flash",
            code: format!(
                "import flash\nat, size = 0x{at:X}, {size}  # right until the next packing\nprint(flash.mem8(at))\nprint(hex(flash.vaddr(at)))  # the CPU's address"
            ),
        },
    ]
}

fn romfs(place: &PackedPlace<'_>) -> Vec<Snippet> {
    let path = quoted(&format!("/rom/{}", place.path));
    vec![
        Snippet {
            title: "Read it",
            code: format!("with open({path}, 'rb') as f:\n    data = f.read()"),
        },
        Snippet {
            title: "Read it in place",
            code: format!(
                "f = open({path}, 'rb')\nview = memoryview(f)  # the bytes in flash, not a copy\nprint(view[0])"
            ),
        },
    ]
}

/// A Python string.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: PackedPlace<'_> = PackedPlace {
        partition: "bin",
        region: Region::new(0x30_0000, 0x10_0000),
        format: PackFormat::Bin,
        path: "eng5X8",
        offset: 0x1230,
        size: 77,
    };

    #[test]
    fn a_file_of_bin_is_found_as_the_seeds_module_does() {
        let made = snippets(&PLACE);
        assert!(
            made[0].code.contains("flash.bin.findsub('eng5X8')"),
            "{made:?}"
        );
        assert!(made[2].code.contains("at, size = 0x301230, 77"), "{made:?}");
    }

    #[test]
    fn folders_are_stepped_into_and_other_partitions_opened_by_their_place() {
        let place = PackedPlace {
            partition: "data",
            path: "deep/it's",
            ..PLACE
        };
        let made = snippets(&place);
        let expected = r"flash.Bin(0x300000, 0x100000).findsub('deep').findsub('it\'s')";
        assert!(made[0].code.contains(expected), "{made:?}");
    }

    #[test]
    fn romfs_has_paths_and_a_flash_file_has_none() {
        let romfs = PackedPlace {
            format: PackFormat::Romfs,
            ..PLACE
        };
        assert!(
            snippets(&romfs)[0]
                .code
                .contains("open('/rom/eng5X8', 'rb')")
        );
        let other = PackedPlace {
            format: PackFormat::FlashFile,
            ..PLACE
        };
        assert!(snippets(&other).is_empty());
    }
}
