//! Matching of typed letters against the lines of the command palette.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A line that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Index among the given lines.
    pub(super) line: usize,
    /// Indices of the characters of its title that were typed, ascending.
    pub(super) title_characters: Vec<usize>,
    score: u32,
}

/// Finds the lines that contain the typed letters in the typed order.
pub(super) struct LineMatcher(Matcher);

impl Default for LineMatcher {
    fn default() -> Self {
        Self(Matcher::new(Config::DEFAULT))
    }
}

impl LineMatcher {
    /// The lines, given as (title, section), that contain every typed word, best first.
    ///
    /// If nothing is typed, all lines in the given order.
    pub(super) fn find<'a>(&mut self, typed: &str, lines: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Match> {
        // Case and accents are ignored, and no character has a special meaning.
        let pattern = Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
        let mut found: Vec<Match> = lines
            .enumerate()
            .filter_map(|(line, (title, section))| self.match_line(&pattern, line, title, section))
            .collect();
        // The sort is stable: lines with equal scores stay in menu order.
        found.sort_by_key(|found| std::cmp::Reverse(found.score));
        found
    }

    fn match_line(&mut self, pattern: &Pattern, line: usize, title: &str, section: &str) -> Option<Match> {
        // The section follows the title, so that "view grid" finds the grids and the title counts as the beginning of
        // the text.
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
        ("Straße.jpg", "Photos"),
    ];

    fn titles(typed: &str) -> Vec<&'static str> {
        let found = LineMatcher::default().find(typed, LINES.into_iter());
        found.into_iter().map(|found| LINES[found.line].0).collect()
    }

    #[test]
    fn letters_may_be_omitted_and_case_is_ignored() {
        assert_eq!(titles("exprt"), ["Export…"]);
        assert_eq!(titles("SOLO"), ["Solo road"]);
        assert_eq!(titles("xx"), [""; 0]);
    }

    #[test]
    fn an_empty_query_finds_all_lines_in_order() {
        assert_eq!(titles(" ").len(), LINES.len());
        assert_eq!(titles("")[1], "Export…");
    }

    #[test]
    fn sections_match_but_are_not_emphasised() {
        let found = LineMatcher::default().find("view", LINES.into_iter());
        assert_eq!((found.len(), found[0].line), (1, 0));
        assert!(found[0].title_characters.is_empty());
        let found = LineMatcher::default().find("stra jpg", LINES.into_iter());
        assert_eq!(found[0].title_characters, [0, 1, 2, 3, 7, 8, 9]);
    }
}
