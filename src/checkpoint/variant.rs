//! `variant.yml`, the file beside a published Segmenter checkpoint (rstrudel segm/train.py).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use yaml_rust2::parser::{Event, EventReceiver, Parser};
use yaml_rust2::{Yaml, YamlLoader};

use super::side_file::{SideFileValues, Sizes};
use crate::model::Normalisation;

/// Name of the file.
const FILE: &str = "variant.yml";

/// The values of a `variant.yml`; `None` for those that it lacks.
#[derive(Debug, PartialEq)]
pub(super) struct Variant {
    /// Values that can be compared with the tensors.
    pub(super) said: SideFileValues,
    pub(super) normalisation: Option<Normalisation>,
    pub(super) window: Option<usize>,
    pub(super) stride: Option<usize>,
    /// Short side at which the authors evaluate, in pixels.
    pub(super) image_size: Option<usize>,
    pub(super) data_set: Option<String>,
    pub(super) backbone: Option<String>,
}

/// Maximum size of the file in bytes. The published ones have 950; a YAML parser's time and stack grow with nesting.
const MAX_BYTES: usize = 8192;

/// Maximum number of values that aliases and anchors may stand for. Real files have only a few.
const MAX_COPIES: usize = 4096;

/// Possible paths of the file: beside the checkpoint's path, then beside the target of a symbolic link.
pub(super) fn places(checkpoint: &Path) -> Vec<PathBuf> {
    let mut places = vec![checkpoint.with_file_name(FILE)];
    if checkpoint.is_symlink() {
        let target = checkpoint.canonicalize().ok();
        places.extend(target.map(|target| target.with_file_name(FILE)));
    }
    places
}

/// The `variant.yml` of a checkpoint with tensors of these sizes, and remarks on what was not used.
pub(super) fn of(checkpoint: &Path, tensors: &Sizes) -> (Option<Variant>, Vec<String>) {
    let mut remarks = Vec::new();
    for place in places(checkpoint) {
        let why = match read(&place) {
            None => continue,
            Some(Err(why)) => format!("cannot be used ({why})"),
            Some(Ok(variant)) => match variant.contradiction(tensors) {
                None => {
                    remarks.extend(variant.what_is_missing());
                    return (Some(variant), remarks);
                }
                Some(why) => format!("is of another model ({why})"),
            },
        };
        remarks.push(format!("{FILE} beside it {why} and was set aside"));
    }
    if let Some(last) = remarks.last_mut() {
        last.push_str("; window, stride and heads have their usual values");
    }
    (None, remarks)
}

/// Reads a file, if there is one.
fn read(path: &Path) -> Option<Result<Variant, String>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => Some(Variant::parse(&String::from_utf8_lossy(&bytes))),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => Some(Err(e.to_string())),
    }
}

