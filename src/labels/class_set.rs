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
    /// Whether nothing but the number of classes speaks for this data set. The names are a guess then, and no rule of
    /// the data set follows from them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guessed: bool,
}

/// A data set whose names and colours are built in.
struct Known {
    /// As Segmenter's `variant.yml` has it, where Segmenter was trained on it.
    key: &'static str,
    /// For people, with the number of classes.
    title: &'static str,
    table: &'static str,
    /// Classes at the start of the table that the set leaves out; the ids of the others move up.
    left_out: usize,
}

impl Known {
    const fn new(key: &'static str, title: &'static str, table: &'static str) -> Self {
        Self {
            key,
            title,
            table,
            left_out: 0,
        }
    }

    fn rows(&self) -> impl Iterator<Item = &'static str> {
        // The first line is the heading.
        self.table.lines().skip(1 + self.left_out)
    }

    fn set(&self) -> ClassSet {
        ClassSet {
            name: self.key.into(),
            classes: self.rows().filter_map(parse_row).collect(),
            guessed: false,
        }
    }
}

const PASCAL_CONTEXT: &str = include_str!("../../assets/classes/pascal-context.csv");

const KNOWN: [Known; 6] = [
    Known::new(
        "ade20k",
        "ADE20K (150)",
        include_str!("../../assets/classes/ade20k.csv"),
    ),
    Known::new("camvid", "CamVid (11)", include_str!("../../assets/classes/camvid.csv")),
    Known::new(
        "cityscapes",
        "Cityscapes (19)",
        include_str!("../../assets/classes/cityscapes.csv"),
    ),
    Known::new("pascal_context", "Pascal Context (60)", PASCAL_CONTEXT),
    // Without the background, which many evaluations leave out (mmseg datasets/pascal_context.py,
    // PascalContextDataset59).
    Known {
        left_out: 1,
        ..Known::new("pascal_context_59", "Pascal Context (59)", PASCAL_CONTEXT)
    },
    Known::new(
        "pascal_voc",
        "Pascal VOC (21)",
        include_str!("../../assets/classes/pascal-voc.csv"),
    ),
];

/// Key of a set of which nothing is known but the count.
const NUMBERED: &str = "unnamed";

impl ClassSet {
    /// Whether the ids of both mean the same: their names are equal, whatever their colours are.
    pub fn has_names_of(&self, other: &Self) -> bool {
        self.classes.len() == other.classes.len()
            && self.classes.iter().zip(&other.classes).all(|(a, b)| a.name == b.name)
    }

    /// The built-in set of a data set, by its key: that of Segmenter's `variant.yml`, or one of [`Self::known_names`].
    pub fn known(name: &str) -> Option<Self> {
        KNOWN.iter().find(|known| known.key == name).map(Known::set)
    }

    /// Keys of all built-in sets.
    pub fn known_names() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|known| known.key)
    }

    /// The sets that a model of `count` classes can have: the built-in ones of that size, then the numbered one.
    pub fn fitting(count: usize) -> Vec<Self> {
        let known = KNOWN.iter().filter(|known| known.rows().count() == count);
        known.map(Known::set).chain([Self::numbered(count)]).collect()
    }

    /// Whether [`Self::fitting`] has a set with this key.
    pub fn fits(name: &str, count: usize) -> bool {
        let known = KNOWN.iter().find(|known| known.key == name);
        name == NUMBERED || known.is_some_and(|known| known.rows().count() == count)
    }

    /// What people call the set: `ADE20K (150)`; the key of a set that is not built in.
    pub fn title(&self) -> &str {
        let known = KNOWN.iter().find(|known| known.key == self.name);
        match known {
            Some(known) => known.title,
            None if self.name == NUMBERED => "Numbered",
            None => &self.name,
        }
    }

    /// The named set if it has `count` classes, else a numbered one of that size.
    pub fn for_model(name: &str, count: usize) -> Self {
        Self::known(name)
            .filter(|set| set.classes.len() == count)
            .unwrap_or_else(|| Self::numbered(count))
    }

    /// The names of the one built-in set with exactly `count` classes, as a guess; else a numbered set.
    pub fn by_count(count: usize) -> Self {
        let mut fitting = Self::fitting(count);
        match fitting.len() {
            // The built-in one and the numbered one.
            2 => Self {
                guessed: true,
                ..fitting.swap_remove(0)
            },
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
            name: NUMBERED.into(),
            classes,
            guessed: false,
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
            ("pascal_context_59", 59),
            ("pascal_voc", 21),
        ] {
            let set = ClassSet::known(name).unwrap();
            assert_eq!(set.len(), count, "{name}");
            assert!(set.title().ends_with(&format!(" ({count})")), "{}", set.title());
            let guess = ClassSet::by_count(count);
            assert!(
                guess.guessed && guess.has_names_of(&set),
                "no other set has as many classes"
            );
            assert_eq!(ClassSet::fitting(count), [set, ClassSet::numbered(count)]);
            assert!(ClassSet::fits(name, count) && !ClassSet::fits(name, count + 1));
        }
        assert_eq!(ClassSet::known_names().count(), 6);
        assert_eq!(ClassSet::numbered(3).title(), "Numbered");
        assert!(ClassSet::fits("unnamed", 3) && !ClassSet::fits("streets of Ulm", 3));
        assert_eq!(ClassSet::by_count(11).color(8), [64, 0, 128]);
        assert_eq!(ClassSet::by_count(7).label(6), "class 6");
        assert_eq!(ClassSet::for_model("ade20k", 4).name, "unnamed");
    }

    #[test]
    fn without_the_background_every_class_of_pascal_context_moves_up() {
        let [all, without] = ["pascal_context", "pascal_context_59"].map(|name| ClassSet::known(name).unwrap());
        assert_eq!(all.label(0), "background");
        assert_eq!(
            (without.label(0), without.color(0)),
            ("aeroplane".into(), [180, 120, 120])
        );
        assert_eq!(without.classes, all.classes[1..]);
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
