//! `segscope compare`: one picture through several models, as one page.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::engine::{DeviceChoice, ModelInfo, ModelSource, Output, Prediction, Session, Task};
use crate::export::{self, FigureFile, Format, Subject};
use crate::labels::{Agreement, BOUNDARY_PIXELS, LabelMap};
use crate::photo::Photo;
use crate::segment::{Field, Settings};

/// Write one page that compares models on a picture: their masks, cost, time and agreement
#[derive(Debug, clap::Args)]
pub(super) struct Compare {
    /// The picture
    picture: PathBuf,
    /// Published folders, .pth files or bundles, of which all decoders are compared; the embedded models with patch 32,
    /// 16 and 8 without any
    #[arg(long, num_args = 1.., value_name = "FILE-OR-FOLDER")]
    models: Vec<PathBuf>,
    /// A label map of the picture (PNG with class ids), to compare with
    #[arg(long, value_name = "PNG")]
    labels: Option<PathBuf>,
    /// The page to write
    #[arg(long, value_name = "HTML")]
    out: PathBuf,
    /// Write over an existing page
    #[arg(long)]
    overwrite: bool,
    /// Where to compute
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceChoice,
}

/// Longest side of the pictures in the page, in pixels.
const SIDE: usize = 960;

/// One model's answer.
struct Entry {
    title: String,
    patch: usize,
    tokens: usize,
    windows: usize,
    operations: f64,
    prediction: Prediction,
    picture: Photo,
    peak_mib: Option<u64>,
    classes: usize,
}

impl Compare {
    pub(super) fn run(&self) -> Result<()> {
        let photo = Photo::open(&self.picture)?;
        let truth = self.labels.as_ref().map(|path| {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read the label map {}", path.display()))?;
            let map =
                LabelMap::from_png(&bytes).with_context(|| format!("this is no label map: {}", path.display()))?;
            ensure!(
                [map.width, map.height] == [photo.width, photo.height],
                "expected a label map as large as the picture ({} x {}), found {} x {}: {}",
                photo.width,
                photo.height,
                map.width,
                map.height,
                path.display()
            );
            Ok(map)
        });
        let truth = truth.transpose()?;
        let mut entries = Vec::new();
        for source in self.sources() {
            // Anew for each, so that none finds features or memory of another.
            let mut session = Session::new(self.device);
            let model = session.load(source, &mut |_| ControlFlow::Continue(()))?;
            for decoder in 0..model.spec.decoders.len() {
                let entry = segmented(&mut session, &model, Output::main(decoder), &photo)?;
                let total = entry.prediction.timings.total().as_secs_f64();
                eprintln!("{} in {total:.2} s", entry.title);
                entries.push(entry);
            }
        }
        ensure!(!entries.is_empty(), "expected a model to compare, found none");
        let name = self.picture.file_name().unwrap_or_default().to_string_lossy();
        let page = page(&name, &photo, &entries, truth.as_ref())?;
        let file = self
            .out
            .file_name()
            .context("expected a file name, such as report.html")?;
        let folder = self.out.parent().unwrap_or(std::path::Path::new("."));
        let files = [(file.to_string_lossy().into_owned(), FigureFile::Text(page))];
        for path in export::write_figures(folder, &files, self.overwrite)? {
            println!("{}", path.display());
        }
        Ok(())
    }

    fn sources(&self) -> Vec<ModelSource> {
        if self.models.is_empty() {
            return ModelSource::PATCH_SIZES.into();
        }
        self.models.iter().cloned().map(ModelSource::Path).collect()
    }
}

fn segmented(session: &mut Session, model: &ModelInfo, output: Output, photo: &Photo) -> Result<Entry> {
    let settings = Settings::of(&model.spec.inference);
    let task = Task {
        model: model.id,
        output,
        photo,
        photo_id: 0,
        settings: &settings,
    };
    let prediction = session.segment_in_passing(&task, &mut |_| ControlFlow::Continue(()))?;
    let patch = model.spec.encoder.patch;
    let passes = settings.passes(photo, patch)?;
    let pass = passes.first().context("there is nothing to segment")?;
    let grid = pass.window.map(|side| side.div_ceil(patch));
    let subject = Subject {
        photo,
        map: &prediction.labels.map,
        confidence: &prediction.labels.confidence,
        classes: &model.classes,
    };
    let picture = export::picture(&subject, &export::Options::default(), Format::Overlay)?;
    let windows = |fields: &[Field]| fields.iter().map(|f| f.columns.len() * f.rows.len()).sum::<usize>();
    let windows = windows(&prediction.fields);
    Ok(Entry {
        title: model.output_title(output),
        patch,
        tokens: grid[0] * grid[1] + model.spec.encoder.extra_tokens(),
        windows,
        operations: model.spec.operations(output, [grid[1], grid[0]]) * windows as f64,
        picture: small(&picture),
        prediction,
        peak_mib: crate::engine::peak_memory_mib(),
        classes: model.spec.classes,
    })
}

