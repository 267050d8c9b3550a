//! Tensors of a file that its network does not need, and which of them suggest that it is another network.

use std::collections::BTreeSet;

/// The name before the number of a transformer block, in the supported layouts.
const BLOCKS: [&str; 3] = ["blocks.", "layers.", "encoderblock_"];

/// Last parts of the names of counters that profilers and weight averaging leave behind.
const COUNTERS: [&str; 4] = ["total_ops", "total_params", "num_batches_tracked", "n_averaged"];

/// Maximum number of names to report; a file can have thousands.
const MAX_TOLD: usize = 8;

/// Tensors that the network does not need.
pub(super) struct UnusedTensors {
    names: Vec<String>,
    /// Tensors of encoder and decoder, except counters and those only for training.
    odd: Vec<String>,
}

impl UnusedTensors {
    /// Splits the unused names, given the names that are used.
    pub(super) fn new(unused: impl Iterator<Item = String>, used: &BTreeSet<&str>) -> Self {
        let parts: BTreeSet<&str> = used.iter().filter_map(|name| Some(name.split_once('.')?.0)).collect();
        let is_odd = |name: &String| {
            let part = name.split_once('.').map(|(part, _)| part);
            part.is_some_and(|part| parts.contains(part)) && !is_counter(name) && !is_for_training(name)
        };
        let (odd, names) = unused.partition(is_odd);
        Self { names, odd }
    }

    /// Remarks on these tensors, and on the tensors `beside` them in the file.
    pub(super) fn remarks(mut self, beside: Vec<String>) -> Vec<String> {
        self.names.extend(beside);
        let mut remarks = Vec::new();
        if let Some((count, names)) = counted(&self.names) {
            remarks.push(format!("left out {count} that nothing needs: {names}"));
        }
        if let Some((count, names)) = counted(&self.odd) {
            remarks.push(format!(
                "left out {count} that this network has no place for; if it was trained with them, its results differ: \
                 {names}"
            ));
        }
        remarks
    }
}

/// The count, such as `2 tensors`, and the names; `None` for no tensors.
fn counted(names: &[String]) -> Option<(String, String)> {
    let count = match names.len() {
        0 => return None,
        1 => "1 tensor".to_owned(),
        count => format!("{count} tensors"),
    };
    let shortened = |name: &String| name.chars().take(80).collect::<String>();
    let mut told: Vec<String> = names.iter().take(MAX_TOLD).map(shortened).collect();
    if names.len() > MAX_TOLD {
        told.push(format!("and {} more", names.len() - MAX_TOLD));
    }
    Some((count, told.join(", ")))
}

/// Whether a tensor only counts something.
pub(super) fn is_counter(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    COUNTERS.contains(&last)
}

/// Whether a tensor of this name is only for training.
fn is_for_training(name: &str) -> bool {
    name.split('.')
        .any(|part| part.starts_with("loss") || part.starts_with("criterion") || part == "mask_token")
}

/// Name prefixes of all transformer blocks, without their number. They matter because an extra tensor inside a block
/// changes what the block computes, and an extra block changes what the network computes.
pub(super) fn blocks_of<'a>(used: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let beginning = |name: &&'a str| -> Option<&'a str> {
        let name: &'a str = name;
        BLOCKS.iter().find_map(|mark| {
            let end = name.find(mark)? + mark.len();
            let is_number = name[end..].starts_with(|first: char| first.is_ascii_digit());
            is_number.then(|| &name[..end])
        })
    };
    used.iter().filter_map(beginning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_prefixes_end_before_the_number() {
        let used = BTreeSet::from([
            "encoder.blocks.0.norm1.weight",
            "encoder.pos_embed",
            "backbone.layers.11.ffn.layers.0.0.weight",
            "Transformer/encoderblock_3/LayerNorm_0/scale",
        ]);
        let blocks: Vec<&str> = blocks_of(&used).into_iter().collect();
        assert_eq!(
            blocks,
            ["Transformer/encoderblock_", "backbone.layers.", "encoder.blocks."]
        );
    }

    #[test]
    fn unused_tensors_are_reported_with_a_warning_if_they_may_matter() {
        let used = BTreeSet::from(["encoder.pos_embed"]);
        let names = ["encoder.total_ops", "encoder.reg_token", "data_preprocessor.mean"];
        let remarks =
            UnusedTensors::new(names.iter().map(ToString::to_string), &used).remarks(vec!["criterion.weight".into()]);
        assert_eq!(
            remarks[0],
            "left out 3 tensors that nothing needs: encoder.total_ops, data_preprocessor.mean, criterion.weight"
        );
        assert!(remarks[1].starts_with("left out 1 tensor that this network has no place for"));
        assert!(remarks[1].ends_with(": encoder.reg_token"));
    }
}
