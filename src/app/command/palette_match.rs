//! Which lines of the command palette a few typed letters mean, best first.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A line that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Its place among the lines given.
    pub(super) line: usize,
    /// Which characters of its title were typed, rising.
    pub(super) title_characters: Vec<usize>,
    score: u32,
}

/// Finds lines by letters that occur in them in the typed order.
pub(super) struct LineMatcher(Matcher);

impl Default for LineMatcher {
    fn default() -> Self {
        Self(Matcher::new(Config::DEFAULT))
    }
}

impl LineMatcher {
    /// The lines, given as (title, section), in which every typed word occurs, best first. All of them, in their
    /// order, if nothing is typed.
    pub(super) fn find<'a>(&mut self, typed: &str, lines: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Match> {
        // Case and accents never matter here, and no character has a special meaning.
        let pattern = Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
        let mut found: Vec<Match> = lines
            .enumerate()
            .filter_map(|(line, (title, section))| self.match_line(&pattern, line, title, section))
            .collect();
        // Stable: equals stay in the order of the menus.
        found.sort_by_key(|found| std::cmp::Reverse(found.score));
        found
    }

    fn match_line(&mut self, pattern: &Pattern, line: usize, title: &str, section: &str) -> Option<Match> {
        // The section behind the title, so that "view grid" finds the grids and a title counts as its beginning.
        let characters: Vec<char> = title.chars().chain([' ']).chain(section.chars()).collect();
        let title_length = title.chars().count();
        let mut places = Vec::new();
        let score = pattern.indices(Utf32Str::Unicode(&characters), &mut self.0, &mut places)?;
        let mut title_characters: Vec<usize> = places
            .into_iter()
            .filter_map(|place| usize::try_from(place).ok())
            .filter(|place| *place < title_length)
            .collect();
        title_characters.sort_unstable();
        title_characters.dedup();
        Some(Match {
            line,
            title_characters,
            score,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::LineMatcher;

    const LINES: [(&str, &str); 4] = [
        ("Zoom in", "View"),
        ("Export…", "File"),
        ("Solo road", "Classes"),
        ("Straße.jpg", "Pictures"),
    ];

    fn titles(typed: &str) -> Vec<&'static str> {
        let found = LineMatcher::default().find(typed, LINES.into_iter());
        found.into_iter().map(|found| LINES[found.line].0).collect()
    }

    #[test]
    fn letters_may_be_left_out_and_case_does_not_matter() {
        assert_eq!(titles("exprt"), ["Export…"]);
        assert_eq!(titles("SOLO"), ["Solo road"]);
        assert_eq!(titles("xx"), [""; 0]);
    }

    #[test]
    fn nothing_typed_finds_all_in_their_order() {
        assert_eq!(titles(" ").len(), LINES.len());
        assert_eq!(titles("")[1], "Export…");
    }

    #[test]
    fn sections_are_found_and_not_emphasised() {
        let found = LineMatcher::default().find("view", LINES.into_iter());
        assert_eq!((found.len(), found[0].line), (1, 0));
        assert!(found[0].title_characters.is_empty());
        let found = LineMatcher::default().find("stra jpg", LINES.into_iter());
        assert_eq!(found[0].title_characters, [0, 1, 2, 3, 7, 8, 9]);
    }
}
