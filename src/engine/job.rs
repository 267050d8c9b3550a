//! What crosses between the window and the worker: plain data, no tensor.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::{Batch, BatchState};
use super::comparison::{Comparison, ComparisonJob, Labelling, LabelsJob};
use super::cost::Cost;
use super::figures::FigureExport;
use super::heads::{HeadsJob, HeadsOfPicture};
use super::inspection::{Inspection, Look};
use super::kept::Bytes;
use super::memory::MemoryUse;
use super::model_info::{ModelInfo, ModelSource, OpenModel};
use super::progress::Progress;
use super::report::ReportExport;
use super::settings::EngineSettings;
use crate::catalogue::ModelsFolder;
use crate::export::{self, Subject};
use crate::labels::Regions;
use crate::model::Output;
use crate::photo::Photo;
use crate::segment::{Field, Prediction, Settings};

/// Where a photo comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PhotoSource {
    /// The rendered street inside the program.
    Sample,
    /// A file.
    Path(PathBuf),
}

impl PhotoSource {
    /// File name for people.
    pub fn name(&self) -> String {
        match self {
            Self::Sample => "Sample street".into(),
            Self::Path(path) => path
                .file_name()
                .map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into()),
        }
    }

    /// The file behind it, if there is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sample => None,
            Self::Path(path) => Some(path),
        }
    }

    /// File name without its ending, for exports.
    pub fn stem(&self) -> String {
        match self {
            Self::Sample => "street".into(),
            Self::Path(path) => path
                .file_stem()
                .map_or_else(|| "picture".into(), |n| n.to_string_lossy().into()),
        }
    }
}

/// A photo with its number and name.
#[derive(Clone, Debug)]
pub struct OpenPhoto {
    /// Unique in this process.
    pub id: u64,
    /// Where it was read from.
    pub source: PhotoSource,
    /// The pixels.
    pub photo: Arc<Photo>,
}

/// A finished segmentation with what it was made of.
#[derive(Clone, Debug)]
pub struct Segmented {
    /// The photo.
    pub photo: OpenPhoto,
    /// The model.
    pub model: Arc<ModelInfo>,
    /// Which of its outputs.
    pub output: Output,
    /// Labels, confidence, logits, timings.
    pub prediction: Arc<Prediction>,
    /// Pixels per class.
    pub counts: Arc<[u64]>,
    /// Connected regions of equal class.
    pub regions: Arc<Regions>,
    /// Regions per class.
    pub region_counts: Arc<[u32]>,
    /// What it costs on any machine.
    pub cost: Cost,
    /// The most memory that the process held while it ran, in MiB, where that was measured.
    pub peak_mib: Option<u64>,
}

impl Segmented {
    /// A result with what follows from its label map.
    pub(super) fn new(photo: OpenPhoto, model: Arc<ModelInfo>, output: Output, prediction: Prediction) -> Self {
        let map = &prediction.labels.map;
        let regions = Regions::of(map);
        Self {
            photo,
            counts: map.counts(model.classes.len()).into(),
            region_counts: regions.counts(model.classes.len()).into(),
            regions: Arc::new(regions),
            cost: Cost::of(&model.spec, output, &prediction),
            peak_mib: None,
            model,
            output,
            prediction: Arc::new(prediction),
        }
    }

    /// What made it, such as `SETR-PUP-L/16 layer 10`.
    pub fn title(&self) -> String {
        self.model.output_title(self.output)
    }

    /// How many classes are in the picture.
    pub fn present(&self) -> usize {
        self.counts.iter().filter(|count| **count > 0).count()
    }

    /// Memory that the result holds, in bytes: photo, labels, confidence, margin, logits and regions.
    pub fn bytes(&self) -> usize {
        let Prediction { labels, fields, .. } = &*self.prediction;
        let per_pixel = labels.map.ids.len() + labels.confidence.len() + labels.margin.len();
        self.photo.photo.rgb.len()
            + per_pixel * size_of::<u16>()
            + fields.iter().map(Field::bytes).sum::<usize>()
            + self.regions.bytes()
            + size_of_val(&*self.counts)
    }

    /// File name without ending for an export.
    pub(super) fn file_stem(&self, options: &export::Options) -> String {
        options.file_stem(&self.photo.source.stem(), &self.title())
    }

