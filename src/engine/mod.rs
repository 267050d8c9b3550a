//! The background threads: jobs, events, progress and cancelling.

mod annotator;
mod batch;
mod closing;
mod failure;
mod folder_watch;
mod handle;
mod job;
mod new_settings;
mod outbox;
mod read_ahead;
mod request_list;
mod running_batch;
mod scorer;
mod teacher;
mod thumbnails;
mod ticket;
mod trace_reader;
mod training;
mod wake;
mod workbench;
mod worker;

pub use crate::attention::{
    Direction, Fusion, HeadMeans, HeadStatistics, LayerId, NetworkPart, Rollout, Rows, Token, TracedLayer,
};
pub use crate::checkpoint::MODEL_ENDINGS;
pub use crate::model::{DecoderKind, Output, SETR_CHANNELS, WindowMode, WindowRules};
// For the window. Code that only computes imports these from `runtime`.
pub use crate::runtime::{
    Comparison, ComparisonJob, DeviceChoice, ERROR_KINDS, EngineSettings, Errors, Exchange, Export, FigureContents,
    FigureExport, FigureMaps, FigureStyle, FoundFiles, HeadsJob, HeadsOfImage, ImageSource, LabelLayer, LabelsExport,
    LabelsJob, LabelsOrigin, LruCache, MaskExport, MemoryUse, ModelInfo, ModelSource, NormalisationChoice,
    NumberFormat, OpenImage, OpenModel, PrecisionChoice, Progress, ReportExport, ReportPart, Rgba, ScoreJob,
    ScoredImage, Segmented, ShownErrors, TEACHING_SHORT_SIDE, TaughtModel, TraceAnswer, TraceQuestion, TraceRequest,
    TracedImage, Truth, Uncertainty, Which, multiplies_bf16, patch_place,
};
pub use crate::segment::{Frame, InferenceConfig, Prediction, Region};
pub use crate::train::{DataPlan, Preset, TrainConfig, TrainFolder, TrainHistory, TrainPlan, TrainPrecision};
pub use annotator::{AnnotationNews, AnnotationRequest, Annotator, BorderMove, Find, Found, Import, OpenedAnnotation};
pub use batch::{Batch, BatchState};
pub use folder_watch::{FileWatch, NoFileWatch};
pub use handle::{Busy, Engine};
pub use job::{Event, Job};
pub use scorer::{ScoreAnswer, ScoreRequest, Scorer};
pub use teacher::{Taught, TeachRequest, Teacher, TeacherAnswer, TeacherRequest};
pub use thumbnails::{THUMBNAIL_SIDE, Thumbnail, Thumbnails};
pub use ticket::{Asked, Ticket};
pub use trace_reader::{TraceReader, TraceReading};
pub use training::{TrainingNews, TrainingPlace, TrainingResult, TrainingRun};
pub use wake::Wake;
