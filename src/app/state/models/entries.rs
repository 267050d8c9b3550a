//! The main outputs of all open models, with distinct names.

use std::sync::Arc;

use crate::engine::{ModelInfo, ModelSource, OpenModel, Output};

/// A main output in the output switch.
pub(in crate::app) struct OutputEntry {
    pub(in crate::app) model: Arc<ModelInfo>,
    pub(in crate::app) output: Output,
    /// Name within its group, such as `PUP`.
    pub(in crate::app) title: String,
    /// Name where the group is not shown, such as `SETR-PUP-L/16`.
    pub(in crate::app) name: String,
}

/// The entries of one model: several if it has several decoders.
pub(in crate::app) struct Group {
    /// Title before the entries; `None` if their titles are enough.
    pub(in crate::app) title: Option<String>,
    pub(in crate::app) entries: Vec<OutputEntry>,
}

/// All main outputs, model by model.
pub(in crate::app) fn groups(open: &[OpenModel]) -> Vec<Group> {
    let group = |open_model: &OpenModel| {
        let info = &open_model.info;
        let decoders = &info.spec.decoders;
        let several = decoders.len() > 1;
        let entries = (0..decoders.len()).map(|decoder| OutputEntry {
            model: info.clone(),
            output: Output::main(decoder),
            title: match several {
                true => decoder_title(info, decoder),
                false => model_name(open, info),
            },
            name: output_name(open, info, decoder),
        });
        Group {
            entries: entries.collect(),
            title: (several && open.len() > 1).then(|| info.spec.encoder.title() + &file_note(open, info)),
        }
    };
    open.iter().map(group).collect()
}

/// The title of a main output, with its file where another open model has the same title.
pub(in crate::app) fn output_name(open: &[OpenModel], info: &ModelInfo, decoder: usize) -> String {
    info.output_title(Output::main(decoder)) + &file_note(open, info)
}

/// The title of a model, with its file where another open model has the same title.
pub(in crate::app) fn model_name(open: &[OpenModel], info: &ModelInfo) -> String {
    info.title.clone() + &file_note(open, info)
}

/// The title of a decoder within its model: its kind, or its key if two decoders are of the same kind.
fn decoder_title(info: &ModelInfo, decoder: usize) -> String {
    let decoders = &info.spec.decoders;
    let title = decoders[decoder].head.title();
    match decoders.iter().filter(|other| other.head.title() == title).count() {
        1 => title.into(),
        _ => decoders[decoder].key.clone(),
    }
}

/// The end of a model's path, with as many folders as distinguish it from other open models of the same title; empty if
/// there are none.
fn file_note(open: &[OpenModel], info: &ModelInfo) -> String {
    let same = |other: &&OpenModel| other.info.id != info.id && other.info.title == info.title;
    let others: Vec<_> = open.iter().filter(same).map(|other| &other.info.source).collect();
    if others.is_empty() {
        return String::new();
    }
    let is_unique = |parts: &usize| {
        others
            .iter()
            .all(|other| last_parts(other, *parts) != last_parts(&info.source, *parts))
    };
    let parts = (1..=MAX_PARTS).find(is_unique).unwrap_or(MAX_PARTS);
    format!(" ({})", last_parts(&info.source, parts))
}

/// Largest number of path components in a name.
const MAX_PARTS: usize = 8;

/// The last `count` components of a model's path.
fn last_parts(source: &ModelSource, count: usize) -> String {
    let ModelSource::Path(path) = source else {
        return source.name();
    };
    let parts: Vec<_> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts[parts.len().saturating_sub(count)..].join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::testing::model;
    use crate::model::DecoderKind;

    /// Each group as one text of its title and the titles of its entries, and the names of all entries.
    fn texts(open: &[OpenModel]) -> (Vec<String>, Vec<String>) {
        let groups = groups(open);
        let text = |group: &Group| {
            let titles: Vec<&str> = group.entries.iter().map(|entry| entry.title.as_str()).collect();
            let before = group
                .title
                .as_ref()
                .map(|title| format!("{title}: "))
                .unwrap_or_default();
            before + &titles.join(" | ")
        };
        let names = groups
            .iter()
            .flat_map(|group| &group.entries)
            .map(|entry| entry.name.clone());
        (groups.iter().map(text).collect(), names.collect())
    }

    #[test]
    fn a_single_model_is_titled_by_its_decoders() {
        let (titles, names) = texts(&[model(1, "a", &DecoderKind::ALL)]);
        assert_eq!(titles, ["Linear | Mask | Naive | PUP | MLA"]);
        assert_eq!(names[..3], ["Seg-T-Linear/16", "Seg-T-Mask/16", "SETR-Naive-T/16"]);
    }

    #[test]
    fn several_models_are_titled_by_their_model_titles() {
        let several = [DecoderKind::Mask, DecoderKind::Pup];
        let open = [model(1, "a", &[DecoderKind::Mask]), model(2, "b", &several)];
        assert_eq!(texts(&open).0, ["Seg-T-Mask/16", "ViT-T/16: Mask | PUP"]);
    }

    #[test]
    fn models_with_the_same_title_are_distinguished_by_file() {
        let linear = [DecoderKind::Linear];
        let open = [model(1, "/models/a.pth", &linear), model(2, "/models/b", &linear)];
        let expected = ["Seg-T-Linear/16 (a.pth)", "Seg-T-Linear/16 (b)"];
        let (titles, names) = texts(&open);
        assert_eq!(titles, expected);
        assert_eq!(names, expected);
        let open = [model(1, "/m/camvid/seg", &linear), model(2, "/m/voc/seg", &linear)];
        assert_eq!(
            texts(&open).1,
            ["Seg-T-Linear/16 (camvid/seg)", "Seg-T-Linear/16 (voc/seg)"]
        );
    }
}
