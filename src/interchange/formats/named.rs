//! Formats that know classes by their names only.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::{InterchangeError, LabelClasses};

/// Checks that no two classes share a name, and that none has one of the names that mean "no class".
///
/// # Errors
/// When one does.
pub(super) fn check(classes: &LabelClasses, reserved: &[&str], out: &Path) -> Result<(), InterchangeError> {
    let mut names = BTreeSet::new();
    for class in classes.iter() {
        let name = class.name.as_str();
        if reserved.contains(&name) {
            let text = format!("{name:?} means pixels without a class in this format; choose a mapping (--map)");
            return Err(InterchangeError::content(text, out));
        }
        if name.is_empty() || !names.insert(name) {
            let text = format!("expected a different name for each class, found {name:?} again; rename a class");
            return Err(InterchangeError::content(text, out));
        }
    }
    Ok(())
}

/// Classes with these names in natural order, numbered from 0.
///
/// # Errors
/// When there are more names than ids.
pub(super) fn numbered(names: BTreeSet<String>, path: &Path) -> Result<LabelClasses, InterchangeError> {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_by(|a, b| natord::compare(a, b));
    listed(names, path)
}

/// Classes with these names in this order, numbered from 0.
///
/// # Errors
/// When there are more names than ids.
pub(super) fn listed(names: Vec<String>, path: &Path) -> Result<LabelClasses, InterchangeError> {
    let most = 1 << 12;
    if names.len() > most {
        let text = format!("expected at most {most} classes, found {}; merge some", names.len());
        return Err(InterchangeError::content(text, path));
    }
    let mut classes = LabelClasses::default();
    names.iter().for_each(|name| {
        classes.add_named(name);
    });
    Ok(classes)
}

/// The sentence for a name without a class.
pub(super) fn unknown(name: &str) -> String {
    format!("expected the name of a class of the list, found {name:?}; add the class or map the name (--map)")
}
