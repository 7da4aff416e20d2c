//! Faults of the wire and of what is on its other end.

use super::scene::{Injection, Peer};
use super::talker::{Voice, at_speed};

const BANNER: &str = "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\n";
const LOADED: &str =
    "SPIWP:0xee\r\nmode:DIO, clock div:1\r\nload:0x3fcd5810,len:0x1738\r\nentry 0x403ce000\r\n";

fn restart(cause: &str, then: &str) -> Vec<u8> {
    format!("{BANNER}rst:{cause},boot:0xc (SPI_FAST_FLASH_BOOT)\r\n{then}").into_bytes()
}

fn says(voice: Voice) -> impl FnOnce(&mut super::scene::Scene) {
    move |scene| {
        scene.ask(&["info"]);
        scene.talker(voice);
    }
}

const BOOT: &[&str] = &[
    "boot mode",
    "boot button",
    "boot pin",
    "gpio0",
    "gpio9",
    "strapping",
];

pub const CONNECTION: &[Injection] = &[
    Injection {
        name: "nothing on the other end",
        expected: "silent",
        make: |scene| says(Voice::Mute)(scene),
        peer: Peer::Identify,
        telling: &["no serial data"],
    },
    Injection {
        name: "the board's TX line is dead",
        expected: "silent",
        make: |scene| {
            scene.ask(&["info"]);
            scene.faulty(&["cut:from-board@0"]);
        },
        peer: Peer::Identify,
        telling: &["no serial data"],
    },
    Injection {
        name: "the board's RX line is dead",
        expected: "board-deaf",
        make: |scene| {
            scene.ask(&["info"]);
            scene.faulty(&["cut:to-board@0"]);
        },
        peer: Peer::Identify,
        telling: &["tx path", "rx path", "download mode was"],
    },
    Injection {
        name: "BOOT was not held: an app prints its log",
        expected: "runs-program",
        make: |scene| {
            says(Voice::Again(
                b"I (5213) main: 21.5 C\r\nI (5313) wifi: beacon\r\n".into(),
            ))(scene);
        },
        peer: Peer::Identify,
        telling: BOOT,
    },
    Injection {
        name: "BOOT was not held: the chip has just started its app",
        expected: "runs-program",
        make: |scene| says(Voice::Once(restart("0x1 (POWERON)", LOADED)))(scene),
        peer: Peer::Identify,
        telling: BOOT,
    },
    Injection {
        name: "BOOT was not held: a MicroPython prompt",
        expected: "runs-program",
        make: |scene| {
            says(Voice::Once(b"MicroPython v1.24.1 on 2024-11-29; ESP32C3 module\r\nType \"help()\" for more information.\r\n>>> ".into()))(scene);
        },
        peer: Peer::Identify,
        telling: BOOT,
    },
    Injection {
        name: "a blank board that is not in its loader",
        expected: "flash-blank",
        make: |scene| {
            scene.ask(&["info"]);
            scene.board(&["--boot", "flash"]);
        },
        peer: Peer::Identify,
        telling: &["blank", "empty", "invalid header"],
    },
    Injection {
        name: "a damaged bootloader, not in the loader",
        expected: "bootloader-damaged",
        make: |scene| {
            scene.ask(&["info"]);
            scene.noise("flash.bin", 4 << 20);
            scene.board(&["--boot", "flash", "--flash", "flash.bin"]);
        },
        peer: Peer::Identify,
        telling: &["bootloader", "invalid header"],
    },
    Injection {
        name: "a bootloader that finds no app",
        expected: "nothing-to-start",
        make: |scene| {
            let text = "E (88) boot: No bootable app partitions in the partition table\r\n";
            says(Voice::Again(restart(
                "0x7 (TG0WDT_SYS_RST)",
                &format!("{LOADED}{text}"),
            )))(scene);
        },
        peer: Peer::Identify,
        telling: &["no bootable app", "partition table"],
    },
    Injection {
        name: "brown-out loop, as the ROM says it",
        expected: "brown-out",
        make: |scene| says(Voice::Again(restart("0xf (BROWNOUT_RST)", LOADED)))(scene),
        peer: Peer::Identify,
        telling: &["brownout", "brown-out", "supply", "power"],
    },
    Injection {
        name: "brown-out loop, as ESP-IDF says it",
        expected: "brown-out",
        make: |scene| {
            let text = format!("{LOADED}\r\nBrownout detector was triggered\r\n\r\n");
            says(Voice::Again(restart("0x3 (RTC_SW_SYS_RST)", &text)))(scene);
        },
        peer: Peer::Identify,
        telling: &["brownout", "brown-out", "supply", "power"],
    },
    Injection {
        name: "a watchdog restarts the program again and again",
        expected: "watchdog-loop",
        make: |scene| says(Voice::Again(restart("0x8 (TG1WDT_SYS_RST)", LOADED)))(scene),
        peer: Peer::Identify,
        telling: &["watchdog"],
    },
    Injection {
        name: "the program crashes again and again",
        expected: "crash-loop",
        make: |scene| {
            let text = format!(
                "{LOADED}Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.\r\n"
            );
            says(Voice::Again(restart("0x3 (RTC_SW_SYS_RST)", &text)))(scene);
        },
        peer: Peer::Identify,
        telling: &["crash", "guru", "panic"],
    },
    Injection {
        name: "the other end speaks at 74880 baud",
        expected: "wrong-speed",
        make: |scene| {
            says(Voice::Again(at_speed(
                b"ets Jan  8 2013,rst cause:2, boot mode:(3,6)\r\nload 0x40100000\r\n",
                74_880.0,
            )))(scene);
        },
        peer: Peer::Identify,
        telling: &["baud", "speed"],
    },
    Injection {
        name: "the other end speaks at 921600 baud",
        expected: "wrong-speed",
        make: |scene| {
            says(Voice::Again(at_speed(
                &restart("0x1 (POWERON)", LOADED),
                921_600.0,
            )))(scene);
        },
        peer: Peer::Identify,
        telling: &["baud", "speed"],
    },
    Injection {
        name: "a GPS receiver on the port",
        expected: "other-device",
        make: |scene| {
            says(Voice::Again(
                b"$GPGGA,120000.00,5224.0,N,01331.0,E,1,08,0.9,44.0,M,,,,*47\r\n".into(),
            ))(scene);
        },
        peer: Peer::Identify,
        telling: &["another device", "not an esp", "other device"],
    },
    Injection {
        name: "TX and RX of the adapter are joined",
        expected: "echo",
        make: |scene| says(Voice::Echo)(scene),
        peer: Peer::Identify,
        telling: &["echo", "loopback", "joined"],
    },
    Injection {
        name: "half of all bytes from the board are damaged",
        expected: "noisy-line",
        make: |scene| {
            scene.ask(&["info"]);
            scene.faulty(&["noise:from-board@0.5", "seed:7"]);
        },
        peer: Peer::Identify,
        telling: &[
            "noise",
            "corrupt",
            "invalid head of packet",
            "checksum",
            "framing",
        ],
    },
    Injection {
        name: "a line that carries 115200 baud only, asked for 921600",
        expected: "speed-too-high",
        make: |scene| {
            scene.ask(&["info", "--baud", "921600"]);
            scene.faulty(&["limit:line@115200=1", "seed:7"]);
        },
        peer: Peer::IdentifyFast,
        telling: &["baud", "speed"],
    },
    Injection {
        name: "the line breaks in mid-write, again and again",
        expected: "stopped-answering",
        make: |scene| {
            let words: Vec<String> = (0..400)
                .map(|n| format!("cut:to-board@{}", 60_000 + n * 50))
                .collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            scene.faulty(&words);
            scene.ask_write();
        },
        peer: Peer::Write,
        telling: &["stopped", "timed out", "timeout", "no response", "lost"],
    },
];
