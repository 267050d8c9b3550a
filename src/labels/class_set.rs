//! Names and colours of the classes of a data set.

use serde::{Deserialize, Serialize};

/// One class: its id is its place in a [`ClassSet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Name as the data set publishes it.
    pub name: String,
    /// sRGB colour.
    pub color: [u8; 3],
}

/// The classes that a model tells apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassSet {
    /// Key of the data set, such as `camvid`; `unnamed` where nothing is known but the count.
    pub name: String,
    /// Classes by id.
    pub classes: Vec<Class>,
}

/// Data sets whose names and colours are built in: key, table.
const KNOWN: [(&str, &str); 5] = [
    ("ade20k", include_str!("../../assets/classes/ade20k.csv")),
    ("camvid", include_str!("../../assets/classes/camvid.csv")),
    ("cityscapes", include_str!("../../assets/classes/cityscapes.csv")),
    (
        "pascal_context",
        include_str!("../../assets/classes/pascal-context.csv"),
    ),
    ("pascal_voc", include_str!("../../assets/classes/pascal-voc.csv")),
];

impl ClassSet {
    /// The built-in set of a data set, by the key that Segmenter's `variant.yml` uses.
    pub fn known(name: &str) -> Option<Self> {
        let (key, table) = KNOWN.iter().find(|(key, _)| *key == name)?;
        Some(Self {
            name: (*key).into(),
            classes: table.lines().skip(1).filter_map(parse_row).collect(),
        })
    }

    /// The named set if it has `count` classes, else a numbered one of that size.
    pub fn for_model(name: &str, count: usize) -> Self {
        Self::known(name)
            .filter(|set| set.classes.len() == count)
            .unwrap_or_else(|| Self::numbered(count))
    }

    /// The one built-in set with exactly `count` classes, else a numbered one.
    pub fn by_count(count: usize) -> Self {
        let mut fitting = KNOWN
            .iter()
            .filter_map(|(key, _)| Self::known(key))
            .filter(|set| set.classes.len() == count);
        match (fitting.next(), fitting.next()) {
            (Some(set), None) => set,
            _ => Self::numbered(count),
        }
    }

    /// `class 0`, `class 1`, … with colours that are far apart in hue.
    pub fn numbered(count: usize) -> Self {
        let classes = (0..count)
            .map(|id| Class {
                name: format!("class {id}"),
                color: spread_color(id),
            })
            .collect();
        Self {
            name: "unnamed".into(),
            classes,
        }
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is no class at all.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Name of a class, or its number where the id is none of this set.
    pub fn label(&self, id: u16) -> String {
        match self.classes.get(usize::from(id)) {
            Some(class) => class.name.clone(),
            None => format!("unknown {id}"),
        }
    }

    /// Colour of a class; black for an id that is none of this set.
    pub fn color(&self, id: u16) -> [u8; 3] {
        self.classes.get(usize::from(id)).map_or([0; 3], |class| class.color)
    }

    /// The same classes with these colours, by id; classes beyond the end keep theirs.
    pub fn recolored(&self, colors: &[[u8; 3]]) -> Self {
        let mut set = self.clone();
        for (class, color) in set.classes.iter_mut().zip(colors) {
            class.color = *color;
        }
        set
    }
}

/// `id,name,red,green,blue`; none of the names holds a comma.
fn parse_row(row: &str) -> Option<Class> {
    let mut fields = row.split(',').skip(1);
    let name = fields.next()?.to_owned();
    let mut channel = || fields.next()?.trim().parse().ok();
    Some(Class {
        name,
        color: [channel()?, channel()?, channel()?],
    })
}

/// Hues by the golden ratio, at alternating lightness.
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
    fn built_in_sets_are_complete() {
        for (name, count) in [
            ("ade20k", 150),
            ("camvid", 11),
            ("cityscapes", 19),
            ("pascal_context", 60),
            ("pascal_voc", 21),
        ] {
            assert_eq!(ClassSet::known(name).map(|set| set.len()), Some(count), "{name}");
        }
        assert_eq!(ClassSet::by_count(11).color(8), [64, 0, 128]);
        assert_eq!(ClassSet::by_count(7).label(6), "class 6");
        assert_eq!(ClassSet::for_model("ade20k", 4).name, "unnamed");
    }

    #[test]
    fn colours_are_replaced_from_the_first_class_on() {
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
