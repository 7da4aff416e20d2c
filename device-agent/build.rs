//! Hands the linker script to the firmware's link, and does nothing for the library.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=esp32c3.ld");
    if std::env::var_os("CARGO_FEATURE_FIRMWARE").is_some() {
        let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets the package's folder");
        println!("cargo::rustc-link-arg-bins=-T{folder}/esp32c3.ld");
        println!("cargo::rustc-link-arg-bins=--gc-sections");
    }
}
