//! Jobs and events between the window and the worker: plain data without tensors.

use std::path::PathBuf;
use std::sync::Arc;

use super::batch::{Batch, BatchState};
use super::ticket::Ticket;
use crate::catalogue::ModelsFolder;
use crate::export;
use crate::model::Output;
use crate::photo::Photo;
use crate::runtime::{
    Comparison, ComparisonJob, Export, FoundFiles, HeadsJob, HeadsOfImage, ImageSource, LabelLayer, LabelsJob,
    MaskExport, MemoryUse, ModelInfo, ModelSource, OpenImage, OpenModel, Progress, Rgba, Segmented, TraceRequest,
    TracedImage,
};
use crate::segment::InferenceConfig;
use crate::teach::Tokens;

/// A job for the worker.
///
/// Jobs that can become outdated have a ticket. When it is withdrawn, a waiting job is skipped and a running one stops
/// at the next block.
#[derive(Clone, Debug)]
pub enum Job {
    /// Sort dropped or chosen paths into images, folders of images and models.
    Find(Vec<PathBuf>),
    /// Scan a folder for models; answered by [`Event::ModelsFound`].
    ScanModels(PathBuf),
    /// Open a model beside the open ones.
    LoadModel {
        /// Returned with every answer.
        ticket: Ticket,
        /// Source of the model.
        source: ModelSource,
    },
    /// Close the model with this id; a batch that uses it ends.
    CloseModel(u64),
    /// Read an image.
    OpenImage {
        /// Returned with the answer.
        ticket: Ticket,
        /// Source of the image.
        source: ImageSource,
    },
    /// Segment an image.
    Segment {
        /// Returned with every answer.
        ticket: Ticket,
        /// The image.
        photo: OpenImage,
        /// Id of an open model.
        model: u64,
        /// One of its outputs.
        output: Output,
        /// Inference settings; `None` for the model's own.
        settings: Option<InferenceConfig>,
    },
    /// Record an attention trace of an image.
    TraceAttention {
        /// Returned with every answer.
        ticket: Ticket,
        /// The model, image and region to trace.
        request: TraceRequest,
    },
    /// Run an encoder over a whole image for teaching; answered by [`Event::TeachingTokens`].
    EncodeForTeaching {
        /// Returned with the answer.
        ticket: Ticket,
        /// The image.
        photo: OpenImage,
        /// The model with the encoder, which is read if it is not open.
        encoder: ModelSource,
        /// Short side in pixels to which the image is reduced.
        short_side: usize,
    },
    /// Trace a whole image and measure the attention distance and entropy of every head; the trace is not kept.
    MeasureHeads {
        /// Returned with the answer.
        ticket: Ticket,
        /// The image and model.
        job: HeadsJob,
    },
    /// Segment images one after another while no other job waits; replaces an unfinished batch.
    SegmentAll {
        /// Returned with every event of the batch.
        ticket: Ticket,
        /// The images, model and settings.
        batch: Batch,
    },
    /// Read the label map of an image; answered by [`Event::Labels`], or not at all if it was withdrawn.
    ReadLabels {
        /// Returned with the answer.
        ticket: Ticket,
        /// The file and how to read it.
        job: LabelsJob,
    },
    /// Compare two label maps; answered by [`Event::Compared`], or not at all if it was withdrawn.
    Compare {
        /// Returned with the answer.
        ticket: Ticket,
        /// The label maps.
        job: ComparisonJob,
    },
    /// List the files that an export would write; answered by [`Event::ExportPlanned`], or not at all if it was
    /// withdrawn.
    PlanExport {
        /// Returned with the answer.
        ticket: Ticket,
        /// The export.
        job: Export,
    },
    /// Draw a small image of what an export would write; answered by [`Event::ExportPreview`], or not at all if it
    /// was withdrawn or there is no such image.
    PreviewExport {
        /// Ticket of the request.
        ticket: Ticket,
        /// The export.
        job: Export,
    },
    /// Write files; answered by [`Event::Exported`] or [`Event::ExportFailed`].
    Export(Export),
    /// Draw one format as an image for the clipboard; the folder of `job` is ignored.
    Draw {
        /// The format.
        format: export::Format,
        /// The result and the export options.
        job: MaskExport,
    },
}