impl Variant {
    /// Reads the fields that are needed and ignores all others.
    ///
    /// # Errors
    /// A clause that says why the text cannot be read as YAML.
    fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("expected at most {MAX_BYTES} bytes, found more"));
        }
        let mut copies = Copies::default();
        Parser::new_from_str(text)
            .load(&mut copies, true)
            .map_err(|e| format!("it is not YAML: {e}"))?;
        if copies.count > MAX_COPIES {
            return Err(format!(
                "expected aliases that stand for at most {MAX_COPIES} values, found more"
            ));
        }
        let documents = YamlLoader::load_from_str(text).map_err(|e| format!("it is not YAML: {e}"))?;
        let Some(root) = documents.first() else {
            return Err("it is empty".into());
        };
        let net = &root["net_kwargs"];
        let inference = &root["inference_kwargs"];
        let data_set = &root["dataset_kwargs"];
        Ok(Self {
            said: SideFileValues {
                width: size(&net["d_model"]),
                patch: size(&net["patch_size"]),
                depth: size(&net["n_layers"]),
                classes: size(&net["n_cls"]),
                heads: size(&net["n_heads"]),
                image: height_and_width(&net["image_size"]),
            },
            normalisation: match net["normalization"].as_str() {
                Some("vit") => Some(Normalisation::VIT),
                Some("deit") => Some(Normalisation::IMAGENET),
                _ => None,
            },
            window: size(&inference["window_size"]),
            stride: size(&inference["window_stride"]),
            image_size: size(&data_set["image_size"]),
            data_set: data_set["dataset"].as_str().map(str::to_owned),
            backbone: net["backbone"].as_str().map(str::to_owned),
        })
    }

    /// A clause that says why the file cannot belong to a model with these tensors.
    fn contradiction(&self, tensors: &Sizes) -> Option<String> {
        if let Some(why) = self.said.contradiction(tensors) {
            return Some(why);
        }
        let sides = [self.window, self.image_size];
        if let Some(side) = sides.into_iter().flatten().find(|side| *side < tensors.patch) {
            return Some(format!(
                "images of {side} pixels, the tensors have patch {}",
                tensors.patch
            ));
        }
        let (stride, window) = (self.stride?, self.window?);
        (stride > window).then(|| format!("stride {stride} is larger than its window {window}"))
    }

    /// A sentence about the fields that every published file has but this one lacks.
    fn what_is_missing(&self) -> Option<String> {
        let fields = [
            ("net_kwargs.n_heads", self.said.heads.is_none()),
            ("net_kwargs.normalization", self.normalisation.is_none()),
            ("inference_kwargs.window_size", self.window.is_none()),
            ("inference_kwargs.window_stride", self.stride.is_none()),
        ];
        let missing: Vec<&str> = fields
            .into_iter()
            .filter(|(_, is_missing)| *is_missing)
            .map(|(field, _)| field)
            .collect();
        let fields = missing.join(", ");
        (!missing.is_empty()).then(|| format!("{FILE} beside it has no usable {fields}; the usual values are used"))
    }
}

/// Counts the values that a YAML loader copies: those with an anchor and those that an alias stands for. A few lines of
/// YAML could make the copies fill the memory.
#[derive(Default)]
struct Copies {
    count: usize,
    /// Open lists and dictionaries: anchor and number of values so far.
    open: Vec<(usize, usize)>,
    /// Number of values that each anchor stands for.
    anchors: BTreeMap<usize, usize>,
}

impl Copies {
    /// Records the end of a value that contains `size` values in all; `anchor` is 0 if it has none.
    fn end(&mut self, anchor: usize, size: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, size);
            self.count = self.count.saturating_add(size);
        }
        if let Some((_, parent)) = self.open.last_mut() {
            *parent = parent.saturating_add(size);
        }
    }
}

impl EventReceiver for Copies {
    fn on_event(&mut self, event: Event) {
        match event {
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => self.open.push((anchor, 1)),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((anchor, size)) = self.open.pop() {
                    self.end(anchor, size);
                }
            }
            Event::Scalar(_, _, anchor, _) => self.end(anchor, 1),
            Event::Alias(anchor) => {
                // An alias of a value that has not ended counts as one value.
                let size = self.anchors.get(&anchor).copied().unwrap_or(1);
                self.count = self.count.saturating_add(size);
                self.end(0, size);
            }
            _ => {}
        }
    }
}

/// A size of at most 8192; `None` for anything else.
fn size(value: &Yaml) -> Option<usize> {
    match value {
        Yaml::Integer(value) if (1..=8192).contains(value) => usize::try_from(*value).ok(),
        _ => None,
    }
}

