//! `segscope train`: a backbone and labelled pictures to a bundle.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::said::{err, out};
use super::stopping;
use super::train_flags::TrainFlags;
use super::training_progress::Progress;
use crate::runtime::{DeviceChoice, open_device};
use crate::train::{Keeper, Prepared, TrainFolder};

/// Fine-tune Segmenter and SETR from an ImageNet backbone on labelled pictures; an interrupted training goes on where it was
#[derive(Debug, clap::Args)]
pub(super) struct Train {
    /// A train.toml to begin with; every other option changes it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: TrainFlags,
    /// Folder for the bundles, the log and what going on needs
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write over what another training has left in the folder
    #[arg(long)]
    overwrite: bool,
    /// Seconds from one state to the next; going on after a crash begins there
    #[arg(long, default_value_t = 60, value_name = "N")]
    keep_every: u64,
    /// Where to compute
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceChoice,
}

impl Train {
    pub(super) fn run(&self) -> Result<()> {
        let_the_allocator_keep_memory();
        let plan = self.flags.plan(self.config.as_deref())?;
        stopping::listen()?;
        let prepared = plan.prepare(&mut |_| stopping::go_on())?;
        let device = open_device(self.device)?;
        let training = prepared.training(&device.device, &stopping::is_asked);
        err!(
            "looking at {} pictures and their label maps",
            prepared.pairs.len() + prepared.validation.len()
        );
        let findings = training.check_files()?;
        stopping::check()?;
        prepared.remarks.iter().chain(&findings).for_each(|line| err!("{line}"));
        let every = Duration::from_secs(self.keep_every);
        let (mut keeper, mut state) = Keeper::open(&self.out, &prepared, self.overwrite, every)?;
        let config = &prepared.plan.training;
        err!(
            "{} on {}, {} pictures, from step {} to {}",
            prepared.spec.title(),
            device.name,
            prepared.pairs.len(),
            state.iteration,
            config.schedule.iterations
        );
        if !prepared.fresh.is_empty() {
            err!("decoders that begin with nothing learnt: {}", prepared.fresh.join(", "));
        }
        let mut progress = Progress::new(&prepared, state.iteration);
        let done = keeper.carry_out(&training, &mut state, |event| progress.tell(event));
        progress.finish();
        done?;
        out!("{}", self.result(&prepared, state.iteration, keeper.folder()))
    }

    fn result(&self, prepared: &Prepared, steps: usize, folder: &TrainFolder) -> String {
        let all = prepared.plan.training.schedule.iterations;
        match steps < all {
            true => format!(
                "stopped after step {steps} of {all}; the same command goes on{}: {}",
                if self.overwrite { " without --overwrite" } else { "" },
                self.out.display()
            ),
            false => folder.last().display().to_string(),
        }
    }
}

/// Begins the program anew with the allocator told not to give memory back to the system between two steps, each of
/// which takes and leaves some gigabytes, and to take it in large pages: a step takes a third less time. The allocator
/// reads its settings from the environment before the program begins, so there is no other way that is safe.
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
            // Comes back only when it fails; then training is slower and no worse.
            let why = std::process::Command::new(program)
                .args(arguments)
                .envs(SETTINGS)
                .exec();
            log::warn!("the allocator cannot be told to keep memory: {why}");
        }
    }
}
