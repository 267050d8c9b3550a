//! `segscope bench`: one network with random weights, timed from image to label map.

use std::num::NonZero;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;

use super::printing::out;
use crate::model::{
    DecoderKind, InferenceNetwork, Isa, Kernels, ModelSpec, NoProbe, Output, Precision, RandomTensors, Variant,
    published,
};
use crate::photo::Photo;
use crate::runtime::{self, DeviceChoice, PrecisionChoice};
use crate::segment::{self, InferenceConfig, Timings};

/// Sizes of the published ViT variants.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ModelSize {
    Tiny,
    Small,
    Base,
    Large,
}

/// Time one network with random weights (the time does not depend on them)
#[derive(Debug, clap::Args)]
pub(super) struct Bench {
    /// ViT variant
    #[arg(long, value_enum, default_value = "tiny")]
    model_size: ModelSize,
    /// Patch size in pixels
    #[arg(long, default_value_t = 16)]
    patch: usize,
    /// Decoder
    #[arg(long, value_parser = decoder_kinds(), default_value = "mask")]
    decoder: DecoderKind,
    /// Number of classes
    #[arg(long, default_value_t = 150)]
    classes: usize,
    /// Side of the image and of the window in pixels
    #[arg(long, default_value_t = 512)]
    size: usize,
    /// Number of CPU threads [default: all]
    #[arg(long)]
    threads: Option<usize>,
    /// Device to compute on
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceChoice,
    /// Precision of the products on the CPU
    #[arg(long, value_enum, default_value = "auto")]
    precision: PrecisionChoice,
    /// Instruction set of the CPU [default: the best of this processor]
    #[arg(long, value_parser = PossibleValuesParser::new(Isa::ALL.map(Isa::key)).try_map(|key| key.parse::<Isa>()))]
    isa: Option<Isa>,
    /// Number of timed runs, after two warm-up runs
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Bench {
    fn spec(&self) -> ModelSpec {
        let variant = match self.model_size {
            ModelSize::Tiny => Variant::Tiny,
            ModelSize::Small => Variant::Small,
            ModelSize::Base => Variant::Base,
            ModelSize::Large => Variant::Large,
        };
        published(variant, self.patch, &[self.decoder], self.classes, self.size)
    }

    pub(super) fn run(&self) -> Result<()> {
        let threads = self
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get));
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .context("cannot set up the thread pool")?;
        let spec = self.spec();
        spec.check()?;
        let device = runtime::open_device(self.device)?;
        let kernels = match self.isa {
            Some(isa) => Kernels::of(isa)?,
            None => runtime::kernels()?,
        };
        let precision = self.precision.on(&device, kernels)?;
        let model = InferenceNetwork::build(&spec, &mut RandomTensors::new(1), &device.device, precision, kernels)?;
        let rgb = (0..3 * self.size * self.size).map(|i| (i * 31 % 251) as u8).collect();
        let photo = Photo::new(self.size, self.size, rgb);
        let settings = InferenceConfig::of(&spec.inference);
        let mut timings = Vec::new();
        for _ in 0..self.runs.max(1) + 2 {
            let start = std::time::Instant::now();
            let passes = settings.passes(&photo, spec.encoder.multiple())?;
            let run = segment::InferenceRun {
                model: &model,
                spec: &spec,
                output: Output::default(),
                device: &device.device,
            };
            let encoded = run.encode(&passes, [self.size; 2], &mut NoProbe)?;
            device
                .device
                .sync()
                .map_err(|e| anyhow::anyhow!("the device failed: {e:?}"))?;
            let prediction = run.predict(&encoded, start.elapsed(), &mut NoProbe)?;
            timings.push(prediction.timings);
        }
        self.report(&device.name, threads, (precision, kernels.isa()), &timings[2..])
    }

    fn report(
        &self,
        device: &str,
        threads: usize,
        (precision, isa): (Precision, Isa),
        timings: &[Timings],
    ) -> Result<()> {
        let of = |stage: fn(&Timings) -> Duration| median_ms(timings.iter().map(stage).collect());
        let (encode, decode) = (of(|t| t.encode), of(|t| t.decode));
        let (labels, total) = (of(|t| t.labels), of(Timings::total));
        let peak = runtime::peak_memory_mib();
        let name = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
        if self.json {
            let line = json!({
                "peer": format!("segscope {}", env!("CARGO_PKG_VERSION")), "model": name(&self.model_size),
                "patch": self.patch, "decoder": self.decoder.key(), "classes": self.classes, "size": self.size,
                "threads": threads, "device": device.to_lowercase(), "dtype": precision.key(), "isa": isa.key(),
                "encode_ms": encode, "decode_ms": decode, "labels_ms": labels, "total_ms": total, "peak_rss_mib": peak,
            });
            out!("{line}")?;
        } else {
            out!(
                "{} on {device} in {} with {isa}, {threads} threads, median of {} runs",
                self.spec().title(),
                precision.key(),
                timings.len()
            )?;
            out!("encode {encode} ms, decode {decode} ms, labels {labels} ms, total {total} ms")?;
            if let Some(peak) = peak {
                out!("peak memory {peak} MiB")?;
            }
        }
        Ok(())
    }
}

/// Decoders that can be timed, by their keys.
fn decoder_kinds() -> impl TypedValueParser<Value = DecoderKind> {
    PossibleValuesParser::new(DecoderKind::ALL.map(DecoderKind::key))
        .try_map(|key| DecoderKind::with_key(&key).ok_or("no such decoder"))
}

/// Median in milliseconds with two decimals.
fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort();
    let middle = times.len() / 2;
    let median = match times.len() % 2 {
        0 => (times[middle - 1] + times[middle]) / 2,
        _ => times[middle],
    };
    (median.as_secs_f64() * 1e5).round() / 100.0
}
