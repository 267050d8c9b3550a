//! Golden cases: folders with a manifest, tensors, and other files for a comparison.

pub mod closeness;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use segscope::labels::LabelMap;
use segscope::model::HostTensor;
use serde_json::Value;

use crate::repository::in_repository;

/// The kind of a case, derived from its manifest and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A model in a published layout, with its intermediate tensors.
    Model,
    /// Inference by windows, scales and flips as in rstrudel/segmenter.
    Sliding,
    /// Inference by windows as in mmsegmentation.
    Slide,
    /// An ImageNet backbone in another program's layout.
    Backbone,
    /// Class maps, and the labels after resizing.
    Upsample,
    /// Rollout and distance of stored attention.
    Rollout,
    /// Label maps and their scores.
    Scores,
    /// A kind that cannot be compared yet.
    Unsupported,
}

/// One golden case.
pub struct GoldenCase {
    pub name: String,
    pub folder: PathBuf,
    pub manifest: Value,
    pub kind: Kind,
    /// Whether `tests/golden` has a case of this name.
    pub shipped: bool,
}

/// The cases in `tests/golden` and in the folder that `SEGSCOPE_GOLDEN` names; the latter take precedence.
pub fn cases() -> Vec<GoldenCase> {
    let shipped = folders_in(&shipped_root());
    let mut folders = shipped.clone();
    if let Some(root) = std::env::var_os("SEGSCOPE_GOLDEN").filter(|root| !root.is_empty()) {
        let further = folders_in(Path::new(&root));
        assert!(!further.is_empty(), "SEGSCOPE_GOLDEN: no case in {}", root.display());
        folders.extend(further);
    }
    folders
        .into_iter()
        .map(|(name, folder)| {
            let text = std::fs::read_to_string(folder.join("manifest.json")).expect("a manifest that can be read");
            let manifest = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: manifest.json: {e}"));
            let kind = kind_of(&folder, &manifest);
            let shipped = shipped.contains_key(&name);
            GoldenCase {
                name,
                folder,
                manifest,
                kind,
                shipped,
            }
        })
        .collect()
}

fn shipped_root() -> PathBuf {
    in_repository("tests/golden")
}

/// Folders with a manifest, by name.
fn folders_in(root: &Path) -> BTreeMap<String, PathBuf> {
    let entries = std::fs::read_dir(root).unwrap_or_else(|e| panic!("golden cases: {e}: {}", root.display()));
    entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.join("manifest.json").is_file())
        .filter_map(|path| Some((path.file_name()?.to_string_lossy().into_owned(), path)))
        .collect()
}

fn kind_of(folder: &Path, manifest: &Value) -> Kind {
    let has = |file: &str| folder.join(file).is_file();
    if has("tensors.safetensors") && manifest["npz_keys"].is_object() {
        return Kind::Backbone;
    }
    if has("scores.json") {
        return Kind::Scores;
    }
    if !has("case.safetensors") {
        return Kind::Unsupported;
    }
    if manifest["distance_float64"].is_object() {
        Kind::Rollout
    } else if manifest["encoder_depth"].is_u64() && checkpoint_in(folder).is_some() {
        Kind::Model
    } else if manifest["runs"].is_object() && manifest["window"].is_u64() {
        Kind::Sliding
    } else if manifest["runs"].is_object() && manifest["crop"].is_array() {
        Kind::Slide
    } else if manifest["outputs"]
        .as_object()
        .is_some_and(|outputs| outputs.values().all(is_resize))
    {
        Kind::Upsample
    } else {
        Kind::Unsupported
    }
}

/// The model file in a folder.
fn checkpoint_in(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_model = |file: &PathBuf| file.extension().is_some_and(|e| e == "pth" || e == "npz");
    files.into_iter().find(is_model)
}

fn is_resize(output: &Value) -> bool {
    output["low"].is_array() && output["size"].is_array() && output["file"].is_string()
}

impl GoldenCase {
    /// All output tensors of the published program.
    pub fn tensors(&self) -> BTreeMap<String, HostTensor> {
        let file = match self.kind {
            Kind::Backbone => "tensors.safetensors",
            _ => "case.safetensors",
        };
        tensors_in(&self.folder.join(file))
    }

    /// A label map in the folder of the case.
    pub fn label_map(&self, file: &str) -> LabelMap {
        LabelMap::from_png(&self.bytes(file)).unwrap_or_else(|e| panic!("{}: {file}: {e}", self.name))
    }

