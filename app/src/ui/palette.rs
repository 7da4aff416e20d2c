//! Finds a command by its name: Ctrl+K, type, Enter.

use eframe::egui::{self, Align2, Key, Modifiers, Ui};

use super::command::{self, Command, Facts};
use super::environment::Environment;
use super::state::AppState;
use super::{text, theme};

/// The palette while it is open.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    query: String,
    chosen: usize,
}

/// Draws the palette, if it is open.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let Some(mut palette) = state.palette.take() else {
        return;
    };
    let area = egui::Modal::default_area(egui::Id::unique("palette"))
        .anchor(Align2::CENTER_TOP, [0.0, 60.0]);
    let modal = egui::Modal::new(egui::Id::unique("palette"))
        .area(area)
        .backdrop_color(theme::shade(ui.visuals()))
        .show(ui.ctx(), |ui| {
            contents_ui(ui, &mut palette, &state.environment)
        });
    match modal.inner {
        Some(command) => state.ask(command),
        None if modal.should_close() => {}
        None => state.palette = Some(palette),
    }
}

fn contents_ui(ui: &mut Ui, palette: &mut Palette, environment: &Environment) -> Option<Command> {
    ui.set_width(460.0);
    let down = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::ArrowDown));
    let up = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::ArrowUp));
    let edit = egui::TextEdit::singleline(&mut palette.query)
        .hint_text(text::SEARCH_COMMANDS)
        .desired_width(f32::INFINITY);
    let response = ui.add(edit).accessible_name(text::SEARCH_COMMANDS);
    response.request_focus();
    if response.changed() {
        palette.chosen = 0;
    }
    let matches = matching(&palette.query, environment);
    if matches.is_empty() {
        ui.weak(text::NO_COMMAND_MATCHES);
        return None;
    }
    let last = matches.len() - 1;
    palette.chosen = match (up, down) {
        (true, _) => palette.chosen.checked_sub(1).unwrap_or(last),
        (_, true) if palette.chosen >= last => 0,
        (_, true) => palette.chosen + 1,
        _ => palette.chosen.min(last),
    };
    let enter = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
    let mut run = None;
    ui.add_space(theme::STEP);
    egui::ScrollArea::vertical()
        .max_height(theme::ROW_HEIGHT * 10.0)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (index, facts) in matches.iter().enumerate() {
                let why_not = facts.command.why_not(environment);
                let shortcut = facts.command.shortcut(ui.ctx());
                let mut label = egui::RichText::new(facts.command.label(environment));
                if why_not.is_some() {
                    label = label.weak();
                }
                let mut button = egui::Button::selectable(index == palette.chosen, label)
                    .min_size(egui::vec2(ui.available_width(), theme::ROW_HEIGHT));
                button = button.right_text(shortcut.clone().unwrap_or_default());
                let response = ui.add(button);
                if index == palette.chosen && (up || down) {
                    response.scroll_to_me(None);
                }
                let response =
                    response.on_hover_text(facts.command.tooltip(environment, shortcut.as_deref()));
                if (response.clicked() || (enter && index == palette.chosen)) && why_not.is_none() {
                    run = Some(facts.command);
                }
            }
        });
    if let Some(reason) = matches
        .get(palette.chosen)
        .and_then(|facts| facts.command.why_not(environment))
    {
        ui.add_space(theme::STEP);
        ui.weak(reason);
    }
    run
}

/// Commands whose name has all the typed words, available ones first.
fn matching(query: &str, environment: &Environment) -> Vec<&'static Facts> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let mut found: Vec<_> = command::all()
        .filter(|facts| facts.command != Command::Palette)
        .filter(|facts| {
            let name =
                format!("{} {}", facts.command.label(environment), facts.tooltip).to_lowercase();
            words.iter().all(|word| name.contains(word))
        })
        .collect();
    let label_has = |facts: &Facts| {
        let label = facts.command.label(environment).to_lowercase();
        words.iter().all(|word| label.contains(word))
    };
    found.sort_by_key(|facts| {
        (
            facts.command.why_not(environment).is_some(),
            !label_has(facts),
        )
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_come_in_any_order() {
        let found = matching(
            "board write",
            &Environment {
                has_plan: true,
                ..Environment::default()
            },
        );
        assert_eq!(found[0].command, Command::Write);
        assert!(matching("zebra", &Environment::default()).is_empty());
    }
}
