//! Export options: formats, appearance and file names.

use serde::{Deserialize, Serialize};

use super::{FigureFormat, Format};

/// What to export, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Formats to write; order and repetition do not matter.
    pub formats: Vec<Format>,
    /// Opacity of the class colours in the overlay, 0 to 1; values beyond are clamped.
    pub opacity: f32,
    /// Whether the overlay has a legend at its right.
    pub legend: bool,
    /// The kind of file of an overlay with a legend.
    pub figures: FigureFormat,
    /// Whether existing files may be replaced.
    pub overwrite: bool,
    /// Whether existing files are kept and only the others are written, as when a batch resumes; `overwrite` takes
    /// precedence.
    pub keep_existing: bool,
    /// By class id, whether the overlay hides the class; classes beyond the end are visible.
    pub hidden: Vec<bool>,
    /// By class id, the factor of the opacity, 0..=255 for 0..=1; classes beyond the end have 255.
    pub class_opacities: Vec<u8>,
    /// The overlay leaves out pixels whose class has a smaller probability, 0..=1.
    pub threshold: f32,
    /// Whether the overlay fades with falling confidence, down to nothing at the threshold.
    pub fade: bool,
    /// By class id, sRGB colours in place of the class set's, in every file; classes beyond the end keep theirs.
    pub colors: Vec<[u8; 3]>,
    /// Template of the file names without extension, see [`Options::file_stem`].
    pub naming: String,
}

/// Placeholder for the image's name in a template.
const NAME: &str = "{name}";

/// Placeholder for the model's title in a template.
const MODEL: &str = "{model}";

/// Placeholder for the name of the image's folder in a template.
const FOLDER: &str = "{folder}";

impl Default for Options {
    fn default() -> Self {
        Self {
            formats: vec![Format::Labels, Format::Color, Format::Overlay],
            opacity: 0.5,
            legend: false,
            figures: FigureFormat::Png,
            overwrite: false,
            keep_existing: false,
            hidden: Vec::new(),
            class_opacities: Vec::new(),
            threshold: 0.0,
            fade: false,
            colors: Vec::new(),
            naming: NAME.into(),
        }
    }
}

impl Options {
    /// Whether the overlay hides this class.
    pub fn hides(&self, class: u16) -> bool {
        self.hidden.get(usize::from(class)).copied().unwrap_or(false)
    }

    /// Opacity of a class's colour in the overlay where the class has this confidence, 0..=65535 for 0..=1.
    pub(super) fn opacity_of(&self, class: u16, confidence: u16) -> f32 {
        if self.hides(class) {
            return 0.0;
        }
        let own = self.class_opacities.get(usize::from(class)).copied().unwrap_or(255);
        let probability = f32::from(confidence) / 65535.0;
        let sure = match self.fade {
            _ if probability < self.threshold => 0.0,
            true if self.threshold < 1.0 => (probability - self.threshold) / (1.0 - self.threshold),
            _ => 1.0,
        };
        self.opacity.clamp(0.0, 1.0) * f32::from(own) / 255.0 * sure
    }

    /// The file name without extension for an image called `name` (without extension) and a model's title.
    ///
    /// `{name}` and `{model}` in `naming` are replaced; all other text stays. Characters that some system refuses in
    /// file names become `-`, and spaces and dots at the end are removed, so that the result is always the name of one
    /// file in one folder. A template without `{name}` gets `-` and the name at its end; otherwise the images of a
    /// folder would overwrite one another. An empty template, or one with an empty result, gives the image's name.
    pub fn file_stem(&self, name: &str, model: &str) -> String {
        self.stem_of(&[(NAME, name), (MODEL, model)])
    }

    /// As [`Options::file_stem`], with `{folder}` also replaced by the name of the image's folder.
    pub fn file_stem_in(&self, folder: &str, name: &str, model: &str) -> String {
        self.stem_of(&[(NAME, name), (MODEL, model), (FOLDER, folder)])
    }

