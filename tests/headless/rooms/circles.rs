//! Finds files of one room that use each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::Source;
use super::paths::Use;

/// The path of a module from the crate root.
pub type Module = Vec<String>;

/// The modules that each module uses.
pub type Uses = BTreeMap<Module, BTreeSet<Module>>;

/// The uses between the files of one room.
///
/// A use of a re-export (`pub use` in a `mod.rs`) counts as a use of the file that defines the item:
/// `crate::engine::Engine` in a file of `engine` counts as a use of `handle.rs`, and the `pub use` itself does not
/// count. Re-exports by `*` are not followed. Tests do not count, because the program does not need them.
pub struct Files<'a> {
    uses: BTreeMap<Module, Vec<&'a Use>>,
    /// Names that a module re-exports, with the paths they come from.
    handed_on: BTreeMap<Module, BTreeMap<&'a str, &'a [String]>>,
}

impl<'a> Files<'a> {
    pub fn of(room: &str, sources: &'a [Source]) -> Self {
        let tests: BTreeSet<&Module> = sources.iter().flat_map(|source| &source.tests).collect();
        let is_a_test = |module: &[String]| (1..=module.len()).any(|length| tests.contains(&module[..length].to_vec()));
        let inside = sources
            .iter()
            .filter(|source| source.module[0] == room && !is_a_test(&source.module));
        let mut files = Self {
            uses: BTreeMap::new(),
            handed_on: BTreeMap::new(),
        };
        for source in inside {
            let (handed_on, used) = source.uses.iter().partition::<Vec<&Use>, _>(|used| used.is_handed_on);
            let names = handed_on
                .into_iter()
                .filter_map(|used| Some((used.path.last()?.as_str(), used.path.as_slice())));
            files.handed_on.insert(source.module.clone(), names.collect());
            files.uses.insert(source.module.clone(), used);
        }
        files
    }

    /// The file that defines the item at a path, if it is one of these files.
    fn definition(&self, path: &[String]) -> Option<Module> {
        let mut path = path.to_vec();
        // More steps than modules would form a circle.
        for _ in 0..=self.uses.len() {
            let length = (1..=path.len())
                .rev()
                .find(|length| self.uses.contains_key(&path[..*length]))?;
            let (module, rest) = path.split_at(length);
            let names = self.handed_on.get(module);
            let Some(from) = rest.first().and_then(|name| names?.get(name.as_str())) else {
                return Some(module.to_vec());
            };
            path = [*from, &rest[1..]].concat();
        }
        None
    }

    /// The other files that a file uses.
    fn used_by(&self, module: &Module) -> BTreeSet<Module> {
        let is_inside = |used: &&&Use| {
            let child = used.path.get(..=module.len());
            used.is_anchored || child.is_some_and(|child| self.uses.contains_key(child))
        };
        let used = self.uses[module].iter().filter(is_inside);
        let definitions = used.filter_map(|used| self.definition(&used.path));
        definitions.filter(|other| other != module).collect()
    }

    /// Number of files.
    pub fn count(&self) -> usize {
        self.uses.len()
    }

    /// The sets of more than two files that all use each other, directly or indirectly. For each file of a set, lists
    /// the files of the set that it uses directly.
    pub fn circles(&self) -> Vec<Uses> {
        let direct: Uses = self
            .uses
            .keys()
            .map(|module| (module.clone(), self.used_by(module)))
            .collect();
        let mut circles = BTreeSet::new();
        for module in direct.keys() {
            let is_mutual = |other: &&Module| reached(&direct, other).contains(module);
            let circle: BTreeSet<&Module> = reached(&direct, module).into_iter().filter(is_mutual).collect();
            if circle.len() > 2 {
                circles.insert(circle);
            }
        }
        circles.into_iter().map(|circle| within(&direct, &circle)).collect()
    }
}

/// All files that a file uses, directly or indirectly.
fn reached<'a>(direct: &'a Uses, from: &Module) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&'a Module> = direct[from].iter().collect();
    while let Some(module) = open.pop() {
        if reached.insert(module) {
            open.extend(direct[module].iter());
        }
    }
    reached
}

/// The uses between the files of a set.
fn within(direct: &Uses, circle: &BTreeSet<&Module>) -> Uses {
    let mut found = Uses::new();
    for module in circle {
        let used = direct[*module].iter().filter(|used| circle.contains(used));
        found.insert((*module).clone(), used.cloned().collect());
    }
    found
}
