//! The command line in README.md is what the program says itself.

use std::path::Path;

use crate::cli_run::Bench;

#[test]
fn the_readme_shows_the_help_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, rest) = readme
        .split_once("<!-- help -->")
        .expect("README.md has a line <!-- help -->");
    let (block, _) = rest
        .split_once("<!-- /help -->")
        .expect("README.md has a line <!-- /help -->");
    let shown: Vec<&str> = block
        .trim()
        .lines()
        .filter(|line| !line.starts_with("```"))
        .collect();
    let help = Bench::new().good(&["--help"]);
    assert_eq!(
        shown.join("\n"),
        help.trim_end(),
        "copy this into README.md:\n{help}"
    );
}
