//! What crosses between the window and the worker: plain data, no tensor.

use std::path::PathBuf;
use std::sync::Arc;

use super::batch::{Batch, BatchState};
use super::ticket::Ticket;
use crate::catalogue::ModelsFolder;
use crate::export;
use crate::model::Output;
use crate::runtime::{
    Comparison, ComparisonJob, ExportJob, FigureExport, Found, HeadsJob, HeadsOfPicture, Inspection, Labelling,
    LabelsJob, Look, MemoryUse, ModelInfo, ModelSource, OpenModel, OpenPhoto, PhotoSource, Progress, ReportExport,
    Rgba, Segmented,
};
use crate::segment::Settings;

/// Work for the worker. What can go out of date carries a ticket: once that is withdrawn, it does not begin or stops at
/// its next block.
#[derive(Clone, Debug)]
pub enum Job {
    /// Sort out what was dropped or chosen: pictures, folders of pictures, a model.
    Find(Vec<PathBuf>),
    /// Look which models lie in a folder; the answer is an [`Event::ModelsFound`].
    ScanModels(PathBuf),
    /// Open a model beside those that are open.
    LoadModel {
        /// Comes back with every answer.
        ticket: Ticket,
        /// Where it is.
        source: ModelSource,
    },
    /// Close the model with this number; a batch that uses it ends.
    CloseModel(u64),
    /// Read a photo.
    OpenPhoto {
        /// Comes back with the answer.
        ticket: Ticket,
        /// Where it is.
        source: PhotoSource,
    },
    /// Segment a photo.
    Segment {
        /// Comes back with every answer.
        ticket: Ticket,
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
    LookInside {
        /// Comes back with every answer.
        ticket: Ticket,
        /// What to look into.
        look: Look,
    },
    /// Look into a whole picture and say how far and how sharply each head looks; nothing of it is kept.
    MeasureHeads {
        /// Comes back with the answer.
        ticket: Ticket,
        /// The picture.
        job: HeadsJob,
    },
    /// Segment pictures one after another whenever no other job waits; in place of a batch that is not done.
    SegmentAll {
        /// Comes back with everything that is said about it.
        ticket: Ticket,
        /// The pictures.
        batch: Batch,
    },
    /// Read the label map of a picture; answered by [`Event::Labels`], or by nothing when it was withdrawn before.
    ReadLabels {
        /// Comes back with the answer.
        ticket: Ticket,
        /// The file.
        job: LabelsJob,
    },
    /// Compare two label maps; answered by [`Event::Compared`], or by nothing when it was withdrawn before.
    Compare {
        /// Comes back with the answer.
        ticket: Ticket,
        /// The label maps.
        job: ComparisonJob,
    },
    /// Say which files an export would write; answered by [`Event::ExportPlanned`], or by nothing when it was withdrawn
    /// before.
    PlanExport {
        /// Comes back with the answer.
        ticket: Ticket,
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
    /// The device in use, and why it is not a GPU: when it is another than before, and after it was chosen anew.
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
        ticket: Ticket,
        /// Share that is done, 0..=1; never goes back.
        fraction: f32,
    },
    /// A model is open.
    Model {
        /// Of which request.
        ticket: Ticket,
        /// What it is.
        model: Arc<ModelInfo>,
    },
    /// A model could not be opened; the others stay.
    ModelFailed {
        /// Of which request.
        ticket: Ticket,
        /// What happened and what to do.
        message: String,
    },
    /// Opening a model was stopped; the others stay.
    ModelCancelled {
        /// Of which request.
        ticket: Ticket,
    },
    /// The models that are open, whenever one comes, goes or has to make room for others.
    OpenModels(Vec<OpenModel>),
    /// A look inside goes on.
    LookProgress {
        /// Of which request.
        ticket: Ticket,
        /// How far.
        progress: Progress,
    },
    /// A look inside is done.
    Inside {
        /// Of which request.
        ticket: Ticket,
        /// What was kept.
        inspection: Arc<Inspection>,
    },
    /// There is nothing to look into; without a message when it was stopped or withdrawn before.
    LookFailed {
        /// Of which request.
        ticket: Ticket,
        /// What happened and what to do.
        message: Option<String>,
    },
    /// How far and how sharply each head looks.
    HeadsMeasured {
        /// Of which request.
        ticket: Ticket,
        /// The figures, or what happened and what to do; `None` when it was stopped or withdrawn before.
        figures: Option<Result<HeadsOfPicture, String>>,
    },
    /// A photo was read.
    Photo {
        /// Of which request.
        ticket: Ticket,
        /// The photo.
        photo: OpenPhoto,
    },
    /// A photo could not be read.
    PhotoFailed {
        /// Of which request.
        ticket: Ticket,
        /// What happened and what to do.
        message: String,
    },
    /// A photo was not read, for nobody waits for it any more.
    PhotoCancelled {
        /// Of which request.
        ticket: Ticket,
    },
    /// A run goes on.
    Progress {
        /// Of which request.
        ticket: Ticket,
        /// How far.
        progress: Progress,
    },
    /// A run is finished.
    Segmented {
        /// Of which request.
        ticket: Ticket,
        /// Everything about it.
        result: Segmented,
    },
    /// A run was stopped, or withdrawn before it began.
    Cancelled {
        /// Of which request.
        ticket: Ticket,
    },
    /// A run failed.
    SegmentFailed {
        /// Of which request.
        ticket: Ticket,
        /// What happened and what to do.
        message: String,
    },
    /// A label map that was read, or why there is none.
    Labels {
        /// Of which request.
        ticket: Ticket,
        /// The labels, or what happened and what to do.
        labels: Result<Labelling, String>,
    },
    /// How two label maps differ.
    Compared {
        /// Of which request.
        ticket: Ticket,
        /// `None` when they differ in size.
        comparison: Option<Arc<Comparison>>,
    },
    /// A picture of a batch has come to another state.
    BatchPicture {
        /// Of which batch.
        ticket: Ticket,
        /// Which of its pictures.
        index: usize,
        /// How far it is.
        state: BatchState,
    },
    /// A batch goes on.
    BatchProgress {
        /// Of which batch.
        ticket: Ticket,
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
        ticket: Ticket,
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
        ticket: Ticket,
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
