//! Images made by other people's programs are recognised: `FLASHPACK_IMAGE_TOOLS` names a Python that has some of
//! littlefs-python, pyfatfs, esp-idf-nvs-partition-gen, intelhex, mpremote and esptool. What it has not is said.

use std::path::Path;
use std::process::Command;

use flashpack::formats::recognise::{Kind, recognise};

/// Makes one file for each tool that can be imported, below the folder that is its argument.
const MAKE: &str = r"
import os, struct, subprocess, sys
os.chdir(sys.argv[1])

def run(*words):
    subprocess.run([sys.executable, '-m', *words], check=True, stdout=subprocess.DEVNULL)

def littlefs():
    import littlefs
    fs = littlefs.LittleFS(block_size=4096, block_count=16)
    with fs.open('hello.txt', 'w') as file:
        file.write('hello')
    open('littlefs', 'wb').write(fs.context.buffer)

def fat():
    from pyfatfs.PyFat import PyFat
    open('fat', 'wb').write(bytes(1 << 20))
    fat = PyFat()
    fat.mkfs('fat', fat_type=12, size=1 << 20, label='TEST')
    fat.close()

def nvs():
    open('nvs.csv', 'w').write('key,type,encoding,value\nns,namespace,,\na,data,u8,1\n')
    run('esp_idf_nvs_partition_gen', 'generate', 'nvs.csv', 'nvs.bin', '0x4000')

def intelhex():
    import intelhex
    image = intelhex.IntelHex()
    image.puts(0x1000, b'hello world' * 20)
    image.write_hex_file('hex')

def romfs():
    os.makedirs('source', exist_ok=True)
    open('source/hello.txt', 'w').write('hello')
    run('mpremote', 'romfs', '--no-mpy', '-o', 'romfs', 'build', 'source')

def esptool():
    code = b'\x13\0\0\0' * 64
    names = b'\0.text\0.shstrtab\0'
    head = b'\x7fELF\x01\x01\x01' + bytes(9) + struct.pack('<HHIIIIIHHHHHH',
        2, 243, 1, 0x40380000, 52, 84 + len(code), 0, 52, 32, 1, 40, 3, 2)
    load = struct.pack('<8I', 1, 84, 0x40380000, 0x40380000, len(code), len(code), 5, 4)
    sections = bytes(40) + struct.pack('<10I', 1, 1, 6, 0x40380000, 84, len(code), 0, 0, 4, 0)
    sections += struct.pack('<10I', 7, 3, 0, 0, 84 + len(code) + 120, len(names), 0, 0, 1, 0)
    open('elf', 'wb').write(head + load + code + sections + names)
    run('esptool', '--chip', 'esp32c3', 'elf2image', '-o', 'app', 'elf')
    row = struct.pack('<HBBII16sI', 0x50AA, 0, 0, 0x10000, 0x100000, b'factory', 0)
    open('table.img', 'wb').write(row.ljust(0xC00, b'\xff'))
    parts = ['0x0', 'app', '0x8000', 'table.img', '0x10000', 'app']
    run('esptool', '--chip', 'esp32c3', 'merge-bin', '-o', 'merged', *parts)
    run('esptool', '--chip', 'esp32c3', 'merge-bin', '--format', 'uf2', '-o', 'uf2', *parts)

for make in (littlefs, fat, nvs, intelhex, romfs, esptool):
    try:
        make()
    except Exception as error:
        print(f'{make.__name__}: not made: {error}', file=sys.stderr)
";

const MADE: [(&str, Kind); 9] = [
    ("littlefs", Kind::LittleFs),
    ("fat", Kind::Fat),
    ("nvs.bin", Kind::Nvs),
    ("hex", Kind::IntelHex),
    ("romfs", Kind::Romfs),
    ("elf", Kind::Elf),
    ("app", Kind::EspImage),
    ("merged", Kind::MergedImage),
    ("uf2", Kind::Uf2),
];

#[test]
fn images_of_other_peoples_programs_are_recognised() {
    let Ok(python) = std::env::var("FLASHPACK_IMAGE_TOOLS") else {
        eprintln!("skipped: FLASHPACK_IMAGE_TOOLS names no Python with tools that make images");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(python)
        .args(["-c", MAKE])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    eprintln!("{said}");
    assert!(output.status.success(), "{said}");
    let made = |name: &str| std::fs::read(Path::new(folder.path()).join(name)).ok();
    let mut seen = 0;
    for (name, kind) in MADE {
        let Some(bytes) = made(name) else {
            eprintln!("skipped: no {name}");
            continue;
        };
        let found = recognise(&bytes);
        assert_eq!(
            (found.kind, found.certain),
            (kind, true),
            "{name}: {found:?}"
        );
        seen += 1;
    }
    assert!(seen > 0, "none of the tools is there");
}