/// Height and width, or the side of a square.
fn height_and_width(value: &Yaml) -> Option<[usize; 2]> {
    match value {
        Yaml::Array(sides) => match sides.as_slice() {
            [height, width] => Some([size(height)?, size(width)?]),
            _ => None,
        },
        side => size(side).map(|side| [side; 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &str = "dataset_kwargs:\n  dataset: ade20k\n  image_size: 512\ninference_kwargs:\n  im_size: 512\n  \
        window_size: 512\n  window_stride: 480\nnet_kwargs:\n  backbone: vit_tiny_patch16_384\n  d_model: 192\n  \
        image_size: !!python/tuple\n  - 512\n  - 512\n  n_cls: 150\n  n_heads: 3\n  n_layers: 12\n  normalization: vit\n  \
        patch_size: 16\noptimizer_kwargs:\n  min_lr: 1.0e-05\n";

    const TENSORS: Sizes = Sizes {
        width: 192,
        patch: 16,
        depth: 12,
        classes: 150,
        positions: 1024,
    };

    #[test]
    fn reads_the_published_file_with_its_tuple_tag() {
        let variant = Variant::parse(PUBLISHED).unwrap();
        let said = SideFileValues {
            width: Some(192),
            patch: Some(16),
            depth: Some(12),
            classes: Some(150),
            heads: Some(3),
            image: Some([512, 512]),
        };
        assert_eq!(variant.said, said);
        assert_eq!((variant.window, variant.stride), (Some(512), Some(480)));
        assert_eq!(variant.data_set.as_deref(), Some("ade20k"));
        assert_eq!(variant.contradiction(&TENSORS), None);
        assert_eq!(variant.what_is_missing(), None);
    }

    #[test]
    fn aliases_are_resolved() {
        let plain = Variant::parse(PUBLISHED).unwrap();
        let aliases = PUBLISHED
            .replace("  image_size: 512\ninf", "  image_size: &side 512\ninf")
            .replace("window_size: 512", "window_size: *side")
            .replace("- 512", "- *side");
        assert!(aliases.matches("*side").count() == 3, "{aliases}");
        assert_eq!(Variant::parse(&aliases).unwrap(), plain);
    }

    #[test]
    fn contradictions_and_missing_fields_are_reported() {
        for (changed, expected) in [
            (
                PUBLISHED.replace("patch_size: 16", "patch_size: 8"),
                "patch 8, the tensors have patch 16",
            ),
            (PUBLISHED.replace("n_heads: 3", "n_heads: 7"), "7 heads"),
            (
                PUBLISHED.replace("window_stride: 480", "window_stride: 513"),
                "stride 513",
            ),
            (PUBLISHED.replace("window_size: 512", "window_size: 9"), "patch 16"),
        ] {
            let why = Variant::parse(&changed).unwrap().contradiction(&TENSORS);
            assert!(why.clone().unwrap_or_default().contains(expected), "{why:?}");
        }
        let less = PUBLISHED
            .replace("n_heads: 3", "n_heads: three")
            .replace("normalization", "n");
        let missing = Variant::parse(&less).unwrap().what_is_missing().unwrap_or_default();
        assert!(missing.contains("n_heads, net_kwargs.normalization;"), "{missing}");
    }

    #[test]
    fn hostile_yaml_is_an_error_or_yields_no_values() {
        let nested = Variant::parse(&"- ".repeat(4000));
        assert!(nested.is_ok_and(|variant| variant.what_is_missing().is_some()));
        assert!(Variant::parse(&"[".repeat(8000)).is_err());
        assert!(Variant::parse(&"{a: ".repeat(2000)).is_err());
        let mut bomb = "z: [[&a0 [x,x]]".to_owned();
        for i in 1..60 {
            bomb += &format!(",[&a{i} [*a{0},*a{0}]]", i - 1);
        }
        assert!(Variant::parse(&(bomb + "]")).unwrap_err().contains("alias"));
        // Each anchor copies everything inside it.
        let nested = "&a [".repeat(200) + &"]".repeat(200);
        assert!(Variant::parse(&nested).unwrap_err().contains("alias"));
        let in_itself = Variant::parse("net_kwargs: &a {n_heads: 3, b: *a}").unwrap();
        assert_eq!(in_itself.said.heads, Some(3));
    }
}
