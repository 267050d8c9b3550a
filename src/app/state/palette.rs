//! Palettes: where the colours of classes come from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::labels::{ClassSet, color_blind_safe, photo_palette, photo_palette_repeats};

/// The source of class colours, unless the user has chosen one for a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::app) enum Palette {
    /// Colours made for photos, by the meaning of a class where it is known.
    #[default]
    Photo,
    /// The data set's published colours.
    DataSet,
    /// Colours that remain distinct for colour-blind users.
    ColorBlindSafe,
    /// Colours from a file: [`OwnPalette`].
    File,
}

impl Palette {
    /// Those that need no file, in the order of the list of palettes.
    pub(in crate::app) const BUILT_IN: [Self; 3] = [Self::Photo, Self::DataSet, Self::ColorBlindSafe];

    /// Name in the list.
    pub(in crate::app) fn title(self) -> &'static str {
        match self {
            Self::Photo => "Segscope",
            Self::DataSet => "Data set",
            Self::ColorBlindSafe => "Okabe-Ito",
            Self::File => "From a file",
        }
    }

    /// What it is for.
    pub(in crate::app) fn hint(self) -> &'static str {
        match self {
            Self::Photo => "Made for photos: distinct hues, also with colour blindness",
            Self::DataSet => "The data set's published colours",
            Self::ColorBlindSafe => {
                "The eight colours of Okabe and Ito, extended: the most distinct with colour blindness"
            }
            Self::File => "The colours of a file, by the names of the classes",
        }
    }

    /// sRGB colour of each class. Those of a file depend on the file; the ones here are for classes that it lacks.
    pub(super) fn colors(self, classes: &ClassSet) -> Vec<[u8; 3]> {
        match self {
            Self::Photo | Self::File => photo_palette(classes),
            Self::DataSet => classes.classes.iter().map(|class| class.color).collect(),
            Self::ColorBlindSafe => color_blind_safe(classes.len()),
        }
    }

    /// The number of colours after which they repeat, so that the classes must differ in another way, too.
    pub(in crate::app) fn repeats_after(self, classes: &ClassSet) -> Option<usize> {
        match self {
            Self::Photo => photo_palette_repeats(classes),
            Self::DataSet | Self::ColorBlindSafe | Self::File => None,
        }
    }
}

/// Colours from a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct OwnPalette {
    /// Name of the file.
    pub(in crate::app) title: String,
    /// sRGB colours by the names of classes in small letters.
    colors: BTreeMap<String, [u8; 3]>,
}

impl OwnPalette {
    /// A palette of these names, whatever their case. The last of equal names counts.
    pub(in crate::app) fn new(title: String, colors: impl IntoIterator<Item = (String, [u8; 3])>) -> Self {
        let colors = colors.into_iter().map(|(name, color)| (plain(&name), color));
        Self {
            title,
            colors: colors.collect(),
        }
    }

    /// The colour of a class, if the file has one.
    pub(in crate::app) fn color_of(&self, class: &str) -> Option<[u8; 3]> {
        self.colors.get(&plain(class)).copied()
    }
}

/// A name as names are compared.
fn plain(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Keeps a shared value in a file as if it was not shared.
pub(super) mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::app::state) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Arc<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_deref().serialize(serializer)
    }

    pub(in crate::app::state) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<T>>, D::Error> {
        Option::<T>::deserialize(deserializer).map(|value| value.map(Arc::new))
    }
}
