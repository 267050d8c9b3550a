//! The background threads: jobs, messages, progress, cancel.

mod batch;
mod closing;
mod failure;
mod folder_watch;
mod handle;
mod inside_reader;
mod job;
mod new_settings;
mod outbox;
mod running_batch;
mod scorer;
mod thumbnails;
mod ticket;
mod training;
mod wake;
mod wish_list;
mod workbench;
mod worker;

pub use crate::attention::{Direction, Fusion, HeadMeans, HeadStatistics, Layer, Part, Place, Rollout, Rows, Token};
pub use crate::checkpoint::MODEL_ENDINGS;
pub use crate::model::{DecoderKind, Output, SETR_CHANNELS, WindowMode, WindowRules};
// What the window shows and asks for: whoever only computes takes it from there.
pub use crate::runtime::{
    Answer, Certainty, Comparison, ComparisonJob, DeviceChoice, ERROR_KINDS, EngineSettings, Errors, ExportJob,
    FigureExport, FigureMaps, FigureStyle, Found, HeadsJob, HeadsOfPicture, Inspection, Kept, Labelling, LabelsJob,
    Look, MemoryUse, ModelInfo, ModelSource, NormalisationChoice, NumberFormat, OpenModel, OpenPhoto, PhotoSource,
    Progress, Question, ReportExport, ReportPart, Rgba, ScoreJob, ScoredPicture, Segmented, ShownErrors, Truth,
    patch_place,
};
pub use crate::segment::{Frame, Prediction, Region, Settings};
pub use crate::train::{DataPlan, Recipe, TrainHistory, TrainPlan};
pub use batch::{Batch, BatchState};
pub use folder_watch::{FileWatch, NoFileWatch};
pub use handle::{Busy, Engine};
pub use inside_reader::{InsideReader, Read};
pub use job::{Event, Job};
pub use scorer::{ScoreAnswer, ScoreRequest, Scorer};
pub use thumbnails::{THUMBNAIL_SIDE, Thumbnail, Thumbnails};
pub use ticket::{Asked, Ticket};
pub use training::{TrainingNews, TrainingPlace, TrainingResult, TrainingRun};
pub use wake::Wake;
