//! What crosses between the window and the worker: plain data, no tensor.

use std::path::PathBuf;
use std::sync::Arc;

use super::batch::{Batch, BatchState};
use crate::catalogue::ModelsFolder;
use crate::export;
use crate::model::Output;
use crate::runtime::{
    Comparison, ComparisonJob, EngineSettings, ExportJob, FigureExport, Found, HeadsJob, HeadsOfPicture, Inspection,
    Labelling, LabelsJob, Look, MemoryUse, ModelInfo, ModelSource, OpenModel, OpenPhoto, PhotoSource, Progress,
    ReportExport, Rgba, Segmented,
};
use crate::segment::Settings;

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
    Found(Found),
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
