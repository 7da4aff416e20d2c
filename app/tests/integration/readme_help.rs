//! The command line in README.md and in the guide is what the program says itself.

use std::path::Path;

use crate::cli_run::Bench;

/// What a page of the repository shows between `<!-- MARK -->` and `<!-- /MARK -->`, without the fence.
#[track_caller]
fn shown(page: &str, mark: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let block = text
        .split_once(&format!("<!-- {mark} -->"))
        .and_then(|(_, rest)| rest.split_once(&format!("<!-- /{mark} -->")));
    let (block, _) =
        block.unwrap_or_else(|| panic!("{page} has lines <!-- {mark} --> and <!-- /{mark} -->"));
    let lines = block.trim().lines().filter(|line| !line.starts_with("```"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_readme_shows_the_help_as_it_is() {
    let help = Bench::new().good(&["--help"]);
    assert_eq!(
        shown("README.md", "help"),
        help.trim_end(),
        "copy this into README.md:\n{help}"
    );
}

#[test]
fn the_readme_shows_the_help_of_table_as_it_is() {
    let help = Bench::new().good(&["table", "--help"]);
    assert_eq!(
        shown("README.md", "help: table"),
        help.trim_end(),
        "copy this into README.md:\n{help}"
    );
}

#[test]
fn the_guide_shows_the_operations_of_table_edit_as_they_are() {
    let page = "docs/guide/partition-tables.md";
    let help = Bench::new().good(&["table", "edit", "--help"]);
    let operations = shown(page, "end of help: table edit");
    assert!(operations.lines().count() > 8);
    assert!(
        help.trim_end().ends_with(&operations),
        "copy the end of this into {page}:\n{help}"
    );
}
