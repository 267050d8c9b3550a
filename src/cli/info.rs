//! `segscope info`: prints what a model file holds.

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;

use super::{open_model, printing};
use crate::checkpoint::{self, Backbone, Checkpoint, CheckpointError, Provenance};
use crate::model::{DecoderSpec, Normalisation, WindowMode, WindowRules};
use crate::runtime::{kernels, usual_precision};

/// Print what a model file holds
#[derive(Debug, clap::Args)]
pub(super) struct Info {
    /// Model: a published folder, a .pth file or a bundle [default: the embedded model]
    #[arg(value_name = "FILE-or-FOLDER")]
    file: Option<PathBuf>,
    /// Key of the weights in a file with several sets, such as model_ema or state_dict.teacher
    #[arg(long, value_name = "KEY", requires = "file")]
    weights: Option<String>,
}

impl Info {
    pub(super) fn run(&self) -> Result<()> {
        let text = match &self.file {
            None => describe(&checkpoint::open_embedded()?),
            Some(path) => match open_model(path, self.weights.as_deref()) {
                Ok(checkpoint) => describe(&checkpoint),
                Err(CheckpointError::Backbone { .. }) => {
                    let weights = self.weights.as_deref();
                    describe_backbone(&checkpoint::open_backbone_with(path, weights, &mut |_| {
                        ControlFlow::Continue(())
                    })?)
                }
                Err(e) => return Err(e.into()),
            },
        };
        printing::text(format_args!("{text}"))
    }
}

/// A name and its value.
type InfoLine<'a> = (&'a str, String);

fn describe(checkpoint: &Checkpoint) -> String {
    let (spec, i) = (&checkpoint.spec, &checkpoint.spec.inference);
    let decoders: Vec<_> = spec.decoders.iter().map(DecoderSpec::described).collect();
    let mut lines = vec![
        ("model", spec.title()),
        ("parameters", checkpoint.weights.parameters().to_string()),
    ];
    lines.push(("precision", precision_text()));
    lines.extend(spec.encoder.described());
    lines.push(("decoders", decoders.join("; ")));
    lines.push(normalisation_line(&spec.normalisation));
    lines.push((
        "window",
        match i.mode {
            WindowMode::Slide => format!("{} pixels, stride {}", i.window, i.stride),
            WindowMode::Whole => "the whole image at once".into(),
        },
    ));
    lines.push((
        "short side",
        i.short_side.map_or("not reduced".into(), |s| format!("{s} pixels")),
    ));
    let rules = match i.rules {
        WindowRules::Enlarge => "images smaller than the window are enlarged to it",
        WindowRules::Shrink => "images smaller than the window get one smaller window",
    };
    if i.mode == WindowMode::Slide {
        lines.push(("rules", rules.into()));
    }
    if let Some(threshold) = i.threshold {
        lines.push((
            "threshold",
            format!("class 1 where its probability is above {threshold}"),
        ));
    }
    if let Some(zero_is_ignored) = checkpoint.zero_is_ignored {
        let zero = match zero_is_ignored {
            true => "0 is ignored, other ids are one more than their class",
            false => "0 is a class",
        };
        lines.push(("ground truth", zero.into()));
    }
    for decoder in &spec.decoders {
        if let Some(usual) = decoder.usual_confidence {
            let [low, median] = [usual.low, usual.median].map(|share| format!("{:.1} %", share * 100.0));
            let text = format!(
                "{}: {median} on usual photos, {low} or more on 95 % of them",
                decoder.key
            );
            lines.push(("confidence", text));
        }
    }
    lines.extend(provenance_lines(&checkpoint.provenance));
    lines.extend(remark_lines(&checkpoint.remarks));
    lines.push(("classes", format!("{} ({})", spec.classes, checkpoint.classes.name)));
    let mut text = aligned(&lines);
    for (id, class) in checkpoint.classes.classes.iter().enumerate() {
        let [r, g, b] = class.color;
        text += &format!("{id:>16}  #{r:02x}{g:02x}{b:02x}  {}\n", class.name);
    }
    text
}

/// In which precision the CPU of this machine computes when nothing is chosen.
fn precision_text() -> String {
    match kernels() {
        Ok(kernels) => {
            let precision = usual_precision(kernels).key();
            format!("{precision} on this CPU if nothing is chosen ({})", kernels.isa())
        }
        Err(why) => why.to_string(),
    }
}

fn describe_backbone(backbone: &Backbone) -> String {
    let mut lines = vec![
        (
            "backbone",
            "no decoder: it cannot segment, but a decoder can be trained on it".to_owned(),
        ),
        ("parameters", backbone.weights.parameters().to_string()),
    ];
    lines.extend(backbone.encoder.described());
    lines.push(normalisation_line(&backbone.normalisation));
    lines.extend(provenance_lines(&backbone.provenance));
    lines.extend(remark_lines(&backbone.remarks));
    aligned(&lines)
}

fn normalisation_line(normalisation: &Normalisation) -> InfoLine<'static> {
    let Normalisation { mean, std } = normalisation;
    ("normalise", format!("mean {mean:?}, deviation {std:?}"))
}

fn provenance_lines(provenance: &Provenance) -> impl Iterator<Item = InfoLine<'_>> {
    let notes = provenance
        .notes
        .iter()
        .map(|(name, text)| (name.as_str(), text.clone()));
    std::iter::once(("read from", provenance.layout.clone())).chain(notes)
}

fn remark_lines(remarks: &[String]) -> impl Iterator<Item = InfoLine<'_>> {
    remarks.iter().map(|remark| ("remark", remark.clone()))
}

fn aligned(lines: &[InfoLine]) -> String {
    lines
        .iter()
        .map(|(name, value)| format!("{name:<12} {value}\n"))
        .collect()
}
