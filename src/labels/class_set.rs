//! Names and colours of the classes of a data set.

use serde::{Deserialize, Serialize};

/// One class, whose id is its index in a [`ClassSet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Name as the data set publishes it.
    pub name: String,
    /// sRGB colour.
    pub color: [u8; 3],
}

/// All classes of a model or a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassSet {
    /// Key of the data set, such as `camvid`; `unnamed` where only the number of classes is known.
    pub name: String,
    /// Classes by id.
    pub classes: Vec<Class>,
    /// Whether the data set was guessed from the number of classes. Then the names are a guess too, and imply no rules
    /// of the data set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guessed: bool,
}

impl ClassSet {
    /// Key of a set of which only the number of classes is known.
    pub const NUMBERED: &str = "unnamed";

    /// Whether both sets have the same class names in the same order; colours may differ.
    pub fn has_names_of(&self, other: &Self) -> bool {
        self.classes.len() == other.classes.len()
            && self.classes.iter().zip(&other.classes).all(|(a, b)| a.name == b.name)
    }

    /// Classes named `class 0`, `class 1`, … with colours of distant hues.
    pub fn numbered(count: usize) -> Self {
        let classes = (0..count)
            .map(|id| Class {
                name: format!("class {id}"),
                color: spread_color(id),
            })
            .collect();
        Self {
            name: Self::NUMBERED.into(),
            classes,
            guessed: false,
        }
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there are no classes.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Name of a class; `unknown 7` for an id such as 7 that is not in this set.
    pub fn label(&self, id: u16) -> String {
        match self.classes.get(usize::from(id)) {
            Some(class) => class.name.clone(),
            None => format!("unknown {id}"),
        }
    }

    /// Colour of a class; black for an id that is not in this set.
    pub fn color(&self, id: u16) -> [u8; 3] {
        self.classes.get(usize::from(id)).map_or([0; 3], |class| class.color)
    }

    /// The same classes with these colours, by id; classes beyond the end of `colors` keep their own.
    pub fn recolored(&self, colors: &[[u8; 3]]) -> Self {
        let mut set = self.clone();
        for (class, color) in set.classes.iter_mut().zip(colors) {
            class.color = *color;
        }
        set
    }
}

/// A colour with a hue by the golden ratio and alternating lightness.
fn spread_color(id: usize) -> [u8; 3] {
    let hue = (id as f32 * 0.618_034).fract() * 6.0;
    let value = [0.95, 0.7, 0.82][id % 3];
    let channel = |shift: f32| {
        let k = (shift + hue) % 6.0;
        let saturation = 0.75 * k.min(4.0 - k).clamp(0.0, 1.0);
        (value * (1.0 - saturation) * 255.0).round() as u8
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

#[cfg(test)]
mod tests {
    use super::ClassSet;

    #[test]
    fn recolouring_replaces_colours_by_id() {
        let set = ClassSet::numbered(3);
        let other = set.recolored(&[[1, 2, 3], [4, 5, 6]]);
        assert_eq!([other.color(0), other.color(1)], [[1, 2, 3], [4, 5, 6]]);
        assert_eq!(other.color(2), set.color(2));
        assert_eq!((&other.name, other.label(1)), (&set.name, set.label(1)));
        assert_eq!(set.recolored(&[[0; 3]; 9]).len(), 3);
        assert_eq!(set.recolored(&[]), set);
    }

    #[test]
    fn numbered_colours_differ() {
        let set = ClassSet::numbered(40);
        for i in 0..40 {
            assert!((0..i).all(|j| set.color(i) != set.color(j)), "{i}");
        }
    }
}