    /// The template with each of these words replaced; the first of them is the image's name.
    fn stem_of(&self, words: &[(&str, &str)]) -> String {
        let name = words.first().map_or("", |(_, name)| *name);
        let template = if self.drops_name() {
            format!("{}-{NAME}", self.naming.trim())
        } else {
            self.naming.clone()
        };
        [filled(&template, words).as_str(), name, "picture"]
            .into_iter()
            .map(safe)
            .find(|stem| !stem.is_empty())
            .unwrap_or_default()
    }

    /// Whether the template is not empty but lacks `{name}`, which [`Options::file_stem`] then adds.
    pub fn drops_name(&self) -> bool {
        !self.naming.trim().is_empty() && !self.naming.contains(NAME)
    }
}

/// A template with words replaced from left to right; braces in the replacements are not replaced again.
fn filled(template: &str, words: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(brace) = rest.find('{') {
        let (before, from_brace) = rest.split_at(brace);
        text += before;
        let found = words.iter().find(|(word, _)| from_brace.starts_with(word));
        let (known, length) = found.map_or(("{", 1), |(word, value)| (*value, word.len()));
        text += known;
        rest = &from_brace[length..];
    }
    text + rest
}

/// Text without characters that some system refuses in a file name or reads as another folder.
fn safe(text: &str) -> String {
    let safe = |c: char| {
        if c.is_control() || r#"/\:*?"<>|"#.contains(c) {
            '-'
        } else {
            c
        }
    };
    let replaced: String = text.trim().chars().map(safe).collect();
    // Windows drops dots and spaces at the end, and `..` is the parent folder.
    replaced.trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::Options;

    const MODEL: &str = "Seg-T-Mask/16";

    fn stem(naming: &str, name: &str) -> String {
        let options = Options {
            naming: naming.into(),
            ..Options::default()
        };
        options.file_stem(name, MODEL)
    }

    #[test]
    fn templates_are_filled_in() {
        assert_eq!(Options::default().file_stem("a b.c", MODEL), "a b.c");
        assert_eq!(stem("{name}", "straße"), "straße");
        assert_eq!(stem("{model} of {name}, {name}", "a"), "Seg-T-Mask-16 of a, a");
        assert_eq!(stem("{name} {nam} {", "a"), "a {nam} {");
    }

    #[test]
    fn a_template_without_a_name_gets_it() {
        assert_eq!(stem("{model}", "a"), "Seg-T-Mask-16-a");
        assert_eq!(stem(" result ", "a"), "result-a");
        assert_ne!(stem("result", "a"), stem("result", "b"));
    }

    #[test]
    fn braces_in_a_name_are_not_replaced() {
        assert_eq!(stem("{name}", "{model}"), "{model}");
        assert_eq!(stem("{model}-{name}", "{name}"), "Seg-T-Mask-16-{name}");
    }

    #[test]
    fn the_folder_is_replaced_only_where_it_is_known() {
        let options = Options {
            naming: "{folder}_{name}".into(),
            ..Options::default()
        };
        assert_eq!(options.file_stem_in("{name}", "a", MODEL), "{name}_a");
        assert_eq!(options.file_stem_in("b/c", "a", MODEL), "b-c_a");
        assert_eq!(options.file_stem("a", MODEL), "{folder}_a");
    }

    #[test]
    fn an_empty_result_becomes_the_name() {
        for naming in ["", "  ", "\t"] {
            assert_eq!(stem(naming, "a"), "a", "{naming:?}");
        }
        assert_eq!(stem("{name}", ".."), "picture");
        assert_eq!(stem("", ""), "picture");
    }

    #[test]
    fn a_result_stays_in_its_folder() {
        for (naming, expected) in [
            ("../{name}", "..-a"),
            (r"C:\{name}", "C--a"),
            ("{name}\n*?\"<>|", "a-------"),
            ("{name} . .", "a"),
            ("{name}/..", "a-"),
        ] {
            assert_eq!(stem(naming, "a"), expected, "{naming:?}");
        }
        assert_eq!(stem("{name}", "x/../y"), "x-..-y");
    }
}
