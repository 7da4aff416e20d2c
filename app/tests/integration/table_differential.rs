//! Our reader, checker and writer against ESP-IDF's own tool, on random tables: the same tables are accepted, and the
//! bytes are the same.
//!
//! Runs where `FLASHPACK_GEN_ESP32PART` is the path of `gen_esp32part.py` (version 1.5) and `python3` can be started;
//! otherwise it says that it was skipped. `FLASHPACK_TABLES` sets how many tables (100,000 unless set), and
//! `FLASHPACK_SEED` the first seed. The differences that are there on purpose are listed in `docs/formats.md`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::partition_table::TableSettings;
use flashpack::model::problem::any_error;
use flashpack::model::table_check::{Form, esp_idf_errors};

use super::table_random::{Options, Random, binary, csv, damaged, encoded, options, variable};

/// Reads cases from standard input, runs the tool on each, and prints those where it differs.
const DRIVER: &str = r"
import contextlib, io, os, struct, sys, types

def module(name, **members):
    made = types.ModuleType(name)
    for key, value in members.items():
        setattr(made, key, value)
    sys.modules[name] = made
    return made

class Anything:
    def __init__(self, *args, **kwargs): pass
    def __call__(self, *args, **kwargs):
        return args[0] if len(args) == 1 and callable(args[0]) else self
    def __getattr__(self, name): return Anything()

# The tool's command line needs packages that its functions do not.
anything = Anything()
module('rich_click', command=anything, option=anything, argument=anything, Choice=anything, File=anything, Path=anything)
module('esp_pylib')
module('esp_pylib.cli_options', OptionEatAll=anything)
module('esp_pylib.cli_types', AnyIntType=anything)
module('esp_pylib.logger', log=anything)

sys.path.insert(0, os.path.dirname(sys.argv[1]))
import gen_esp32part as gen
assert gen.__version__ == '1.5', gen.__version__
for name in list(os.environ):
    if name not in ('PATH',):
        del os.environ[name]
del os.environ['PATH']
os.environ.update(SIZE='0x10000', A_NAME='expanded', HOME='/home/nobody')

def run(data, is_csv, table_offset, primary, recovery, flash_size):
    gen.quiet, gen.md5sum, gen.secure = True, True, None
    gen.offset_part_table = table_offset
    gen.primary_bootloader_offset = None if primary == 0xFFFFFFFF else primary
    gen.recovery_bootloader_offset = None if recovery == 0xFFFFFFFF else recovery
    if gen.primary_bootloader_offset is not None and primary >= table_offset:
        raise gen.InputError('primary bootloader is not below the table')
    table, input_is_binary = gen.PartitionTable.from_file(io.BytesIO(data))
    assert input_is_binary != bool(is_csv)
    table.verify()
    if flash_size:
        table.verify_size_fits(flash_size << 20)
    return table.to_csv().encode() if input_is_binary else table.to_binary()

source = sys.stdin.buffer
count = accepted = differing = 0
while True:
    head = source.read(31)
    if len(head) < 31:
        break
    is_csv, ours_accepts, _spare, offset, primary, recovery, flash_size, length, out_length = struct.unpack('<BBBLLLLLQ', head)
    data = source.read(length)
    ours = source.read(out_length)
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            theirs, why = run(data, is_csv, offset, primary, recovery, flash_size), ''
        except AssertionError:
            raise
        except Exception as error:
            theirs, why = None, '%s: %s' % (type(error).__name__, error)
    count += 1
    accepted += theirs is not None
    if (theirs is not None) != bool(ours_accepts) or (theirs is not None and theirs != ours):
        differing += 1
        if differing <= 20:
            print('DIFFERS: options %x %x %x %d' % (offset, primary, recovery, flash_size))
            print('  input  %r' % data)
            print('  theirs %r %s' % (theirs if theirs is None or not is_csv else theirs[:256], why))
            print('  ours   %r' % (None if not ours_accepts else ours if not is_csv else ours[:256]))
print('%d tables, %d accepted, %d differ' % (count, accepted, differing))
";

/// What we make of a table: the converted bytes if we accept it.
fn ours(data: &[u8], is_csv: bool, options: &Options) -> Option<Vec<u8>> {
    let settings = TableSettings {
        table_offset: options.table_offset,
        primary_bootloader_offset: options.primary_bootloader_offset,
        recovery_bootloader_offset: options.recovery_bootloader_offset,
        ..TableSettings::default()
    };
    let flash_size = options.flash_size.map(|mib| mib << 20);
    if is_csv {
        let reading = partition_csv::read_as(
            data,
            settings,
            &variable,
            Some(partition_csv::Dialect::EspIdf),
        );
        let refused = any_error(&reading.problems)
            || any_error(&esp_idf_errors(&reading.table, flash_size, Form::Csv));
        (!refused).then(|| {
            partition_bin::write(&reading.table).expect("a table without errors can be written")
        })
    } else {
        let mut reading = partition_bin::read(data);
        reading.table.settings = settings;
        let refused = any_error(&reading.problems)
            || any_error(&esp_idf_errors(&reading.table, flash_size, Form::Binary));
        (!refused).then(|| partition_csv::write(&reading.table))
    }
}

fn case(random: &mut Random, pipe: &mut Vec<u8>) {
    let options = options(random);
    let is_csv = !random.once_in(4);
    let data = if is_csv {
        let oddity = random.pick(&[8, 30, 1000]);
        let text = csv(random, oddity);
        let text = if random.once_in(4) {
            damaged(random, &text)
        } else {
            text
        };
        encoded(random, &text)
    } else {
        binary(random)
    };
    // The tool takes what does not begin with AA 50 for a CSV.
    if !is_csv && !data.starts_with(&[0xAA, 0x50]) {
        return;
    }
    let ours = ours(&data, is_csv, &options);
    let out = ours.clone().unwrap_or_default();
    pipe.extend_from_slice(&[u8::from(is_csv), u8::from(ours.is_some()), 0]);
    for value in [
        options.table_offset,
        options.primary_bootloader_offset.unwrap_or(u32::MAX),
        options.recovery_bootloader_offset.unwrap_or(u32::MAX),
        options.flash_size.unwrap_or(0),
        data.len() as u32,
    ] {
        pipe.extend_from_slice(&value.to_le_bytes());
    }
    pipe.extend_from_slice(&(out.len() as u64).to_le_bytes());
    pipe.extend_from_slice(&data);
    pipe.extend_from_slice(&out);
}

#[test]
fn tables_are_converted_as_by_gen_esp32part() {
    let Ok(tool) = std::env::var("FLASHPACK_GEN_ESP32PART") else {
        eprintln!(
            "SKIPPED: set FLASHPACK_GEN_ESP32PART to the path of ESP-IDF's gen_esp32part.py to run this test"
        );
        return;
    };
    let setting = |name: &str, usual: u64| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(usual)
    };
    let (tables, seed) = (
        setting("FLASHPACK_TABLES", 100_000),
        setting("FLASHPACK_SEED", 1),
    );
    let mut driver = Command::new("python3")
        .args(["-c", DRIVER, &tool])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 can be started");
    let mut pipe = driver.stdin.take().expect("the driver has an input");
    for number in 0..tables {
        let mut bytes = Vec::new();
        case(&mut Random::new(seed.wrapping_add(number)), &mut bytes);
        if pipe.write_all(&bytes).is_err() {
            break;
        }
    }
    drop(pipe);
    let output = driver.wait_with_output().expect("the driver ends");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "the driver failed");
    assert!(said.trim_end().ends_with(" 0 differ"), "{said}");
}
