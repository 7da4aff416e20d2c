//! Any bytes for the reader of binary tables and the search for one in an image.
#![no_main]

#[path = "../../tests/integration/table_mutate.rs"]
#[expect(dead_code, reason = "the seeded loop uses more of it")]
mod table_mutate;
#[path = "../../tests/integration/table_random.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod table_random;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    table_mutate::check_binary(bytes, &"of the fuzzer");
    table_mutate::check_image(bytes);
});
