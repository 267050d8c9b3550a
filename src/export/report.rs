//! A page that compares models on an image: masks, cost, time and agreement, in one file without links.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ExportError, png};
use crate::labels::{Agreement, BOUNDARY_PIXELS};
use crate::photo::Photo;

/// Longest side of the images in the page, in pixels.
const SIDE: usize = 960;

/// The entry of one model or one label map.
#[derive(Debug)]
pub struct ReportEntry {
    /// Its title.
    pub title: String,
    /// The cost of the model's run; `None` for a label map from a file.
    pub run: Option<ReportedRun>,
    /// Its agreement with the report's reference.
    pub agreement: Option<Agreement>,
    /// Mean IoU with the ground truth, 0..=1.
    pub mean_iou: Option<f64>,
    /// Its masks over the image.
    pub image: Photo,
}

/// The cost of a run.
#[derive(Clone, Copy, Debug)]
pub struct ReportedRun {
    /// Side of a patch in pixels, where the encoder has patches.
    pub patch: Option<usize>,
    /// Tokens of a window.
    pub tokens: Option<usize>,
    /// Windows of all passes.
    pub windows: usize,
    /// Floating-point operations.
    pub operations: f64,
    /// Precision of the products: `f32`, `bf16` or `int8`.
    pub precision: &'static str,
    /// Time in the encoder, decoder and label pass.
    pub times: [Duration; 3],
    /// Peak memory of the process during the run, in MiB.
    pub peak_mib: Option<u64>,
}

/// The content of the page.
#[derive(Debug)]
pub struct Report<'a> {
    /// Name of the image.
    pub name: &'a str,
    /// The image.
    pub photo: &'a Photo,
    /// Name of the reference that the entries are compared with.
    pub reference: &'a str,
    /// The entries, one row each.
    pub entries: &'a [ReportEntry],
}

impl Report<'_> {
    /// The page as HTML, with all images in it, reduced to at most 960 pixels on their longer side.
    ///
    /// # Errors
    /// When an image cannot be written as PNG.
    pub fn page(&self) -> Result<String, ExportError> {
        let with_truth = self.entries.iter().any(|entry| entry.mean_iou.is_some());
        let mut rows = String::new();
        let mut figures = figure("The image", self.photo)?;
        for entry in self.entries {
            let cells = cells(entry, with_truth);
            // Writing to a string does not fail.
            writeln!(rows, "<tr><td>{}</td></tr>", cells.join("</td><td>")).ok();
            figures += &figure(&entry.title, &entry.image)?;
        }
        let boundary: String = BOUNDARY_PIXELS
            .iter()
            .map(|pixels| format!("<th>edges, {pixels} px</th>"))
            .collect();
        let score = if with_truth { "<th>mIoU</th>" } else { "" };
        let (name, reference) = (escaped(self.name), escaped(self.reference));
        let (width, height) = (self.photo.width, self.photo.height);
        Ok(format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}, compared</title>\n\
             <style>\nbody {{ font-family: sans-serif; margin: 2em; }}\n\
             table {{ border-collapse: collapse; margin: 1em 0; }}\n\
             th, td {{ padding: 0.3em 0.7em; border-bottom: 1px solid #ccc; text-align: right; }}\n\
             th:first-child, td:first-child {{ text-align: left; }}\n\
             .figures {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 1em; }}\n\
             figure {{ margin: 0; }}\nimg {{ width: 100%; }}\n</style></head><body>\n\
             <h1>{name}</h1>\n<p>{width} x {height} pixels. Agreement and edges in percent, with {reference}: pixels \
             with the same label, and boundaries within a few pixels of each other. Peak memory is that of the whole \
             process while the model ran, in MiB; times in milliseconds; cached: the encoder's result was reused from \
             an earlier run.</p>\n<table>\n\
             <tr><th>model</th><th>patch</th><th>tokens</th><th>windows</th><th>GFLOP</th><th>precision</th><th>encoder</th>\
             <th>decoder</th><th>labels</th><th>total</th><th>peak MiB</th><th>agreement</th>{boundary}{score}</tr>\n\
             {rows}</table>\n<div class=\"figures\">\n{figures}</div>\n</body></html>\n",
        ))
    }
}

/// The cells of an entry's row.
fn cells(entry: &ReportEntry, with_truth: bool) -> Vec<String> {
    let percent = |value: f64| format!("{:.1}", value * 100.0);
    let mut cells = vec![escaped(&entry.title)];
    match &entry.run {
        Some(run) => {
            let counts = [run.patch, run.tokens, Some(run.windows)];
            cells.extend(counts.map(|count| count.map_or_else(|| "–".into(), |count| count.to_string())));
            cells.push(format!("{:.1}", run.operations / 1e9));
            cells.push(run.precision.into());
            let total = run.times.iter().sum::<Duration>();
            let times = run.times.into_iter().chain([total]);
            let mut times = times.map(|time| format!("{:.0}", time.as_secs_f64() * 1e3));
            if run.times[0].is_zero() {
                // The features came from an earlier run.
                times.next();
                cells.push("cached".into());
            }
            cells.extend(times);
            cells.push(run.peak_mib.map_or_else(String::new, |mib| mib.to_string()));
        }
        None => cells.extend(std::iter::repeat_n(String::new(), 10)),
    }
    match &entry.agreement {
        Some(found) => {
            cells.push(percent(found.same));
            cells.extend(found.boundary.map(percent));
        }
        None => cells.extend(std::iter::repeat_n(String::new(), 1 + BOUNDARY_PIXELS.len())),
    }
    if with_truth {
        cells.push(entry.mean_iou.map_or_else(String::new, percent));
    }
    cells
}

fn figure(title: &str, image: &Photo) -> Result<String, ExportError> {
    let longest = image.width.max(image.height);
    let png = if longest > SIDE {
        let scaled = |side: usize| (side * SIDE / longest).max(1);
        png(&image.resized(scaled(image.width), scaled(image.height)))?
    } else {
        png(image)?
    };
    let png = STANDARD.encode(png);
    let title = escaped(title);
    Ok(format!(
        "<figure><img alt=\"{title}\" src=\"data:image/png;base64,{png}\"><figcaption>{title}</figcaption></figure>\n"
    ))
}

/// Text escaped for HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_as_many_cells_as_the_heading() {
        let photo = Photo::new(1, 1, vec![0; 3]);
        let run = ReportedRun {
            patch: Some(16),
            tokens: Some(5),
            windows: 1,
            operations: 1e9,
            precision: "f32",
            times: [Duration::from_millis(5); 3],
            peak_mib: None,
        };
        let entry = |title: &str, run, mean_iou| ReportEntry {
            title: title.into(),
            run,
            agreement: None,
            mean_iou,
            image: photo.clone(),
        };
        for truth in [None, Some(0.5)] {
            let entries = [entry("A <b>", Some(run), truth), entry("B", None, None)];
            let report = Report {
                name: "x",
                photo: &photo,
                reference: "y",
                entries: &entries,
            };
            let page = report.page().expect("a page");
            let count = |tag: &str| page.matches(tag).count();
            assert_eq!(2 * count("<th>"), count("<td>"), "{page}");
            assert_eq!(count("<th>mIoU</th>"), usize::from(truth.is_some()));
            assert!(page.contains("A &lt;b>") && !page.contains("A <b>"));
        }
    }
}
