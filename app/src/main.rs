//! Flashpack.
fn main() {}
