//! List files that name images and their label maps.

use std::path::Path;

use super::pairs::{Pair, PairError};

/// Reads a list as [`super::pairs_of_list`] describes it.
pub(super) fn read(list: &Path) -> Result<Vec<Pair>, PairError> {
    let text = std::fs::read_to_string(list).map_err(|why| PairError::List(why, list.into()))?;
    // Spreadsheet programs write a byte order mark first.
    let text = text.trim_start_matches('\u{feff}');
    let folder = list.parent().unwrap_or(Path::new(""));
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let pair = |(i, line): (usize, &str)| {
        // A name may contain a comma, but rarely a tab.
        let halves = line.split_once('\t').or_else(|| line.split_once(','));
        let halves = halves.map(|(file, truth)| (file.trim(), truth.trim()));
        let halves = halves.filter(|(file, truth)| !file.is_empty() && !truth.is_empty());
        let (file, truth) = halves.ok_or(PairError::Line(i + 1, list.into()))?;
        Ok(Pair {
            name: Path::new(file).with_extension("").to_string_lossy().replace('\\', "/"),
            file: folder.join(file),
            truth: folder.join(truth),
        })
    };
    lines.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use crate::datasets::testing::folder_with;
    use crate::datasets::{PairError, pairs_of_list};

    #[test]
    fn paths_in_a_list_are_relative_to_its_folder() {
        let folder = folder_with(&["x/a.jpg"]);
        let list = folder.path().join("train.csv");
        std::fs::write(&list, "# images\n\nx/a.jpg, y/a_labels.png\n").expect("a list");
        let found = pairs_of_list(&list).expect("pairs").pairs;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "x/a");
        assert_eq!(found[0].truth, folder.path().join("y/a_labels.png"));
        std::fs::write(&list, "x/a.jpg,y/a.png\nx/b.jpg\n").expect("a list");
        assert!(matches!(pairs_of_list(&list), Err(PairError::Line(2, _))));
        for half in ["x/a.jpg,\n", ",y/a.png\n"] {
            std::fs::write(&list, half).expect("a list");
            assert!(matches!(pairs_of_list(&list), Err(PairError::Line(1, _))), "{half}");
        }
        std::fs::write(&list, "\u{feff}x/a.jpg,y/a.png\nx/a.jpg,y/b.png\n").expect("a list");
        assert!(matches!(pairs_of_list(&list), Err(PairError::Twice(name)) if name == "x/a"));
        std::fs::write(&list, "#\n").expect("a list");
        assert!(matches!(pairs_of_list(&list), Err(PairError::Empty(_))));
    }
}
