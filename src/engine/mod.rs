//! The background threads: devices, jobs, progress, cancel, results. The only room that owns a burn device at run time.

mod batch;
mod cache;
mod comparison;
mod cores;
mod cost;
mod device;
mod failure;
mod figures;
mod find;
mod folder_watch;
mod handle;
mod heads;
mod inside_reader;
mod inspection;
mod job;
mod kept;
mod memory;
mod memory_need;
mod model_info;
mod numbers;
mod open_models;
mod opening;
mod outbox;
mod progress;
mod report;
mod scorer;
mod session;
mod settings;
mod signals;
mod test_settings;
mod thumbnails;
mod training;
mod worker;

pub use crate::attention::{Direction, Fusion, HeadMeans, HeadStatistics, Layer, Part, Place, Rollout, Rows, Token};
pub use crate::checkpoint::MODEL_ENDINGS;
pub use crate::model::{DecoderKind, Output, SETR_CHANNELS, WindowMode, WindowRules};
pub use crate::segment::{Frame, Prediction, Region, Settings};
pub use crate::train::{DataPlan, Recipe, TrainHistory, TrainPlan};
pub use batch::{Batch, BatchState};
pub use comparison::{Comparison, ComparisonJob, Labelling, LabelsJob};
pub use cost::Cost;
pub use device::{Adapter, AdapterKind, DeviceChoice, DeviceError, OpenDevice, adapters, open_device, self_check};
pub use figures::{FigureExport, FigureMaps, FigureStyle, NumberFormat, patch_place};
pub use folder_watch::{FileWatch, NoFileWatch};
pub use handle::{Busy, Engine};
pub use heads::{HeadsJob, HeadsOfPicture};
pub use inside_reader::{Answer, Certainty, InsideReader, Numbered, Question, Read};
pub use inspection::{Inspection, Look};
pub use job::{Event, ExportJob, Job, OpenPhoto, PhotoSource, Rgba, Segmented};
pub use kept::{Bytes, Kept};
pub use memory::{MemoryUse, MemoryWatch, peak_memory_mib};
pub use memory_need::{MemoryNeed, TooLittleMemory, available_memory};
pub use model_info::{ModelInfo, ModelSource, OpenModel};
pub use outbox::Wake;
pub use progress::{OnProgress, Progress};
pub use report::{ReportExport, ReportPart};
pub use scorer::{ERROR_KINDS, Errors, ScoreAnswer, ScoreJob, ScoreRequest, ScoredPicture, Scorer, ShownErrors, Truth};
pub use session::{Session, SessionError, Task};
pub use settings::EngineSettings;
pub use test_settings::NormalisationChoice;
pub use thumbnails::{THUMBNAIL_SIDE, Thumbnail, Thumbnails};
pub use training::{TrainingNews, TrainingPlace, TrainingResult, TrainingRun};

/// Waits for wgpu's futures, which are ready at once on a desktop.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}
