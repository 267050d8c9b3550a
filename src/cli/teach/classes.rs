//! The classes of a lesson: those of its stroke files, or those of the model that is corrected.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};

use super::pages::Page;
use crate::labels::{Class, ClassSet};
use crate::teach::StrokeClass;

/// Name of the class set of a taught decoder.
const NAME: &str = "taught";

/// Classes with ids that need not be contiguous.
#[derive(Debug)]
pub(super) struct TaughtClasses {
    /// Ids in strokes and label maps, ascending: those of the decoder's rows.
    pub(super) ids: Vec<u16>,
    /// The classes of these ids, in the same order.
    pub(super) set: ClassSet,
}

impl TaughtClasses {
    /// The classes of all stroke files, by id.
    ///
    /// # Errors
    /// When two files give an id different names.
    pub(super) fn of_strokes(pages: &[Page]) -> Result<Self> {
        let mut all: BTreeMap<u16, StrokeClass> = BTreeMap::new();
        for page in pages {
            for class in &page.file.classes {
                let known = all.entry(class.id).or_insert_with(|| class.clone());
                ensure!(
                    known.name.is_empty() || class.name.is_empty() || known.name == class.name,
                    "expected the same name for class {} in all stroke files, found {} and {}; correct one of them: {}",
                    class.id,
                    known.name,
                    class.name,
                    page.path.display()
                );
                if known.name.is_empty() {
                    known.name.clone_from(&class.name);
                }
                known.color = known.color.or(class.color);
            }
        }
        let colors = ClassSet::numbered(all.len());
        let classes = all.values().enumerate().map(|(row, class)| Class {
            name: match class.name.is_empty() {
                true => format!("class {}", class.id),
                false => class.name.clone(),
            },
            color: class.color.unwrap_or_else(|| colors.color(row as u16)),
        });
        Ok(Self {
            set: ClassSet {
                name: NAME.into(),
                classes: classes.collect(),
                guessed: false,
            },
            ids: all.into_keys().collect(),
        })
    }

    /// The classes of a model that is corrected, whose ids the stroke files must have.
    ///
    /// # Errors
    /// When a stroke file has an id that the model does not have, or another name for one.
    pub(super) fn of_model(own: &ClassSet, pages: &[Page]) -> Result<Self> {
        for page in pages {
            for StrokeClass { id, name, .. } in &page.file.classes {
                let path = page.path.display();
                let Some(class) = own.classes.get(usize::from(*id)) else {
                    bail!(
                        "correct: expected class ids of the model, 0 to {}, found {id}; correct the id, or leave out \
                         --correct: {path}",
                        own.len().saturating_sub(1)
                    );
                };
                ensure!(
                    name.is_empty() || name.eq_ignore_ascii_case(&class.name),
                    "correct: expected the name {} for class {id}, as in the model, found {name}; correct the id, or \
                     leave out --correct: {path}",
                    class.name
                );
            }
        }
        Ok(Self {
            ids: (0..own.len()).map(|id| id as u16).collect(),
            set: own.clone(),
        })
    }

    /// Whether each id is the place of its class.
    pub(super) fn are_contiguous(&self) -> bool {
        self.ids.iter().enumerate().all(|(row, id)| row == usize::from(*id))
    }

    /// The classes with each at the place of its id; ids without a class stand for nothing.
    pub(super) fn by_id(&self) -> ClassSet {
        let count = self.ids.iter().max().map_or(0, |most| usize::from(*most) + 1);
        let unused = |id: usize| Class {
            name: format!("unused {id}"),
            color: [0; 3],
        };
        let mut classes: Vec<Class> = (0..count).map(unused).collect();
        for (id, class) in self.ids.iter().zip(&self.set.classes) {
            classes[usize::from(*id)] = class.clone();
        }
        ClassSet {
            classes,
            ..self.set.clone()
        }
    }
}