/// An event from the worker.
#[derive(Clone, Debug)]
pub enum Event {
    /// The device in use; sent when it has changed and after the user has chosen one.
    Device {
        /// Name to show to the user.
        name: String,
        /// Why `auto` chose the CPU; `None` if it did not.
        note: Option<String>,
        /// Whether there is a GPU that could not be used.
        gpu_failed: bool,
    },
    /// The requested device cannot be used; the previous one stays in use.
    DeviceFailed(String),
    /// The sorted files of a [`Job::Find`].
    FoundFiles(FoundFiles),
    /// The models in a folder.
    ModelsFound(Arc<ModelsFolder>),
    /// A model is being opened.
    ModelProgress {
        /// Ticket of the request.
        ticket: Ticket,
        /// Fraction that is done, 0..=1; never decreases.
        fraction: f32,
    },
    /// A model was opened.
    Model {
        /// Ticket of the request.
        ticket: Ticket,
        /// Information about the model.
        model: Arc<ModelInfo>,
    },
    /// A model could not be opened; the others stay open.
    ModelFailed {
        /// Ticket of the request.
        ticket: Ticket,
        /// Says what happened and what to do.
        message: String,
    },
    /// Opening a model was stopped; the others stay open.
    ModelCancelled {
        /// Ticket of the request.
        ticket: Ticket,
    },
    /// The open models; sent when one is opened, closed, or dropped from memory for others.
    OpenModels(Vec<OpenModel>),
    /// Progress of an attention trace.
    TraceProgress {
        /// Ticket of the request.
        ticket: Ticket,
        /// Progress of the run.
        progress: Progress,
    },
    /// An attention trace is finished.
    Traced {
        /// Ticket of the request.
        ticket: Ticket,
        /// The trace.
        traced: Arc<TracedImage>,
    },
    /// An attention trace failed or was stopped.
    TraceFailed {
        /// Ticket of the request.
        ticket: Ticket,
        /// Says what happened and what to do; `None` if the trace was stopped or withdrawn.
        message: Option<String>,
    },
    /// Attention distance and entropy of every head.
    HeadsMeasured {
        /// Ticket of the request.
        ticket: Ticket,
        /// The statistics, or a message that says what happened and what to do; `None` if it was stopped or withdrawn.
        figures: Option<Result<HeadsOfImage, String>>,
    },
    /// An image was read.
    Photo {
        /// Ticket of the request.
        ticket: Ticket,
        /// The image.
        photo: OpenImage,
    },
    /// An image could not be read.
    PhotoFailed {
        /// Ticket of the request.
        ticket: Ticket,
        /// Says what happened and what to do.
        message: String,
    },
    /// An image was not read, because its request was withdrawn.
    PhotoCancelled {
        /// Ticket of the request.
        ticket: Ticket,
    },
    /// Progress of a segmentation.
    Progress {
        /// Ticket of the request.
        ticket: Ticket,
        /// Progress of the run.
        progress: Progress,
    },
    /// A segmentation is finished.
    Segmented {
        /// Ticket of the request.
        ticket: Ticket,
        /// The result.
        result: Segmented,
    },
    /// A segmentation was stopped, or withdrawn before it started.
    Cancelled {
        /// Ticket of the request.
        ticket: Ticket,
    },
    /// A segmentation failed.
    SegmentFailed {
        /// Ticket of the request.
        ticket: Ticket,
        /// Says what happened and what to do.
        message: String,
    },
    /// A label map was read, or could not be read.
    Labels {
        /// Ticket of the request.
        ticket: Ticket,
        /// The labels, or a message that says what happened and what to do.
        labels: Result<LabelLayer, String>,
    },
    /// A comparison of two label maps.
    Compared {
        /// Ticket of the request.
        ticket: Ticket,
        /// The differences; `None` if the maps differ in size.
        comparison: Option<Arc<Comparison>>,
    },
    /// An image of a batch has changed its state.
    BatchImage {
        /// Ticket of the batch.
        ticket: Ticket,
        /// Index of the image in the batch.
        index: usize,
        /// The new state.
        state: BatchState,
    },
    /// Progress of a batch.
    BatchProgress {
        /// Ticket of the batch.
        ticket: Ticket,
        /// Progress of the whole batch. The remaining time is estimated from the mean time of the segmented images.
        progress: Progress,
        /// Number of segmented images.
        done: usize,
        /// Number of failed images.
        failed: usize,
        /// Number of images skipped because their files exist.
        there: usize,
        /// Total number of images.
        total: usize,
    },
    /// A batch has ended. An image that was still running has no result.
    BatchEnded {
        /// Ticket of the batch.
        ticket: Ticket,
        /// Number of segmented images.
        done: usize,
        /// Number of failed images.
        failed: usize,
        /// Number of images skipped because their files exist.
        there: usize,
        /// Whether it was stopped: on request, by a newer batch, or because its model was closed.
        cancelled: bool,
    },
    /// Memory in use, after a job or an image of a batch.
    Memory(MemoryUse),
    /// Tokens of a whole image for teaching, or a message for the user.
    TeachingTokens {
        /// Ticket of the request.
        ticket: Ticket,
        /// The tokens.
        outcome: Result<Arc<Tokens>, String>,
    },
    /// The files that an export would write.
    ExportPlanned {
        /// Ticket of the request.
        ticket: Ticket,
        /// The files.
        files: Vec<export::PlannedFile>,
        /// What they will not hold, or why they cannot be written.
        warning: Option<String>,
    },
    /// A small image of what an export would write.
    ExportPreview {
        /// Ticket of the request.
        ticket: Ticket,
        /// The image.
        photo: Photo,
    },
    /// Files were written.
    Exported {
        /// Target folder.
        folder: PathBuf,
        /// Paths of the written files.
        files: Vec<PathBuf>,
    },
    /// An export failed; some files may have been written. The text says what happened and what to do.
    ExportFailed(String),
    /// An image for the clipboard was drawn.
    Drawn {
        /// The format.
        format: export::Format,
        /// The image.
        rgba: Rgba,
    },
    /// An image for the clipboard could not be drawn. The text says what happened and what to do.
    DrawFailed(String),
}
