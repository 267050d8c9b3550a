//! `variant.yml`, the file that lies beside a published Segmenter checkpoint (rstrudel segm/train.py).

use yaml_rust2::parser::{Event, EventReceiver, Parser};
use yaml_rust2::{Yaml, YamlLoader};

use crate::model::Normalisation;

/// Its name.
pub(super) const FILE: &str = "variant.yml";

/// What `variant.yml` says and a checkpoint's shapes do not.
#[derive(Debug, PartialEq)]
pub(super) struct Variant {
    pub(super) heads: usize,
    pub(super) normalisation: Normalisation,
    pub(super) window: usize,
    pub(super) stride: usize,
    /// Short side at which the authors evaluate.
    pub(super) image_size: usize,
    pub(super) data_set: String,
    pub(super) backbone: String,
}

/// Largest file that is read. The published ones have 950 bytes; a YAML parser's time and stack grow with nesting.
pub(super) const MOST_BYTES: usize = 8192;

impl Variant {
    /// Reads the fields that are needed; all others are of no interest.
    ///
    /// # Errors
    /// A clause that says what was expected and what was found.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MOST_BYTES {
            return Err(format!("expected at most {MOST_BYTES} bytes, found {}", text.len()));
        }
        let mut aliases = Aliases(false);
        Parser::new_from_str(text)
            .load(&mut aliases, true)
            .map_err(|e| format!("it is not YAML ({e})"))?;
        if aliases.0 {
            return Err("expected plain values, found a YAML alias".into());
        }
        let documents = YamlLoader::load_from_str(text).map_err(|e| format!("it is not YAML ({e})"))?;
        let Some(root) = documents.first() else {
            return Err("it is empty".into());
        };
        let net = &root["net_kwargs"];
        let inference = &root["inference_kwargs"];
        let window = size(inference, "inference_kwargs", "window_size")?;
        Ok(Self {
            heads: size(net, "net_kwargs", "n_heads")?,
            normalisation: normalisation(&net["normalization"])?,
            window,
            stride: size(inference, "inference_kwargs", "window_stride")?,
            image_size: size(&root["dataset_kwargs"], "dataset_kwargs", "image_size").unwrap_or(window),
            data_set: text_of(&root["dataset_kwargs"]["dataset"]),
            backbone: text_of(&net["backbone"]),
        })
    }
}

/// Notices aliases: a loader copies what they stand for, so a few lines of them can fill the memory.
struct Aliases(bool);

impl EventReceiver for Aliases {
    fn on_event(&mut self, event: Event) {
        self.0 |= matches!(event, Event::Alias(_));
    }
}

fn size(section: &Yaml, section_name: &str, key: &str) -> Result<usize, String> {
    match &section[key] {
        Yaml::Integer(value) if (1..=65_536).contains(value) => Ok(*value as usize),
        Yaml::BadValue => Err(format!("expected {section_name}.{key}, found none")),
        other => Err(format!("expected a size for {section_name}.{key}, found {other:?}")
            .chars()
            .take(200)
            .collect()),
    }
}

fn normalisation(value: &Yaml) -> Result<Normalisation, String> {
    match value.as_str() {
        Some("vit") => Ok(Normalisation::VIT),
        Some("deit") => Ok(Normalisation::IMAGENET),
        other => Err(format!(
            "expected net_kwargs.normalization vit or deit, found {other:?}"
        )),
    }
}

fn text_of(value: &Yaml) -> String {
    value.as_str().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &str = "dataset_kwargs:\n  dataset: ade20k\n  image_size: 512\ninference_kwargs:\n  im_size: 512\n  \
        window_size: 512\n  window_stride: 480\nnet_kwargs:\n  backbone: vit_tiny_patch16_384\n  image_size: !!python/tuple\n  \
        - 512\n  - 512\n  n_heads: 3\n  normalization: vit\noptimizer_kwargs:\n  min_lr: 1.0e-05\n";

    #[test]
    fn reads_the_published_layout_with_its_tuple_tag() {
        let variant = Variant::parse(PUBLISHED).unwrap();
        assert_eq!((variant.heads, variant.window, variant.stride), (3, 512, 480));
        assert_eq!(variant.data_set, "ade20k");
    }

    #[test]
    fn hostile_yaml_is_an_error() {
        assert!(Variant::parse(&"- ".repeat(4000)).is_err());
        assert!(Variant::parse(&"[".repeat(8000)).is_err());
        assert!(Variant::parse(&"{a: ".repeat(2000)).is_err());
        let mut bomb = "z: [[&a0 [x,x]]".to_owned();
        for i in 1..60 {
            bomb += &format!(",[&a{i} [*a{0},*a{0}]]", i - 1);
        }
        assert!(Variant::parse(&(bomb + "]")).unwrap_err().contains("alias"));
    }
}
