//! What crosses between the window and the worker: plain data, no tensor.

use std::path::PathBuf;
use std::sync::Arc;

use super::progress::Progress;
use super::session::{ModelInfo, ModelSource};
use crate::export;
use crate::photo::Photo;
use crate::segment::{Prediction, Settings};

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
    /// Labels, confidence, logits, timings.
    pub prediction: Arc<Prediction>,
    /// Pixels per class.
    pub counts: Arc<[u64]>,
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

/// Work for the worker. Whatever asks for a segmentation carries a generation: a newer one stops an older one.
#[derive(Clone, Debug)]
pub enum Job {
    /// Read a model and use it from now on.
    LoadModel(ModelSource),
    /// Read a photo.
    OpenPhoto(PhotoSource),
    /// Segment a photo with the model in use.
    Segment {
        /// Stale once a newer generation has been asked for.
        generation: u64,
        /// The photo.
        photo: OpenPhoto,
        /// `None` for the model's own.
        settings: Option<Settings>,
    },
    /// Say which files an export would write.
    PlanExport {
        /// Comes back with the answer.
        number: u64,
        /// What would be exported.
        job: ExportJob,
    },
    /// Export.
    Export(ExportJob),
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
    /// A model is in use now.
    Model(Arc<ModelInfo>),
    /// A model could not be opened; the one before stays.
    ModelFailed(String),
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
}