    /// An integer in the manifest.
    pub fn number(&self, key: &str) -> usize {
        self.manifest[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{}: manifest: no number {key}", self.name)) as usize
    }

    /// The height and width under `key` in a part of the manifest, returned as width and height.
    pub fn width_height(&self, part: &Value, key: &str) -> [usize; 2] {
        let sides: Vec<u64> = part[key]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_u64)
            .collect();
        match sides[..] {
            [height, width] => [width as usize, height as usize],
            _ => panic!(
                "{}: manifest: expected height and width under {key}, found {}",
                self.name, part[key]
            ),
        }
    }

    /// The model file of the case. For a pipeline, this is the one that its manifest names, in the folder beside it or
    /// among the shipped cases.
    pub fn checkpoint(&self) -> PathBuf {
        let model = self.manifest["model"].as_str().unwrap_or_default();
        let name = Path::new(model).file_name().unwrap_or_default();
        let places = [self.folder.clone(), self.folder.join(model), shipped_root().join(name)];
        let found = places.iter().find_map(|place| checkpoint_in(place));
        found.unwrap_or_else(|| panic!("{}: its model {model} was not found", self.name))
    }

    /// Tolerance of a tensor: that in the manifest for the full name, or for its group, which is the part up to the
    /// first dot. A subsampled tensor (`prob_every5`) has the tolerance of the full one.
    pub fn tolerance(&self, tensor: &str) -> f32 {
        let whole: Vec<&str> = tensor
            .split('.')
            .map(|part| part.split("_every").next().unwrap_or(part))
            .collect();
        let table = &self.manifest["tolerance"];
        let atol = [whole.join("."), whole[0].to_owned()]
            .iter()
            .find_map(|key| table[key.as_str()]["atol"].as_f64());
        atol.unwrap_or_else(|| panic!("{}: manifest: no tolerance for {tensor}", self.name)) as f32
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(file)).unwrap_or_else(|e| panic!("{}: {file}: {e}", self.name))
    }
}

/// The name of the full tensor, where a tensor of this name holds a part of it.
fn whole_of(tensor: &str) -> &str {
    tensor.split_once("_every").map_or(tensor, |(whole, _)| whole)
}

/// The golden tensor of this name, or the stored part of it, whose name shows which part it is ([`step_of`]).
pub fn kept_of<'a>(golden: &'a BTreeMap<String, HostTensor>, name: &str) -> Option<(&'a String, &'a HostTensor)> {
    golden.iter().find(|(key, _)| whole_of(key) == name)
}

/// The step of the rows and columns in a tensor of this name: `N` for `…_everyN`, else 1.
pub fn step_of(tensor: &str) -> usize {
    let Some((_, rest)) = tensor.split_once("_every") else {
        return 1;
    };
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .unwrap_or_else(|_| panic!("{tensor}: expected a number after _every"))
}

/// Converts `[1, classes, rows, columns]` to `[rows * columns, classes]`.
pub fn class_last(tensor: &HostTensor) -> Vec<f32> {
    let [1, classes, rows, columns] = tensor.shape[..] else {
        panic!("expected [1, classes, rows, columns], found {:?}", tensor.shape);
    };
    let places = rows * columns;
    (0..places)
        .flat_map(|i| (0..classes).map(move |c| tensor.values[c * places + i]))
        .collect()
}

/// Converts `[rows * columns, classes]` to `[…, classes, rows, columns]`, which is `shape`.
pub fn class_first(values: &[f32], classes: usize, shape: &[usize]) -> HostTensor {
    let places = values.len() / classes;
    let values = (0..classes)
        .flat_map(|c| (0..places).map(move |i| values[i * classes + c]))
        .collect();
    HostTensor {
        shape: shape.to_vec(),
        values,
    }
}

/// The tensors in a file, all of them f32.
pub fn tensors_in(path: &Path) -> BTreeMap<String, HostTensor> {
    let about = path.display();
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{e}: {about}"));
    let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{e}: {about}"));
    let tensor = |view: safetensors::tensor::TensorView| {
        assert_eq!(view.dtype(), Dtype::F32, "{about}: type");
        let values = view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
        HostTensor {
            shape: view.shape().to_vec(),
            values: values.collect(),
        }
    };
    file.iter()
        .map(|(name, view)| (name.to_owned(), tensor(view)))
        .collect()
}
