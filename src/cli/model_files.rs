//! `segscope info` and `segscope convert`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};

use crate::checkpoint::{self, Checkpoint};
use crate::model::{DecoderSpec, HeadSpec, WindowRules};

/// Print what a model file holds
#[derive(Debug, clap::Args)]
pub(super) struct Info {
    /// A published folder, a .pth or a bundle; the embedded model without one
    file: Option<PathBuf>,
}

impl Info {
    pub(super) fn run(&self) -> Result<()> {
        let checkpoint = match &self.file {
            Some(path) => open(path)?,
            None => checkpoint::open_embedded()?,
        };
        print!("{}", describe(&checkpoint));
        Ok(())
    }
}

fn describe(checkpoint: &Checkpoint) -> String {
    let spec = &checkpoint.spec;
    let (e, i, n) = (&spec.encoder, &spec.inference, &spec.normalisation);
    let mut lines = vec![
        ("model", spec.title()),
        ("parameters", format!("{}", checkpoint.weights.parameters())),
        (
            "encoder",
            format!(
                "{} wide, {} blocks, {} heads, patch {}{}",
                e.dim,
                e.depth,
                e.heads,
                e.patch,
                if e.distilled { ", distillation token" } else { "" }
            ),
        ),
        ("positions", format!("{} x {} patches", e.grid[0], e.grid[1])),
        ("layer norm", format!("epsilon {:e}", e.norm_eps)),
        (
            "decoders",
            spec.decoders
                .iter()
                .map(described_decoder)
                .collect::<Vec<_>>()
                .join("; "),
        ),
        ("normalise", format!("mean {:?}, deviation {:?}", n.mean, n.std)),
        ("window", format!("{} pixels, stride {}", i.window, i.stride)),
        (
            "short side",
            i.short_side.map_or("as it is".into(), |s| format!("{s} pixels")),
        ),
        (
            "rules",
            match i.rules {
                WindowRules::Enlarge => "pictures smaller than the window are enlarged to it".into(),
                WindowRules::Shrink => "pictures smaller than the window are one smaller window".into(),
            },
        ),
        ("read from", checkpoint.provenance.layout.clone()),
    ];
    for (name, text) in &checkpoint.provenance.notes {
        lines.push((name, text.clone()));
    }
    lines.push(("classes", format!("{} ({})", spec.classes, checkpoint.classes.name)));
    let mut text: String = lines
        .iter()
        .map(|(name, value)| format!("{name:<12} {value}\n"))
        .collect();
    for (id, class) in checkpoint.classes.classes.iter().enumerate() {
        let [r, g, b] = class.color;
        text += &format!("{id:>16}  #{r:02x}{g:02x}{b:02x}  {}\n", class.name);
    }
    text
}

fn described_decoder(decoder: &DecoderSpec) -> String {
    let kind = match &decoder.head {
        HeadSpec::Linear => "linear".to_owned(),
        HeadSpec::MaskTransformer { layers, heads, .. } => {
            format!("mask transformer, {layers} blocks, {heads} heads")
        }
        HeadSpec::Up { main, .. } => format!(
            "SETR {}, {} convolutions, on layer {}",
            decoder.head.title(),
            main.stages.len(),
            main.tap + 1
        ),
        HeadSpec::Mla(mla) => {
            let layers: Vec<_> = mla.taps.iter().map(|tap| (tap + 1).to_string()).collect();
            format!("SETR MLA, on layers {}", layers.join(", "))
        }
    };
    let auxiliary: Vec<_> = decoder
        .head
        .auxiliary_taps()
        .iter()
        .map(|tap| (tap + 1).to_string())
        .collect();
    match auxiliary.as_slice() {
        [] => kind,
        layers => format!("{kind}, auxiliary heads on layers {}", layers.join(", ")),
    }
}

/// Turn published checkpoints into a bundle: one file, half the size, with the decoders of all of them
#[derive(Debug, clap::Args)]
pub(super) struct Convert {
    /// Published folders, .pth files or bundles; several need equal encoders
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// The bundle to write, ending in .safetensors
    #[arg(short, long)]
    output: PathBuf,
    /// Write over an existing bundle
    #[arg(long)]
    overwrite: bool,
    /// Add a note to the provenance, such as "licence=CC BY-NC 4.0"; may be given several times
    #[arg(long, value_name = "NAME=TEXT")]
    note: Vec<String>,
}

impl Convert {
    pub(super) fn run(&self) -> Result<()> {
        if self.output.extension().is_none_or(|e| e != "safetensors") {
            bail!(
                "expected a bundle name that ends in .safetensors, found: {}",
                self.output.display()
            );
        }
        if self.output.exists() && !self.overwrite {
            bail!(
                "the bundle exists already; add --overwrite to replace it: {}",
                self.output.display()
            );
        }
        let mut checkpoint = self.merged()?;
        for note in &self.note {
            let Some((name, text)) = note.split_once('=') else {
                bail!("expected a note as NAME=TEXT, found: {note}");
            };
            checkpoint.provenance.add(name, text);
        }
        checkpoint::save_bundle(&checkpoint, &self.output)?;
        let bytes = std::fs::metadata(&self.output)?.len();
        println!(
            "{}: {} in {:.1} MB",
            self.output.display(),
            checkpoint.spec.title(),
            bytes as f64 / 1e6
        );
        Ok(())
    }

    /// The first input with the decoders of all others.
    fn merged(&self) -> Result<Checkpoint> {
        let Some((first, others)) = self.inputs.split_first() else {
            bail!("expected a checkpoint to convert, found none");
        };
        let mut checkpoint = open(first)?;
        for path in others {
            checkpoint.merge(open(path)?).map_err(|why| {
                anyhow!(
                    "{why}; expected the encoder of {}, in {}",
                    first.display(),
                    path.display()
                )
            })?;
        }
        Ok(checkpoint)
    }
}

/// Opens a model to the end.
fn open(path: &Path) -> Result<Checkpoint> {
    Ok(checkpoint::open(path, &mut |_| ControlFlow::Continue(()))?)
}
