//! `segscope models`: the released checkpoints, which of them are in the models folder, and where to get the others.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::{Value, json};

use super::printing::{self, out};
use crate::catalogue::{self, ModelsFolder, Project, Released, Size};

/// List released models, where to get them and which are in the models folder; downloads nothing
#[derive(Debug, clap::Args)]
pub(super) struct Models {
    /// Folder of downloaded models [default: models in the system's data folder]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Models {
    pub(super) fn run(&self) -> Result<()> {
        let folder = self.folder.clone().or_else(catalogue::usual_folder);
        let folder = folder.context("the system has no data folder; name a folder for models with --folder DIR")?;
        let released = catalogue::released();
        let found = catalogue::present(&folder, released);
        if let Some(problem) = &found.problem {
            bail!("{problem}");
        }
        if self.json {
            out!("{}", as_json(released, &found))
        } else {
            printing::text(format_args!("{}", described(released, &found)))
        }
    }
}

/// Headings of the table.
const HEADINGS: [&str; 9] = [
    "no",
    "model",
    "data set",
    "training",
    "mIoU ss / ms",
    "parameters",
    "size",
    "crop",
    "present",
];

/// Columns with numbers, which are right-aligned.
const FIGURES: [usize; 5] = [0, 4, 5, 6, 7];

fn described(released: &[Released], found: &ModelsFolder) -> String {
    let rows: Vec<[String; HEADINGS.len()]> = released
        .iter()
        .enumerate()
        .map(|(index, model)| row(index, model, found))
        .collect();
    let widths: [usize; HEADINGS.len()] = std::array::from_fn(|column| {
        let texts = rows.iter().map(|row| row[column].as_str()).chain([HEADINGS[column]]);
        texts.map(|text| text.chars().count()).max().unwrap_or(0)
    });
    let mut text = line(&HEADINGS.map(str::to_owned), &widths);
    for project in Project::ALL {
        text += &format!("{}\n", project.name());
        let of_project = released.iter().zip(&rows).filter(|(model, _)| model.project == project);
        of_project.for_each(|(_, row)| text += &line(row, &widths));
    }
    text += "\nmIoU in percent, single scale / multi-scale with flip, as published. A size with ~ is an estimate: four bytes \
             per parameter.\n";
    text += &links(released);
    text += &format!(
        "\nSegscope downloads nothing. Put downloaded files into this folder: {}\n",
        found.path.display()
    );
    text + &rest(found)
}

fn row(index: usize, model: &Released, found: &ModelsFolder) -> [String; HEADINGS.len()] {
    let present: Vec<String> = found
        .of(index)
        .map(|file| match file.released.len() {
            1 => file.name.clone(),
            twins => format!("{} (one of {twins})", file.name),
        })
        .collect();
    [
        (index + 1).to_string(),
        model.name.clone(),
        model.data_set_title().to_owned(),
        model.training.clone().unwrap_or_default(),
        model.miou_text(),
        model.parameters_text(),
        model.size_text(),
        model.crop.to_string(),
        match present.is_empty() {
            true => "-".to_owned(),
            false => present.join(", "),
        },
    ]
}

fn line(cells: &[String; HEADINGS.len()], widths: &[usize; HEADINGS.len()]) -> String {
    let padded = cells
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(column, (cell, width))| match FIGURES.contains(&column) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
    let line = padded.collect::<Vec<_>>().join("  ");
    format!("{}\n", line.trim_end())
}

/// Where each model is published, by its number, with remarks.
fn links(released: &[Released]) -> String {
    let mut text = String::new();
    for project in Project::ALL {
        text += &format!("\n{}: {}\n", project.name(), project.how_to_get());
        for (index, model) in released
            .iter()
            .enumerate()
            .filter(|(_, model)| model.project == project)
        {
            text += &format!("{:>3}  {}\n", index + 1, model.url);
            if let Some(remarks) = &model.remarks {
                text += &format!("     {remarks}\n");
            }
        }
    }
    text
}

/// The other files in the folder.
fn rest(found: &ModelsFolder) -> String {
    let mut text = String::new();
    if found.others().next().is_some() {
        text += "\nOther models in this folder:\n";
    }
    for model in found.others() {
        text += &format!("  {}  {}, {} classes\n", model.name, model.title, model.classes);
    }
    if !found.unrecognised.is_empty() {
        text += "\nNot recognised as models:\n";
    }
    for file in &found.unrecognised {
        let first = file.why.lines().next().unwrap_or_default();
        text += &format!("  {first}\n");
    }
    text
}

/// A released checkpoint as JSON.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    model: &'a Released,
    /// Size of the download in 10⁶ bytes.
    megabytes: Option<f64>,
    /// Whether the size is an estimate.
    megabytes_estimated: bool,
    /// Links to download.
    links: Vec<String>,
    /// Files or folders that may be this model.
    present: Vec<Value>,
}

fn as_json(released: &[Released], found: &ModelsFolder) -> Value {
    let rows = released.iter().enumerate().map(|(index, model)| Row {
        model,
        megabytes: model.size().map(Size::megabytes),
        megabytes_estimated: matches!(model.size(), Some(Size::Estimated(_))),
        links: model.links(),
        present: found
            .of(index)
            .map(|file| json!({ "path": text(&file.path), "certain": file.released.len() == 1 }))
            .collect(),
    });
    let others = found
        .others()
        .map(|model| json!({ "path": text(&model.path), "title": model.title, "classes": model.classes }));
    let unrecognised = found
        .unrecognised
        .iter()
        .map(|file| json!({ "path": text(&file.path), "why": file.why }));
    json!({
        "folder": text(&found.path),
        "released": rows.collect::<Vec<_>>(),
        "others": others.collect::<Vec<_>>(),
        "unrecognised": unrecognised.collect::<Vec<_>>(),
    })
}

/// A path as text for JSON.
fn text(path: &Path) -> String {
    path.display().to_string()
}
