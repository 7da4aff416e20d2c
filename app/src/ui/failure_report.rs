//! What *Copy report* puts on the clipboard: versions, system, port, chip, what failed and the end of the log. Made to
//! be pasted into an issue by somebody who does not check it: the home folder is not in it.

use super::state::AppState;
use crate::engine::error::JobError;

/// Lines of the log that go along.
const LOG_LINES: usize = 100;

/// The report as text.
pub fn text(state: &AppState, error: &JobError) -> String {
    let chip = state.board.identity.as_ref().map_or_else(
        || "not connected".to_owned(),
        |identity| {
            let revision = identity
                .revision
                .map_or_else(String::new, |(major, minor)| {
                    format!(" revision v{major}.{minor}")
                });
            format!("{}{revision}", identity.chip)
        },
    );
    let log = state.log.to_text();
    let lines: Vec<&str> = log.lines().collect();
    let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
    let report = format!(
        "{}\nCause: {}\nPlace: {}\n{}\nDetails: {}\n\nFlashpack {} on {} {}\nPort: {}\nChip: {chip}\n\nThe last {LOG_LINES} lines of the log:\n{last}\n",
        error.message,
        error.cause.map_or("not known", |cause| cause.name()),
        error.place,
        error.help,
        if error.detail.is_empty() {
            "none"
        } else {
            &error.detail
        },
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        state.board.port,
    );
    without_home(
        &report,
        ["HOME", "USERPROFILE"]
            .into_iter()
            .filter_map(|name| std::env::var(name).ok()),
    )
}

/// Replaces home folders by `~`. One that is the root of everything is no secret.
fn without_home(text: &str, homes: impl Iterator<Item = String>) -> String {
    homes
        .map(|home| home.trim_end_matches(['/', '\\']).to_owned())
        .filter(|home| home.len() > 1)
        .fold(text.to_owned(), |text, home| text.replace(&home, "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_home_folder_is_told() {
        let homes = || {
            [
                "/home/anna/".to_owned(),
                "/".to_owned(),
                "C:\\Users\\anna".to_owned(),
            ]
            .into_iter()
        };
        let text = "cannot read /home/anna/secret/x.bin or C:\\Users\\anna\\y, but /dev/ttyUSB0";
        let safe = without_home(text, homes());
        assert_eq!(safe, "cannot read ~/secret/x.bin or ~\\y, but /dev/ttyUSB0");
    }
}
