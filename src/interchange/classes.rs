//! The classes of a set of labels: ids, names and colours.

use crate::labels::{Class, ClassSet};

/// A class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelClass {
    /// Its id in label maps. Ids need not be contiguous.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// Its sRGB colour.
    pub color: [u8; 3],
}

/// Classes in the order of their list; no id occurs twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelClasses(Vec<LabelClass>);

impl LabelClasses {
    /// Adds a class at the end, unless its id is taken. Returns whether it was added.
    pub fn add(&mut self, class: LabelClass) -> bool {
        let free = self.get(class.id).is_none();
        if free {
            self.0.push(class);
        }
        free
    }

    /// Adds a class with the smallest free id, and a colour that differs from its neighbours'. Returns the id; `None`
    /// when none is free.
    pub fn add_named(&mut self, name: &str) -> Option<u16> {
        let id = (0..u16::MAX).find(|id| self.get(*id).is_none())?;
        let color = ClassSet::numbered(usize::from(id) + 1).color(id);
        let name = name.to_owned();
        self.add(LabelClass { id, name, color }).then_some(id)
    }

    /// The class with an id.
    pub fn get(&self, id: u16) -> Option<&LabelClass> {
        // Mostly the place is the id.
        let at_place = self.0.get(usize::from(id)).filter(|class| class.id == id);
        at_place.or_else(|| self.0.iter().find(|class| class.id == id))
    }

    /// The first class with a name.
    pub fn named(&self, name: &str) -> Option<&LabelClass> {
        self.0.iter().find(|class| class.name == name)
    }

    /// The first class with a colour.
    pub fn colored(&self, color: [u8; 3]) -> Option<&LabelClass> {
        self.0.iter().find(|class| class.color == color)
    }

    /// All classes, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &LabelClass> {
        self.0.iter()
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no class.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Largest id.
    pub fn largest(&self) -> Option<u16> {
        self.0.iter().map(|class| class.id).max()
    }
}

impl FromIterator<LabelClass> for LabelClasses {
    /// Of classes with the same id, the first is kept.
    fn from_iter<I: IntoIterator<Item = LabelClass>>(classes: I) -> Self {
        let mut list = Self::default();
        for class in classes {
            list.add(class);
        }
        list
    }
}

impl From<&ClassSet> for LabelClasses {
    fn from(set: &ClassSet) -> Self {
        let numbered = (0..).zip(&set.classes);
        let class = |(id, Class { name, color }): (u16, &Class)| LabelClass {
            id,
            name: name.clone(),
            color: *color,
        };
        numbered.map(class).collect()
    }
}
