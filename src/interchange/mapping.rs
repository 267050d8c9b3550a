//! Which class becomes which when labels change their classes.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use super::{InterchangeError, LabelClass, LabelClasses, files};
use crate::annotate::UNLABELLED;
use crate::labels::LabelMap;

/// For each class what it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    from: LabelClasses,
    to: LabelClasses,
    /// The new id of each id; [`UNLABELLED`] for none.
    ids: HashMap<u16, u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    map: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    from: Named,
    to: Named,
}

/// A class by its name or id.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Id(u16),
    Name(String),
}

impl Named {
    fn find<'a>(&self, classes: &'a LabelClasses) -> Option<&'a LabelClass> {
        match self {
            Self::Id(id) => classes.get(*id),
            Self::Name(name) => classes.named(name),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Name(name) => name.clone(),
        }
    }
}

impl Mapping {
    /// Every class stays what it is.
    pub fn identity(classes: &LabelClasses) -> Self {
        Self {
            ids: classes.iter().map(|class| (class.id, class.id)).collect(),
            from: classes.clone(),
            to: classes.clone(),
        }
    }

    /// Each class becomes the one with its name.
    ///
    /// # Errors
    /// The names that `to` lacks. A class is never guessed.
    pub fn by_name(from: &LabelClasses, to: &LabelClasses) -> Result<Self, Vec<String>> {
        Self::chosen(from, to, &BTreeMap::new())
    }

    /// Each class becomes what was chosen for it, by id ([`UNLABELLED`] for no class), else the one with its name.
    ///
    /// # Errors
    /// The names of classes for which nothing was chosen and that `to` lacks.
    pub fn chosen(from: &LabelClasses, to: &LabelClasses, choices: &BTreeMap<u16, u16>) -> Result<Self, Vec<String>> {
        let mut ids = HashMap::new();
        let mut missing = Vec::new();
        for class in from.iter() {
            let chosen = choices.get(&class.id).copied();
            match chosen.or_else(|| to.named(&class.name).map(|target| target.id)) {
                Some(id) => drop(ids.insert(class.id, id)),
                None => missing.push(class.name.clone()),
            }
        }
        match missing.is_empty() {
            true => Ok(Self {
                from: from.clone(),
                to: to.clone(),
                ids,
            }),
            false => Err(missing),
        }
    }

    /// Reads a mapping file:
    ///
    /// ```toml
    /// [[map]]
    /// from = "pavement"   # name or id of a class
    /// to = "sidewalk"     # name or id of what it becomes; "" leaves its pixels unlabelled
    /// ```
    ///
    /// Classes that the file does not name become the class with their name. Without `to`, a class keeps its id and colour
    /// under its new name, and classes with one new name are merged.
    ///
    /// # Errors
    /// When the file is damaged, names a class that is not there, or leaves one without a target.
    pub fn open(path: &Path, from: &LabelClasses, to: Option<&LabelClasses>) -> Result<Self, InterchangeError> {
        let content = |why: String| InterchangeError::content(why, path);
        let written: Written = toml::from_str(&files::read_text(path)?)
            .map_err(|why| content(format!("expected [[map]] with from and to, found: {}", why.message())))?;
        let mut lines: HashMap<u16, &Named> = HashMap::new();
        for line in &written.map {
            let found = line.from.find(from);
            let class =
                found.ok_or_else(|| content(format!("expected a class of the labels, found {}", line.from.text())))?;
            if lines.insert(class.id, &line.to).is_some() {
                return Err(content(format!(
                    "expected one line for each class, found two for {}",
                    class.name
                )));
            }
        }
        let mut target = to.cloned().unwrap_or_default();
        let mut ids = HashMap::new();
        let mut missing = Vec::new();
        for class in from.iter() {
            let same = Named::Name(class.name.clone());
            let wanted = *lines.get(&class.id).unwrap_or(&&same);
            let id = match wanted {
                Named::Name(name) if name.is_empty() => UNLABELLED,
                wanted => match (wanted.find(&target), to, wanted) {
                    (Some(found), ..) => found.id,
                    (None, None, Named::Name(name)) => {
                        let name = name.clone();
                        target.add(LabelClass { name, ..class.clone() });
                        class.id
                    }
                    (None, ..) => {
                        missing.push(wanted.text());
                        continue;
                    }
                },
            };
            ids.insert(class.id, id);
        }
        if !missing.is_empty() {
            let text = format!(
                "expected classes of the target, found {}; give them a line each",
                missing.join(", ")
            );
            return Err(content(text));
        }
        Ok(Self {
            from: from.clone(),
            to: target,
            ids,
        })
    }

