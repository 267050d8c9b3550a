//! The progress of a run, counted in transformer blocks, and how to stop it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use burn::tensor::Device;

use crate::model::{ModelSpec, Output, Probe, Stage};
use crate::segment::{Pass, Watch};

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Fraction of the blocks that are done, 0..=1; never decreases.
    pub fraction: f32,
    /// Estimated remaining time at the current pace; unknown during the first blocks.
    pub remaining: Option<Duration>,
}

/// Called after each block; `Break` stops the run.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Counts the blocks of a running network.
pub(super) struct BlockCounter<'a> {
    done: usize,
    total: usize,
    start: Instant,
    /// A device that queues work. Waiting for it after each block keeps the progress accurate and cancelling prompt.
    queue: Option<&'a Device>,
    on_progress: OnProgress<'a>,
    device_error: Option<String>,
    /// Fraction of the progress for the network; the rest is for the label pass, which averages over all passes.
    network_share: f32,
}

impl<'a> BlockCounter<'a> {
    /// A counter for all windows of `passes`; with `encoded`, only the decoder runs.
    pub(super) fn new(
        spec: &ModelSpec,
        output: Output,
        passes: &[Pass],
        encoded: bool,
        device: &'a Device,
        on_progress: OnProgress<'a>,
    ) -> Self {
        let windows: usize = passes.iter().map(Pass::windows).sum();
        let decoder = spec.decoders.get(output.decoder);
        let decoder = decoder.map_or(0, |decoder| decoder.head.steps(output.auxiliary));
        let encoder = if encoded { 0 } else { spec.encoder.layers() };
        Self {
            done: 0,
            total: (windows * (encoder + decoder)).max(1),
            start: Instant::now(),
            queue: (*device != Device::flex()).then_some(device),
            on_progress,
            device_error: None,
            network_share: if passes.len() > 1 { 0.8 } else { 0.96 },
        }
    }
}

impl Probe for BlockCounter<'_> {
    fn block(&mut self, _stage: Stage) -> ControlFlow<()> {
        self.step()
    }

    fn stage_done(&mut self) -> ControlFlow<()> {
        self.step()
    }
}

impl Watch for BlockCounter<'_> {
    fn rows(&mut self, done: usize, total: usize) -> ControlFlow<()> {
        self.send(self.network_share + (1.0 - self.network_share) * done as f32 / total as f32)
    }

    fn device_error(&mut self) -> Option<String> {
        self.device_error.take()
    }
}

impl BlockCounter<'_> {
    /// Counts a finished block or stage.
    fn step(&mut self) -> ControlFlow<()> {
        if let Some(device) = self.queue
            && let Err(e) = device.sync()
        {
            self.device_error.get_or_insert(format!("{e:?}"));
            return ControlFlow::Break(());
        }
        self.done += 1;
        self.send(self.network_share * (self.done as f32 / self.total as f32).min(1.0))
    }

    fn send(&mut self, fraction: f32) -> ControlFlow<()> {
        let elapsed = self.start.elapsed();
        let remaining = (self.done > 2).then(|| elapsed.mul_f32((1.0 - fraction) / fraction));
        (self.on_progress)(Progress { fraction, remaining })
    }
}
