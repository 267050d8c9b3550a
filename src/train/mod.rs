//! Fine-tuning: what training begins with, changed pictures, the loss and its gradients, optimisers, and going on.
//!
//! Parameters live in host memory under the names of their tensors. A step builds the network from them, runs a batch
//! forwards and backwards on the device, and changes them in host memory; so what has to be kept for going on exactly is
//! plain numbers.

mod augment;
mod config;
mod dropping;
mod gradients;
mod history;
mod keeper;
mod loss;
mod optimiser;
mod parameters;
mod plan;
mod random;
mod recipe;
mod run;
mod schedule;
mod start;
mod state;

pub use augment::{Augmentation, batch_of};
pub use config::TrainConfig;
pub use dropping::Dropping;
pub use gradients::{Batch, LearnError, Learned, Objective, Target};
pub use history::TrainHistory;
pub use keeper::{CarryOutError, KeepError, Keeper, TrainFolder};
pub use loss::{Averaging, Loss, cross_entropy};
pub use optimiser::{Optimiser, OptimiserSpec, StepSize, clip_global_norm};
pub use plan::{DataPlan, PlanError, Prepared, TrainPlan};
pub use recipe::Recipe;
pub use run::{OnEvent, TrainError, TrainEvent, Training};
pub use schedule::PolySchedule;
pub use start::{StartError, StartPlan, start_from};
pub use state::{StateError, TrainState};
