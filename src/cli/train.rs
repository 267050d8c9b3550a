//! `segscope train`: fine-tunes a backbone on labelled images and writes bundles.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::printing::{err, out};
use super::stopping;
use super::train_flags::TrainFlags;
use super::training_progress::TrainingProgress;
use crate::runtime::{DeviceChoice, kernels, open_device};
use crate::train::{Prepared, TrainFolder, TrainingRecorder};

/// Fine-tune Segmenter and SETR from an ImageNet backbone on labelled images; resumes an interrupted training
#[derive(Debug, clap::Args)]
pub(super) struct Train {
    /// train.toml to start from; all other options override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: TrainFlags,
    /// Output folder for bundles, log and resume state
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Overwrite the results of another training in the output folder
    #[arg(long)]
    overwrite: bool,
    /// Seconds between saved states, from which a training resumes after a crash
    #[arg(long, default_value_t = 60, value_name = "N")]
    keep_every: u64,
    /// Device to compute on
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceChoice,
}

impl Train {
    pub(super) fn run(&self) -> Result<()> {
        let_the_allocator_keep_memory();
        let plan = self.flags.plan(self.config.as_deref())?;
        stopping::listen()?;
        let prepared = plan.prepare(&mut |_| stopping::keep_going())?;
        let device = open_device(self.device)?;
        let training = prepared.training(&device.device, kernels()?, &stopping::is_asked)?;
        err!(
            "checking {} images and their label maps",
            prepared.pairs.len() + prepared.validation.len()
        );
        let findings = training.check_files()?;
        stopping::check()?;
        prepared.remarks.iter().chain(&findings).for_each(|line| err!("{line}"));
        let every = Duration::from_secs(self.keep_every);
        let (mut recorder, mut state) = TrainingRecorder::open(&self.out, &prepared, self.overwrite, every)?;
        let config = &prepared.plan.training;
        err!(
            "{} on {}, {} images, from step {} to {}",
            prepared.spec.title(),
            device.name,
            prepared.pairs.len(),
            state.iteration,
            config.schedule.iterations
        );
        if !prepared.fresh.is_empty() {
            err!("decoders that start untrained: {}", prepared.fresh.join(", "));
        }
        let mut progress = TrainingProgress::new(&prepared, state.iteration);
        let done = recorder.carry_out(&training, &mut state, |event| progress.tell(event));
        progress.finish();
        done?;
        out!("{}", self.result(&prepared, state.iteration, recorder.folder()))
    }

    fn result(&self, prepared: &Prepared, steps: usize, folder: &TrainFolder) -> String {
        let all = prepared.plan.training.schedule.iterations;
        match steps < all {
            true => format!(
                "stopped after step {steps} of {all}; run the same command{} to resume: {}",
                if self.overwrite { " without --overwrite" } else { "" },
                self.out.display()
            ),
            false => folder.last().display().to_string(),
        }
    }
}

/// Restarts the program with allocator settings that keep memory between steps and use large pages.
///
/// Each step allocates and frees some gigabytes; with these settings it takes a third less time. The allocator reads
/// its settings from the environment before the program starts, so there is no other safe way.
fn let_the_allocator_keep_memory() {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        const SETTINGS: [(&str, &str); 2] = [("MIMALLOC_PURGE_DELAY", "-1"), ("MIMALLOC_ALLOW_LARGE_OS_PAGES", "1")];
        if std::env::var_os(SETTINGS[0].0).is_some() {
            return;
        }
        if let Ok(program) = std::env::current_exe() {
            let arguments = std::env::args_os().skip(1);
            // `exec` returns only when it fails; training is then slower but gives the same results.
            let why = std::process::Command::new(program)
                .args(arguments)
                .envs(SETTINGS)
                .exec();
            log::warn!("cannot set the allocator to keep memory: {why}");
        }
    }
}
