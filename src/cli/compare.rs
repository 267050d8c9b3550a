//! `segscope compare`: runs several models on one image and writes a page.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::device_flags::DeviceFlags;
use super::printing::{self, err, out};
use super::truth_flags::TruthFlags;
use super::{open_photo, stopping};
use crate::datasets::{SetFile, Survey, TruthReader};
use crate::export::{self, FigureFile, Format, Report, ReportEntry, ReportedRun, Subject};
use crate::labels::{Agreement, ClassSet, Confusion, LabelMap};
use crate::model::Output;
use crate::photo::{OpenOptions, Photo};
use crate::runtime::{Cost, MemoryWatch, ModelInfo, ModelSource, Session, Task, peak_memory_mib};
use crate::segment::InferenceConfig;

/// Write a page that compares models on an image: masks, cost, time and agreement
#[derive(Debug, clap::Args)]
pub(super) struct Compare {
    /// Image to segment
    image: PathBuf,
    /// Models to compare, with all their decoders: published folders, .pth files or bundles [default: the embedded
    /// models with patch size 32, 16 and 8, each with its first decoder]
    #[arg(long, num_args = 1.., value_name = "FILE-or-FOLDER")]
    models: Vec<PathBuf>,
    /// Ground truth of the image (PNG with ids), to score and compare against
    #[arg(long, value_name = "PNG")]
    labels: Option<PathBuf>,
    /// Data set of the ground truth: ade20k, camvid, cityscapes, pascal_context, pascal_context_59, pascal_voc or your
    /// own .toml file [default: that of the first model]
    #[arg(long, value_name = "NAME-or-FILE", requires = "labels")]
    set: Option<String>,
    #[command(flatten)]
    truth: TruthFlags,
    /// HTML page to write; - is standard output
    #[arg(long, value_name = "HTML")]
    out: PathBuf,
    /// Overwrite an existing page
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    device: DeviceFlags,
}

/// The result of one model.
struct ComparedModel {
    title: String,
    run: ReportedRun,
    map: LabelMap,
    classes: ClassSet,
    image: Photo,
}

impl Compare {
    pub(super) fn run(&self) -> Result<()> {
        printing::leave_stdout_to([self.out.as_path()])?;
        ensure!(
            self.labels.is_some() || self.truth.is_empty(),
            "expected --labels with the flags for ground truth, found none"
        );
        stopping::listen()?;
        let photo = open_photo(&self.image, OpenOptions::default(), (0, None), &|line| {
            err!("segscope: {line}");
        })?;
        let size = [photo.width, photo.height];
        let mut truth = None;
        let mut answers = Vec::new();
        for source in self.sources() {
            // A new session for each model, so that none reuses features or memory of another.
            let mut session = self.device.session();
            let model = session.load(source, &mut |_| stopping::keep_going())?;
            printing::notes(&model.remarks);
            if let (Some(path), None) = (&self.labels, &truth) {
                // Read before the first run, which may take long. Its ids are those of the first model's classes.
                truth = Some(self.read_truth(path, &model, size)?);
            }
            // The embedded models are compared by patch size only.
            let decoders = if self.models.is_empty() {
                1
            } else {
                model.spec.decoders.len()
            };
            for decoder in 0..decoders {
                stopping::check()?;
                let answer = segmented(&mut session, &model, Output::main(decoder), &photo)?;
                let total = answer.run.times.iter().sum::<std::time::Duration>();
                err!("{} in {:.2} s", answer.title, total.as_secs_f64());
                answers.push(answer);
            }
        }
        ensure!(!answers.is_empty(), "expected a model to compare, found none");
        let page = self.page(&photo, answers, truth.as_ref())?;
        let file = self
            .out
            .file_name()
            .context("expected a file name, such as report.html")?;
        let folder = self.out.parent().unwrap_or(Path::new("."));
        let files = [(file.to_string_lossy().into_owned(), FigureFile::Text(page))];
        for path in export::write_figures(folder, &files, self.overwrite)? {
            out!("{}", path.display())?;
        }
        Ok(())
    }

    fn sources(&self) -> Vec<ModelSource> {
        if self.models.is_empty() {
            return ModelSource::PATCH_SIZES.into();
        }
        self.models.iter().cloned().map(ModelSource::Path).collect()
    }

    /// The ground truth as class ids, read by the rules of its data set.
    fn read_truth(&self, path: &Path, model: &ModelInfo, size: [usize; 2]) -> Result<LabelMap> {
        let choices = self.truth.choices();
        let reader = match &self.set {
            Some(name) => {
                let (classes, rules) = SetFile::named(name)?;
                ensure!(
                    classes.len() == model.classes.len(),
                    "set: expected {} classes, as the first model has, found {} in {name}",
                    model.classes.len(),
                    classes.len()
                );
                TruthReader::with(&classes, rules.as_ref(), None, &choices)
            }
            None => model.truth_reader(&choices),
        };
        self.truth.check(&reader)?;
        let truth = reader.read(path, Some(size))?;
        let mut survey = Survey::default();
        survey.add(&truth);
        survey.check(reader.ignored()).map_err(anyhow::Error::msg)?;
        for finding in survey.findings(&model.classes, reader.ignored()) {
            err!("{finding}");
        }
        Ok(truth.map)
    }

    /// The page, with the agreement with the ground truth, or else with the first model.
    fn page(&self, photo: &Photo, answers: Vec<ComparedModel>, truth: Option<&LabelMap>) -> Result<String> {
        let first = &answers[0];
        let (reference, reference_name) = match truth {
            Some(map) => (map.clone(), "the ground truth".to_owned()),
            None => (first.map.clone(), first.title.clone()),
        };
        let classes = first.classes.clone();
        let entries: Vec<ReportEntry> = answers
            .into_iter()
            .map(|answer| ReportEntry {
                // Ids of another class set mean something else.
                agreement: Agreement::of(&answer.map, &reference, classes.len())
                    .filter(|_| answer.classes.has_names_of(&classes)),
                mean_iou: truth
                    .filter(|_| answer.classes.has_names_of(&classes))
                    .and_then(|truth| {
                        let mut confusion = Confusion::new(classes.len());
                        confusion.add(&answer.map, truth).then_some(())?;
                        confusion.mean_iou()
                    }),
                title: answer.title,
                run: Some(answer.run),
                image: answer.image,
            })
            .collect();
        let report = Report {
            name: &self.image.file_name().unwrap_or_default().to_string_lossy(),
            photo,
            reference: &reference_name,
            entries: &entries,
        };
        Ok(report.page()?)
    }
}

fn segmented(session: &mut Session, model: &ModelInfo, output: Output, photo: &Photo) -> Result<ComparedModel> {
    let settings = InferenceConfig::of(&model.spec.inference);
    let task = Task {
        model: model.id,
        output,
        photo,
        photo_id: 0,
        settings: &settings,
    };
    MemoryWatch::default().begin();
    let prediction = session.segment_uncached(&task, &mut |_| stopping::keep_going())?;
    let peak_mib = peak_memory_mib();
    let cost = Cost::of(&model.spec, output, &prediction);
    let subject = Subject {
        photo,
        map: &prediction.labels.map,
        confidence: &prediction.labels.confidence,
        classes: &model.classes,
    };
    let image = export::image(&subject, &export::Options::default(), Format::Overlay)?;
    Ok(ComparedModel {
        title: model.output_title(output),
        run: cost.reported(model.precision, &prediction.timings, peak_mib),
        map: prediction.labels.map,
        classes: model.classes.clone(),
        image,
    })
}
