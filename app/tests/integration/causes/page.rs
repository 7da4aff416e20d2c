//! The page of causes in the documentation is made from the code's own table and from the scores that were measured;
//! `FLASHPACK_BLESS=1` writes it anew.

use std::collections::BTreeMap;
use std::path::Path;

use flashpack::model::cause::{Area, CAUSES};

const SCORES: &str = include_str!("../../data/cause_scores.tsv");

/// One measured line: fault, expected cause, then whether Flashpack, esptool and espflash named it.
fn scores() -> Vec<[&'static str; 5]> {
    SCORES
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            fields.try_into().expect("five fields")
        })
        .collect()
}

fn page() -> String {
    let mut page = vec![
        "# Causes\n\n".to_owned(),
        "Every message says what failed and where, why, and the one thing to do; *Details* has what the layers below said.\n".into(),
        "With `--json` the last line has the cause's name as `cause`, or null where the evidence did not tell.\n\n".into(),
        "This page is made from the code (`app/src/model/cause/table.rs`) by a test; `FLASHPACK_BLESS=1 cargo test -p flashpack --test integration causes` writes it anew.\n".into(),
    ];
    let mut area: Option<Area> = None;
    for facts in CAUSES {
        if area != Some(facts.area) {
            area = Some(facts.area);
            page.push(format!(
                "\n## {}\n\n| cause | why | the one thing to do |\n|---|---|---|\n",
                facts.area.label()
            ));
        }
        page.push(format!(
            "| `{}` | {} | {} |\n",
            facts.name, facts.why, facts.todo
        ));
    }
    page.push("\n## Every fault that is made in a test\n\n".into());
    page.push("Each is made on the practice board, on a pseudo-terminal or in the operating system, and the real program runs into it.\n".into());
    page.push("The columns say whether the right cause came first. esptool 5.6 and the library of espflash 4.7 met the same fault; their message counts when it has any word that names the cause.\n".into());
    page.push("A dash: they have no such job, or it cannot be run in one process. Measured on Linux with `FLASHPACK_ESPTOOL` and `FLASHPACK_SCORES` set.\n\n".into());
    page.push("| fault | cause | Flashpack | esptool | espflash |\n|---|---|---|---|---|\n".into());
    let mut counts: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for fields in scores() {
        let [name, cause, own, esptool, espflash] = fields;
        page.push(format!(
            "| {name} | `{cause}` | {own} | {esptool} | {espflash} |\n"
        ));
        for (column, word) in [own, esptool, espflash].into_iter().enumerate() {
            let (right, asked) = counts.entry(column).or_default();
            *right += usize::from(word == "yes");
            *asked += usize::from(word != "–");
        }
    }
    let sum = |column: usize| {
        let (right, asked) = counts.get(&column).copied().unwrap_or_default();
        format!("{right} of {asked}")
    };
    page.push(format!(
        "| **right** | | **{}** | **{}** | **{}** |\n",
        sum(0),
        sum(1),
        sum(2)
    ));
    page.concat()
}

#[test]
fn the_page_of_causes_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/causes.md");
    let page = page();
    if std::env::var_os("FLASHPACK_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, page, "FLASHPACK_BLESS=1 writes docs/causes.md anew");
}

#[test]
fn what_was_measured_is_what_is_injected() {
    let measured: Vec<(&str, &str)> = scores()
        .iter()
        .map(|fields| (fields[0], fields[1]))
        .collect();
    let injected: Vec<(&str, &str)> = super::injections()
        .map(|injection| (injection.name, injection.expected))
        .collect();
    assert_eq!(
        measured, injected,
        "measure again: FLASHPACK_ESPTOOL, FLASHPACK_SCORES"
    );
}
