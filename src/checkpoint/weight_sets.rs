//! Sets of weights in one file: finds them, chooses one and strips the prefix of its tensor names.
//!
//! Programs store the same tensors under various keys (`state_dict`, `net`, `ema`), and wrappers add various prefixes
//! to their names (`module.`, `_orig_mod.`, `student.`). Both are treated alike: a set is found by the name of a tensor
//! that a layout always has, and everything before that name is its prefix.

use std::collections::BTreeSet;
use std::path::Path;

use super::CheckpointError;
use super::source::{Shapes, Source, UnreadByName};
use crate::model::HostTensor;

/// Tensor names that only models of the supported layouts have.
const OF_MODELS: [&str; 3] = [
    "encoder.patch_embed.proj.weight",
    "backbone.layers.0.ln1.weight",
    "backbone.blocks.0.norm1.weight",
];

/// A tensor name that timm backbones have, as do many other networks.
const OF_BACKBONES: &str = "blocks.0.attn.qkv.weight";

/// Keys and prefixes that carry no information about the network, the usual ones first.
const WRAPPERS: [&str; 18] = [
    "model",
    "state_dict",
    "model_state_dict",
    "net",
    "network",
    "module",
    "params",
    "weights",
    "_orig_mod",
    "_forward_module",
    "backbone",
    "student",
    "ema",
    "model_ema",
    "ema_model",
    "ema_state_dict",
    "state_dict_ema",
    "teacher",
];

/// Prefixes that need no remark.
const USUAL_PREFIXES: [&str; 4] = ["", "model.", "state_dict.", "model_state_dict."];

/// First parts of a model's tensor names; some programs store a dictionary for each.
const PARTS: [&str; 6] = [
    "encoder",
    "decoder",
    "backbone",
    "neck",
    "decode_head",
    "auxiliary_head",
];

/// Maximum number of sets of weights in one file.
const MAX_SETS: usize = 64;

/// The key that selects the outermost tensors of a file.
const OUTERMOST: &str = ".";

/// The chosen set of weights.
pub(super) struct Chosen {
    /// The tensors of the set, without its prefix.
    pub(super) source: Box<dyn Source>,
    /// Tensors in the same dictionary that belong to no set.
    pub(super) beside: Vec<String>,
    /// Remarks on the choice.
    pub(super) remarks: Vec<String>,
}

/// Chooses the set of weights under `key`, or else the most usual one. A file without any set is returned unchanged.
///
/// # Errors
/// When there is no set under `key`; the error lists the existing keys.
pub(super) fn choose(source: Box<dyn Source>, key: Option<&str>, path: &Path) -> Result<Chosen, CheckpointError> {
    let sets = sets_in(source.as_ref());
    if sets.len() > MAX_SETS {
        let why = format!("expected at most {MAX_SETS} sets of weights, found {}", sets.len());
        return Err(CheckpointError::damaged(path, why));
    }
    let asked: Vec<&String> = match key {
        Some(key) => sets.iter().filter(|prefix| is_under(prefix, key)).collect(),
        None => sets.iter().collect(),
    };
    let Some(prefix) = asked.iter().min_by_key(|prefix| rank(prefix)) else {
        return match key {
            Some(key) => Err(CheckpointError::damaged(path, unknown_key(key, &sets))),
            None => Ok(Chosen {
                source,
                beside: Vec::new(),
                remarks: Vec::new(),
            }),
        };
    };
    let place = place_of(source.places(), prefix).to_owned();
    let mut remarks = Vec::new();
    if sets.len() > 1 {
        remarks.push(format!(
            "the file holds {} sets of weights ({}); the one under {} is used, and --weights KEY chooses another",
            sets.len(),
            listed(&sets),
            shown(prefix)
        ));
    } else if !USUAL_PREFIXES.contains(&place.as_str()) {
        remarks.push(format!("the weights are under the key {}", shown(&place)));
    }
    if let Some(wrapper) = prefix.strip_prefix(place.as_str()).filter(|rest| !rest.is_empty()) {
        remarks.push(format!(
            "the names of the tensors start with \"{wrapper:.80}\", which is left out"
        ));
    }
    Ok(Chosen {
        beside: beside(source.as_ref(), &place, &sets),
        remarks,
        source: Box::new(OneSet::new(source, prefix, &sets)),
    })
}

/// The prefixes of all sets of weights of models or, if there are none, of backbones.
fn sets_in(source: &dyn Source) -> Vec<String> {
    let names = || source.shapes().keys().chain(source.unread().keys());
    let before = |end: &str| -> BTreeSet<String> {
        let prefixes = names().filter_map(|name| name.strip_suffix(end));
        let whole = prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.'));
        whole.map(str::to_owned).collect()
    };
    let models: BTreeSet<String> = OF_MODELS.iter().flat_map(|end| before(end)).collect();
    if !models.is_empty() {
        return models.into_iter().collect();
    }
    let mut backbones = before(OF_BACKBONES);
    backbones.retain(|prefix| components(prefix).all(|part| WRAPPERS.contains(&part)));
    backbones.into_iter().collect()
}

/// A name without leading wrapper keys.
pub(super) fn without_wrappers(name: &str) -> &str {
    let mut rest = name;
    while let Some((first, inner)) = rest.split_once('.')
        && first != "backbone"
        && WRAPPERS.contains(&first)
    {
        rest = inner;
    }
    rest
}