    /// What an export takes of it.
    pub(super) fn subject(&self) -> Subject<'_> {
        let labels = &self.prediction.labels;
        Subject {
            photo: &self.photo.photo,
            map: &labels.map,
            confidence: &labels.confidence,
            classes: &self.model.classes,
        }
    }
}

impl Bytes for Segmented {
    fn bytes(&self) -> usize {
        Self::bytes(self)
    }
}

/// What to export, and where.
#[derive(Clone, Debug)]
pub struct ExportJob {
    /// The result.
    pub result: Segmented,
    /// Formats and look.
    pub options: export::Options,
    /// Target folder.
    pub folder: PathBuf,
}

/// A picture as clipboards take it.
#[derive(Clone, Debug)]
pub struct Rgba {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue and 255 of each pixel, row by row.
    pub bytes: Vec<u8>,
}

impl From<&Photo> for Rgba {
    fn from(photo: &Photo) -> Self {
        let pixels = photo.rgb.as_chunks().0.iter();
        Self {
            width: photo.width,
            height: photo.height,
            bytes: pixels.flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect(),
        }
    }
}

/// Work for the worker. Whatever asks for a segmentation carries a generation: a newer one stops an older one.
#[derive(Clone, Debug)]
pub enum Job {
    /// Compute in another way from now on: another device, other threads, other limits.
    ///
    /// A device that changes is answered by [`Event::Device`]; or by [`Event::DeviceFailed`], and everything goes on as
    /// before.
    Configure(EngineSettings),
    /// Sort out what was dropped or chosen: pictures, folders of pictures, a model.
    Find(Vec<PathBuf>),
    /// Look which models lie in a folder; the answer is an [`Event::ModelsFound`].
    ScanModels(PathBuf),
    /// Open a model beside those that are open.
    LoadModel {
        /// From [`Engine::next_load`](super::Engine::next_load); stale once a newer one has been asked for.
        number: u64,
        /// Where it is.
        source: ModelSource,
    },
    /// Close the model with this number; a batch that uses it ends.
    CloseModel(u64),
    /// Read a photo.
    OpenPhoto(PhotoSource),
    /// Segment a photo.
    Segment {
        /// Stale once a newer generation has been asked for.
        generation: u64,
        /// The photo.
        photo: OpenPhoto,
        /// Number of an open model.
        model: u64,
        /// One of its outputs.
        output: Output,
        /// `None` for the model's own.
        settings: Option<Settings>,
    },
    /// Run a photo for looking inside.
    LookInside(Look),
    /// Look into a whole picture and say how far and how sharply each head looks; nothing of it is kept.
    MeasureHeads(HeadsJob),
    /// Segment pictures one after another whenever no other job waits; in place of a batch that is not done.
    SegmentAll(Batch),
    /// Read the label map of a picture; answered by [`Event::Labels`].
    ReadLabels(LabelsJob),
    /// Compare two label maps; answered by [`Event::Compared`].
    Compare(ComparisonJob),
    /// Say which files an export would write.
    PlanExport {
        /// Comes back with the answer.
        number: u64,
        /// What would be exported.
        job: ExportJob,
    },
    /// Export.
    Export(ExportJob),
    /// Write maps of attention; answered as an export.
    ExportFigures(FigureExport),
    /// Write a page that compares; answered as an export.
    ExportReport(ReportExport),
    /// Draw one format as a picture, for the clipboard; the job's folder does not matter.
    Draw {
        /// Which one.
        format: export::Format,
        /// What to draw, and how.
        job: ExportJob,
    },
}