fn small(photo: &Photo) -> Photo {
    let longest = photo.width.max(photo.height);
    if longest <= SIDE {
        return photo.clone();
    }
    let scaled = |side: usize| (side * SIDE / longest).max(1);
    photo.resized(scaled(photo.width), scaled(photo.height))
}

fn page(name: &str, photo: &Photo, entries: &[Entry], truth: Option<&LabelMap>) -> Result<String> {
    let name = escaped(name);
    let first = &entries[0];
    let (reference, reference_name) = match truth {
        Some(map) => (map, "the label map"),
        None => (&first.prediction.labels.map, first.title.as_str()),
    };
    let mut rows = String::new();
    let mut figures = figure("The picture", &small(photo))?;
    for entry in entries {
        let t = &entry.prediction.timings;
        let ms = [t.encode, t.decode, t.labels, t.total()].map(|time| time.as_secs_f64() * 1e3);
        let agreement = Agreement::of(&entry.prediction.labels.map, reference, entry.classes);
        let percent = |value: f64| format!("{:.1}", value * 100.0);
        let mut cells = vec![
            escaped(&entry.title),
            entry.patch.to_string(),
            entry.tokens.to_string(),
            entry.windows.to_string(),
            format!("{:.1}", entry.operations / 1e9),
        ];
        cells.extend(ms.map(|ms| format!("{ms:.0}")));
        cells.push(entry.peak_mib.map_or_else(String::new, |mib| mib.to_string()));
        match agreement {
            Some(found) => {
                cells.push(percent(found.same));
                cells.extend(found.boundary.map(percent));
            }
            None => cells.extend(std::iter::repeat_n(String::new(), 1 + BOUNDARY_PIXELS.len())),
        }
        writeln!(rows, "<tr><td>{}</td></tr>", cells.join("</td><td>"))?;
        figures += &figure(&entry.title, &entry.picture)?;
    }
    let boundary: String = BOUNDARY_PIXELS
        .iter()
        .map(|pixels| format!("<th>edges, {pixels} px</th>"))
        .collect();
    let reference_name = escaped(reference_name);
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}, compared</title>\n<style>\n\
         body {{ font-family: sans-serif; margin: 2em; }}\n\
         table {{ border-collapse: collapse; margin: 1em 0; }}\n\
         th, td {{ padding: 0.3em 0.7em; border-bottom: 1px solid #ccc; text-align: right; }}\n\
         th:first-child, td:first-child {{ text-align: left; }}\n\
         .figures {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 1em; }}\n\
         figure {{ margin: 0; }}\nimg {{ width: 100%; }}\n</style></head><body>\n\
         <h1>{name}</h1>\n<p>{width} x {height} pixels. Agreement and edges in percent, with {reference_name}: pixels with the \
         same label, and boundaries that lie within a few pixels of each other. Peak memory is that of the process so \
         far, in MiB; times in milliseconds.</p>\n<table>\n<tr><th>model</th><th>patch</th><th>tokens</th>\
         <th>windows</th><th>GFLOP</th><th>encoder</th><th>decoder</th><th>labels</th><th>total</th><th>peak MiB</th>\
         <th>agreement</th>{boundary}</tr>\n{rows}</table>\n<div class=\"figures\">\n{figures}</div>\n</body></html>\n",
        width = photo.width,
        height = photo.height,
    ))
}

fn figure(title: &str, picture: &Photo) -> Result<String> {
    let png = STANDARD.encode(export::png(picture)?);
    let title = escaped(title);
    Ok(format!(
        "<figure><img alt=\"{title}\" src=\"data:image/png;base64,{png}\"><figcaption>{title}</figcaption></figure>\n"
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