fn components(prefix: &str) -> impl Iterator<Item = &str> {
    prefix.split('.').filter(|part| !part.is_empty())
}

/// Whether a set is under `key`, which is its whole prefix or the beginning of it.
fn is_under(prefix: &str, key: &str) -> bool {
    match key.trim_end_matches('.') {
        "" => prefix.is_empty(),
        key => prefix.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')),
    }
}

/// Sort key: plain weights before averaged ones, usual keys before others, short prefixes before long ones.
fn rank(prefix: &str) -> (bool, usize, usize, String) {
    let averaged = |part: &str| {
        part.split('_')
            .any(|word| ["ema", "teacher", "swa", "averaged", "momentum"].contains(&word))
    };
    let key = match components(prefix).next() {
        None => 0,
        Some(first) => 1 + WRAPPERS.iter().position(|key| *key == first).unwrap_or(WRAPPERS.len()),
    };
    (
        components(prefix).any(averaged),
        key,
        components(prefix).count(),
        prefix.to_owned(),
    )
}

/// A prefix as a user can name it.
fn shown(prefix: &str) -> String {
    match prefix.trim_end_matches('.') {
        "" => OUTERMOST.into(),
        prefix => prefix.chars().take(80).collect(),
    }
}

fn listed(sets: &[String]) -> String {
    const MOST: usize = 12;
    let mut names: Vec<String> = sets.iter().take(MOST).map(|prefix| shown(prefix)).collect();
    if sets.len() > MOST {
        names.push("…".into());
    }
    names.join(", ")
}

fn unknown_key(key: &str, sets: &[String]) -> String {
    let there = match sets {
        [] => "no weights of a Segmenter or SETR under any key".to_owned(),
        sets => format!("weights under {}", listed(sets)),
    };
    format!("weights: expected a key of the file with a model's weights, found {key:.80}; the file has {there}")
}

/// The innermost dictionary that contains a name or a prefix.
fn place_of<'a>(places: &BTreeSet<String>, name: &'a str) -> &'a str {
    let mut around = name.rmatch_indices('.').map(|(dot, _)| &name[..=dot]);
    around.find(|place| places.contains(*place)).unwrap_or_default()
}

/// Tensors of the dictionary at `place` that belong to no set.
fn beside(source: &dyn Source, place: &str, sets: &[String]) -> Vec<String> {
    let places = source.places();
    let names = source.shapes().keys().filter(|name| {
        place_of(places, name) == place
            && name.starts_with(place)
            && !sets.iter().any(|prefix| name.starts_with(prefix.as_str()))
    });
    names.map(|name| name[place.len()..].to_owned()).collect()
}

/// The tensors of one set, under the names of its layout.
struct OneSet {
    inner: Box<dyn Source>,
    prefix: String,
    shapes: Shapes,
    unread: UnreadByName,
}

impl OneSet {
    fn new(inner: Box<dyn Source>, prefix: &str, sets: &[String]) -> Self {
        let longer: Vec<&String> = sets
            .iter()
            .filter(|other| other.len() > prefix.len() && other.starts_with(prefix))
            .collect();
        let places = inner.places();
        let name_in_set = |name: &String| -> Option<String> {
            let rest = name.strip_prefix(prefix)?;
            if longer.iter().any(|other| name.starts_with(other.as_str())) {
                return None;
            }
            // A nested dictionary belongs to the set when it holds a part of the network.
            let below = place_of(places, name).strip_prefix(prefix).unwrap_or_default();
            let is_part = |first: &str| PARTS.contains(&first);
            components(below).next().is_none_or(is_part).then(|| rest.to_owned())
        };
        let shapes = inner.shapes().iter();
        let shapes = shapes.filter_map(|(name, shape)| Some((name_in_set(name)?, shape.clone())));
        let shapes = shapes.collect();
        let unread = inner.unread().iter();
        let unread = unread.filter_map(|(name, why)| Some((name_in_set(name)?, why.clone())));
        let unread = unread.collect();
        Self {
            prefix: prefix.to_owned(),
            shapes,
            unread,
            inner,
        }
    }
}

impl Source for OneSet {
    fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    fn unread(&self) -> &UnreadByName {
        &self.unread
    }

    fn most_values(&self) -> u64 {
        self.inner.most_values()
    }

    fn read(&mut self, name: &str) -> Result<HostTensor, String> {
        self.inner.read(&format!("{}{name}", self.prefix))
    }

    fn finish(&self) -> Result<(), String> {
        self.inner.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{is_under, rank};

    #[test]
    fn plain_weights_come_before_averaged_ones_and_usual_keys_before_others() {
        let mut prefixes = [
            "ema.module.",
            "zoo.",
            "model.",
            "state_dict.teacher.",
            "",
            "state_dict.",
            "model_ema.",
        ];
        prefixes.sort_by_key(|prefix| rank(prefix));
        assert_eq!(
            prefixes,
            [
                "",
                "model.",
                "state_dict.",
                "zoo.",
                "state_dict.teacher.",
                "ema.module.",
                "model_ema."
            ]
        );
    }

    #[test]
    fn a_key_matches_the_beginning_of_a_prefix() {
        assert!(is_under("ema.module.", "ema"));
        assert!(is_under("ema.module.", "ema.module"));
        assert!(is_under("", "."));
        assert!(!is_under("ema_old.", "ema"));
        assert!(!is_under("model.", "."));
    }
}
