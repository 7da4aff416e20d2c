//! Asks before something is destroyed: on a terminal by a question, elsewhere by `--yes`.

use std::io::{self, BufRead, IsTerminal, Write};

use super::args::Common;
use super::failure::Failure;
use super::report::Report;
use super::sentence::lower_first;

/// Whether somebody can be asked, or has said yes already.
pub fn can_ask(common: Common) -> bool {
    common.yes || (!common.json && io::stdin().is_terminal() && io::stderr().is_terminal())
}

/// Goes on only if the user wants to. `what` is a sentence without a full stop: `This replaces …`.
pub fn confirm(
    what: &[String],
    place: &str,
    common: Common,
    report: &mut Report,
) -> Result<(), Failure> {
    if common.yes {
        return Ok(());
    }
    if !can_ask(common) {
        let what = what
            .first()
            .map_or("this changes the board", String::as_str);
        return Err(Failure::new(
            format!(
                "Not done without a yes: {}",
                lower_first(what.trim_end_matches(':'))
            ),
            place,
            "Add --yes, or answer on a terminal; write --dry-run shows the plan",
        ));
    }
    for line in what {
        report.talk(line);
    }
    let unanswered =
        |error: io::Error| Failure::new(format!("No answer: {error}"), place, "Add --yes");
    write!(io::stderr(), "Go on? Type yes: ").map_err(unanswered)?;
    io::stderr().flush().map_err(unanswered)?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(unanswered)?;
    if answer.trim().eq_ignore_ascii_case("yes") {
        Ok(())
    } else {
        Err(Failure::new(
            "Stopped: nothing was changed",
            place,
            "Type yes to go on",
        ))
    }
}
