//! Any bytes for the reader of CSVs: bytes come back as they were, and a table without errors can be written and read again.
#![no_main]

#[path = "../../tests/integration/table_mutate.rs"]
#[expect(dead_code, reason = "the seeded loop uses more of it")]
mod table_mutate;
#[path = "../../tests/integration/table_random.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod table_random;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    table_mutate::check_csv(bytes, &"of the fuzzer");
});