    /// The classes that come out.
    pub fn classes(&self) -> &LabelClasses {
        &self.to
    }

    /// Whether ids and names stay as they are.
    pub fn is_identity(&self) -> bool {
        self.from.iter().all(|class| {
            self.ids.get(&class.id) == Some(&class.id) && self.to.get(class.id).is_some_and(|to| to.name == class.name)
        })
    }

    /// What each class becomes; `None` for no class.
    pub fn pairs(&self) -> impl Iterator<Item = (&LabelClass, Option<&LabelClass>)> {
        self.from
            .iter()
            .map(|class| (class, self.ids.get(&class.id).and_then(|id| self.to.get(*id))))
    }

    /// The mapping as a file that [`Mapping::open`] reads.
    pub fn text(&self) -> String {
        let mut text = String::from("# What each class becomes. An empty name leaves its pixels unlabelled.\n");
        for (from, to) in self.pairs() {
            let [from, to] =
                [&*from.name, to.map_or("", |to| &to.name)].map(|name| toml::Value::from(name).to_string());
            let _ = write!(text, "\n[[map]]\nfrom = {from}\nto = {to}\n");
        }
        text
    }

    /// Changes a map. Ids without a class become unlabelled.
    pub fn apply(&self, labels: &mut LabelMap) {
        let mut last = (UNLABELLED, UNLABELLED);
        for id in &mut labels.ids {
            if *id != last.0 {
                last = (*id, self.ids.get(id).copied().unwrap_or(UNLABELLED));
            }
            *id = last.1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(list: &[(u16, &str)]) -> LabelClasses {
        let class = |(id, name): &(u16, &str)| LabelClass {
            id: *id,
            name: (*name).into(),
            color: [0; 3],
        };
        list.iter().map(class).collect()
    }

    fn opened(text: &str, to: Option<&LabelClasses>) -> Result<Mapping, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("map.toml");
        std::fs::write(&path, text).expect("written");
        let from = classes(&[(1, "road"), (2, "pavement"), (7, "car")]);
        Mapping::open(&path, &from, to).map_err(|why| why.to_string())
    }

    #[test]
    fn classes_become_what_the_file_says_and_nothing_is_guessed() {
        let to = classes(&[(0, "car"), (4, "street"), (5, "road")]);
        let text = "[[map]]\nfrom = 2\nto = \"street\"\n[[map]]\nfrom = \"road\"\nto = \"\"\n";
        let mapping = opened(text, Some(&to)).expect("a mapping");
        let mut labels = LabelMap {
            width: 4,
            height: 1,
            ids: vec![1, 2, 7, UNLABELLED],
        };
        mapping.apply(&mut labels);
        assert_eq!(labels.ids, [UNLABELLED, 4, 0, UNLABELLED]);
        assert_eq!(opened(&mapping.text(), Some(&to)).expect("the same"), mapping);
        let refused = opened("map = []", Some(&to)).expect_err("pavement has no target");
        assert!(refused.contains("pavement"), "{refused}");
        opened("[[map]]\nfrom = \"sky\"\nto = \"\"\n", Some(&to)).expect_err("no such class");
    }

    #[test]
    fn classes_with_one_new_name_are_merged() {
        let text = "[[map]]\nfrom = \"pavement\"\nto = \"road\"\n";
        let mapping = opened(text, None).expect("a mapping");
        let names: Vec<_> = mapping.classes().iter().map(|class| (class.id, &*class.name)).collect();
        assert_eq!(names, [(1, "road"), (7, "car")]);
        assert!(!mapping.is_identity());
    }
}
