//! Fine-tuning: what training begins with, changed pictures, the loss and its gradients, optimisers, and going on.
//!
//! Parameters live in host memory under the names of their tensors. A step builds the network from them, runs a batch
//! forwards and backwards on the device, and changes them in host memory; so what has to be kept for going on exactly is
//! plain numbers.

mod augment;
mod gradients;
mod loss;
mod optimiser;
mod run;
mod schedule;
mod start;
mod state;

pub use augment::{Augmentation, batch_of};
pub use gradients::{Batch, LearnError, Learned, Target, learn};
pub use loss::{Averaging, Loss, cross_entropy};
pub use optimiser::{Optimiser, OptimiserSpec, StepSize, clip_global_norm};
pub use run::{OnEvent, TrainConfig, TrainError, TrainEvent, TrainFolder, Training};
pub use schedule::PolySchedule;
pub use start::{StartError, StartPlan, start_from};
pub use state::{StateError, TrainState};