/// What the worker has to say.
#[derive(Clone, Debug)]
pub enum Event {
    /// The device in use, and why it is not a GPU.
    Device {
        /// Name for people.
        name: String,
        /// Why `auto` took the CPU.
        note: Option<String>,
        /// There is a GPU, and it could not be used.
        gpu_failed: bool,
    },
    /// The device that was asked for cannot be used; the one before stays.
    DeviceFailed(String),
    /// What was dropped or chosen.
    Found {
        /// Pictures in the order given, those of a folder in natural order; none twice.
        pictures: Vec<PathBuf>,
        /// The first folder that gave pictures.
        folder: Option<PathBuf>,
        /// The first model: a file, or a folder that holds one.
        model: Option<PathBuf>,
        /// A sentence on each path that is neither.
        problems: Vec<String>,
    },
    /// Which models lie in a folder.
    ModelsFound(Arc<ModelsFolder>),
    /// A model is being opened.
    ModelProgress {
        /// Of which request.
        number: u64,
        /// Share that is done, 0..=1; never goes back.
        fraction: f32,
    },
    /// A model is open.
    Model {
        /// Of which request.
        number: u64,
        /// What it is.
        model: Arc<ModelInfo>,
    },
    /// A model could not be opened; the others stay.
    ModelFailed {
        /// Of which request.
        number: u64,
        /// What happened and what to do.
        message: String,
    },
    /// Opening a model was stopped; the others stay.
    ModelCancelled {
        /// Of which request.
        number: u64,
    },
    /// The models that are open, whenever one comes, goes or has to make room for others.
    OpenModels(Vec<OpenModel>),
    /// A look inside goes on.
    LookProgress {
        /// Of which request.
        number: u64,
        /// How far.
        progress: Progress,
    },
    /// A look inside is done.
    Inside(Arc<Inspection>),
    /// There is nothing to look into; without a message when it was stopped.
    LookFailed {
        /// Of which request.
        number: u64,
        /// What happened and what to do.
        message: Option<String>,
    },
    /// How far and how sharply each head looks.
    HeadsMeasured {
        /// Of which request.
        number: u64,
        /// The figures, or what happened and what to do; `None` when it was stopped.
        figures: Option<Result<HeadsOfPicture, String>>,
    },
    /// A photo was read.
    Photo(OpenPhoto),
    /// A photo could not be read.
    PhotoFailed(String),
    /// A run goes on.
    Progress {
        /// Of which request.
        generation: u64,
        /// How far.
        progress: Progress,
    },
    /// A run is finished.
    Segmented {
        /// Of which request.
        generation: u64,
        /// Everything about it.
        result: Segmented,
    },
    /// A run was stopped.
    Cancelled {
        /// Of which request.
        generation: u64,
    },
    /// A run failed.
    SegmentFailed {
        /// Of which request.
        generation: u64,
        /// What happened and what to do.
        message: String,
    },
    /// A label map that was read, or why there is none.
    Labels {
        /// Of which request.
        number: u64,
        /// The labels, or what happened and what to do.
        labels: Result<Labelling, String>,
    },
    /// How two label maps differ.
    Compared {
        /// Of which request.
        number: u64,
        /// `None` when they differ in size.
        comparison: Option<Arc<Comparison>>,
    },
    /// A picture of a batch has come to another state.
    BatchPicture {
        /// Of which batch.
        number: u64,
        /// Which of its pictures.
        index: usize,
        /// How far it is.
        state: BatchState,
    },
    /// A batch goes on.
    BatchProgress {
        /// Of which batch.
        number: u64,
        /// Of the whole batch; the time that is left follows from the mean of the pictures that are done.
        progress: Progress,
        /// Pictures that are done.
        done: usize,
        /// Pictures that failed.
        failed: usize,
        /// Pictures whose files were there already.
        there: usize,
        /// Pictures of the batch.
        total: usize,
    },
    /// A batch is over. A picture that was running then has no result.
    BatchEnded {
        /// Which one.
        number: u64,
        /// Pictures that are done.
        done: usize,
        /// Pictures that failed.
        failed: usize,
        /// Pictures whose files were there already.
        there: usize,
        /// It was stopped: on request, by a newer batch or because its model was closed.
        cancelled: bool,
    },
    /// Memory in use, after a job or a picture of a batch.
    Memory(MemoryUse),
    /// Files that an export would write.
    ExportPlanned {
        /// Of which request.
        number: u64,
        /// The files.
        files: Vec<export::PlannedFile>,
    },
    /// Files that were written.
    Exported {
        /// Where.
        folder: PathBuf,
        /// The files.
        files: Vec<PathBuf>,
    },
    /// Nothing or not everything was written.
    ExportFailed(String),
    /// A picture that was drawn.
    Drawn {
        /// What it shows.
        format: export::Format,
        /// The picture.
        rgba: Rgba,
    },
    /// A picture could not be drawn.
    DrawFailed(String),
}
