//! Which lines of a log are shown: a filter by text and by level, brought up to date in small steps, and a search.

use std::collections::VecDeque;

use super::level::Level;
use super::line::{Line, Speaker};
use super::scrollback::Scrollback;

/// What is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Letters that a line holds; ASCII letters count the same in both cases. Empty: every line.
    pub text: String,
    /// Lines of this level and worse; `None`: every line.
    pub level: Option<Level>,
}

impl Filter {
    /// Whether everything is shown.
    pub fn is_open(&self) -> bool {
        self.text.is_empty() && self.level.is_none()
    }

    /// Whether a line is shown for its own sake.
    pub fn accepts(&self, line: &Line) -> bool {
        let level = self
            .level
            .is_none_or(|least| line.level.is_some_and(|level| level <= least));
        line.speaker == Speaker::Port || (level && contains(&line.text, &self.text))
    }
}

/// Whether a text holds another; ASCII letters count the same in both cases.
pub fn contains(text: &str, part: &str) -> bool {
    part.is_empty()
        || text
            .as_bytes()
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

/// The shown lines of one log.
#[derive(Debug, Default)]
pub struct View {
    filter: Filter,
    /// Numbers of the lines that passed; unused while everything is shown.
    passed: VecDeque<u64>,
    /// The next line to look at.
    next: u64,
    /// Whether the latest line of the chip passed: what explains it passes too.
    latest_passed: bool,
}

impl View {
    /// The filter in use.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Shows something else from now on.
    pub fn set_filter(&mut self, filter: Filter) {
        if self.filter != filter {
            self.filter = filter;
            self.passed.clear();
            self.next = 0;
            self.latest_passed = false;
        }
    }

    /// Looks at no more than `budget` new lines. Returns whether nothing is left to look at.
    pub fn catch_up(&mut self, log: &Scrollback, budget: usize) -> bool {
        while self
            .passed
            .front()
            .is_some_and(|number| *number < log.first())
        {
            self.passed.pop_front();
        }
        if self.filter.is_open() {
            self.next = log.closed_end();
            return true;
        }
        self.next = self.next.max(log.first());
        let end = log
            .closed_end()
            .min(self.next.saturating_add(budget as u64));
        while self.next < end {
            if let Some(line) = log.line(self.next) {
                let own = self.filter.accepts(line);
                let passes = match line.speaker {
                    Speaker::Meaning => own || self.latest_passed,
                    Speaker::Port => own,
                    Speaker::Chip | Speaker::Defmt => {
                        self.latest_passed = own;
                        own
                    }
                };
                if passes {
                    self.passed.push_back(self.next);
                }
            }
            self.next += 1;
        }
        self.next >= log.closed_end()
    }

    /// Lines that are shown.
    pub fn len(&self, log: &Scrollback) -> usize {
        if self.filter.is_open() {
            log.len()
        } else {
            self.passed.len() + usize::from(self.shows_open(log))
        }
    }

    /// Whether nothing is shown.
    pub fn is_empty(&self, log: &Scrollback) -> bool {
        self.len(log) == 0
    }

    /// A shown line by its place, from 0.
    pub fn line<'a>(&self, log: &'a Scrollback, index: usize) -> Option<&'a Line> {
        if self.filter.is_open() {
            return log.line(log.first() + index as u64);
        }
        match self.passed.get(index) {
            Some(number) => log.line(*number),
            None if index == self.passed.len() && self.shows_open(log) => {
                log.line(log.closed_end())
            }
            None => None,
        }
    }

    /// How many shown lines come before a number.
    pub fn place_of(&self, log: &Scrollback, number: u64) -> usize {
        if self.filter.is_open() {
            number.saturating_sub(log.first()) as usize
        } else {
            self.passed.partition_point(|passed| *passed < number)
        }
    }

    /// The next shown line that holds a text, from `from` on, forwards or backwards, once round. `end` is the number
    /// of lines to look at.
    pub fn find(
        &self,
        log: &Scrollback,
        text: &str,
        from: usize,
        forward: bool,
        end: usize,
    ) -> Option<usize> {
        if text.is_empty() || end == 0 {
            return None;
        }
        (0..end)
            .map(|step| {
                if forward {
                    (from + step) % end
                } else {
                    (from % end + end - step) % end
                }
            })
            .find(|index| {
                self.line(log, *index)
                    .is_some_and(|line| contains(&line.text, text))
            })
    }

    fn shows_open(&self, log: &Scrollback) -> bool {
        log.closed_end() < log.end()
            && log
                .line(log.closed_end())
                .is_some_and(|line| self.filter.accepts(line))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::scrollback::Limits;
    use super::*;

    const AT: SystemTime = SystemTime::UNIX_EPOCH;

    fn log() -> Scrollback {
        let mut log = Scrollback::default();
        log.push_output(
            b"I (1) wifi: up\nW (2) wifi: slow\nE (3) app: 0x42000060\n",
            AT,
        );
        log.push_line("0x42000060: main", None, Speaker::Meaning, AT);
        log.push_line("Unplugged", None, Speaker::Port, AT);
        log.push_output(b"I (4) WiFi: again\nwifi> ", AT);
        log
    }

    fn shown(view: &View, log: &Scrollback) -> Vec<String> {
        (0..view.len(log))
            .map(|index| view.line(log, index).unwrap().text.clone())
            .collect()
    }

    fn filtered(text: &str, level: Option<Level>) -> Vec<String> {
        let (log, mut view) = (log(), View::default());
        view.set_filter(Filter {
            text: text.into(),
            level,
        });
        while !view.catch_up(&log, 2) {}
        shown(&view, &log)
    }

    #[test]
    fn a_filter_by_text_and_level() {
        assert_eq!(filtered("", None).len(), 7);
        assert_eq!(
            filtered("wifi", None),
            [
                "I (1) wifi: up",
                "W (2) wifi: slow",
                "Unplugged",
                "I (4) WiFi: again",
                "wifi> "
            ]
        );
        assert_eq!(
            filtered("", Some(Level::Error)),
            ["E (3) app: 0x42000060", "0x42000060: main", "Unplugged"]
        );
        assert_eq!(
            filtered("APP", Some(Level::Warning)),
            ["E (3) app: 0x42000060", "0x42000060: main", "Unplugged"]
        );
        assert_eq!(filtered("nowhere", None), ["Unplugged"]);
    }

    #[test]
    fn the_view_follows_a_log_that_forgets() {
        let mut log = Scrollback::new(Limits {
            lines: 10,
            bytes: 1 << 20,
        });
        let mut view = View::default();
        view.set_filter(Filter {
            text: "7".into(),
            level: None,
        });
        for number in 0..100 {
            log.push_output(format!("{number}\n").as_bytes(), AT);
            assert!(view.catch_up(&log, 1000));
        }
        assert_eq!(shown(&view, &log), ["97"]);
        assert_eq!((view.place_of(&log, 97), view.place_of(&log, 98)), (0, 1));
    }

    #[test]
    fn the_search_goes_once_round_both_ways() {
        let (log, view) = (log(), View::default());
        let end = view.len(&log);
        let find = |text, from, forward| view.find(&log, text, from, forward, end);
        assert_eq!(find("WIFI", 0, true), Some(0));
        assert_eq!(find("wifi", 2, true), Some(5));
        assert_eq!(find("slow", 2, true), Some(1));
        assert_eq!(find("slow", 6, false), Some(1));
        assert_eq!(find("again", 0, false), Some(5));
        assert_eq!(find("nowhere", 3, true), None);
        assert_eq!(find("", 0, true), None);
    }
}
