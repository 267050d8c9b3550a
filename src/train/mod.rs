//! Fine-tuning: initial weights, augmentation, loss and gradients, optimisers, and resuming.
//!
//! Parameters are held in host memory under the names of their tensors. A step builds the network from them, runs the
//! forward and backward pass of a batch on the device, and updates them in host memory; so the state for resuming
//! exactly is plain numbers.

mod augment;
mod batch_step;
mod config;
mod drop_rates;
mod history;
mod image_step;
mod loss;
mod old_keys;
mod optimiser;
mod parameters;
mod plan;
mod precision;
mod preset;
mod random;
mod recorder;
mod run;
mod schedule;
mod start;
mod state;

pub use augment::{Augmentation, batch_of};
pub use batch_step::{Batch, BatchGradients, LearnError, Objective, Target};
pub use config::TrainConfig;
pub use drop_rates::DropRates;
pub use history::TrainHistory;
pub use loss::{Loss, LossReduction, cross_entropy};
pub use optimiser::{Optimiser, OptimiserSpec, StepSize, clip_global_norm};
pub use plan::{DataPlan, PlanError, Prepared, TrainPlan};
pub use precision::{TrainPrecision, TrainPrecisionError};
pub use preset::Preset;
pub use recorder::{CarryOutError, RecordError, TrainFolder, TrainingRecorder};
pub use run::{OnEvent, TrainError, TrainEvent, Training};
pub use schedule::PolySchedule;
pub use start::{StartError, StartPlan, start_from};
pub use state::{StateError, TrainState};
