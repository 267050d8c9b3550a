//! `segscope bench`: one network with random weights, timed from image to label map.

mod comparison;
mod products;
mod training;

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use super::printing::{err, out};
use crate::model::{
    DecoderKind, InferenceNetwork, Isa, Kernels, ModelSpec, NoProbe, Output, Precision, ProductPlan, RandomTensors,
    Variant, published,
};
use crate::photo::Photo;
use crate::runtime::{self, DeviceChoice, PrecisionChoice};
use crate::segment::{self, InferenceConfig, Timings};
use crate::train::TrainPrecision;

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
    /// Time training steps with AdamW instead of inference, in f32 unless --precision is bf16
    #[arg(long)]
    training: bool,
    /// Time the linear layers of networks alone, on the CPU
    #[arg(long, conflicts_with_all = ["training", "compare", "model_size", "patch", "decoder", "classes", "size", "runs"])]
    products: bool,
    /// Number of images in a training step
    #[arg(long, default_value_t = 8, requires = "training", value_name = "IMAGES")]
    batch_size: usize,
    /// Number of timed runs or steps, after two runs or one step of warm-up
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Compare with the last measurement of the same network in a file of such objects
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
}

impl Bench {
    /// Whether it times training steps.
    pub(super) fn is_training(&self) -> bool {
        self.training
    }

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
        let multiple = spec.encoder.multiple();
        ensure!(
            !self.training || self.size.is_multiple_of(multiple),
            "size: expected a multiple of {multiple} for training, found {}",
            self.size
        );
        if let Some(path) = &self.compare {
            // A wrong file is reported before minutes of measuring.
            comparison::read(path)?;
        }
        let device = runtime::open_device(self.device)?;
        let kernels = match self.isa {
            Some(isa) => Kernels::of(isa)?,
            None => runtime::kernels()?,
        };
        if self.training {
            let precision = self.training_precision()?;
            let products = precision.products(&spec, &device.device, kernels)?;
            let (batch, steps) = ([self.batch_size, self.size], self.runs.max(1));
            let times = training::step_times(&spec, &device, batch, steps, products)?;
            return self.report_steps(&device.name, threads, precision, times);
        }
        let precision = self.precision.on(&device, kernels)?;
        if self.products {
            return products::print(precision, kernels, self.json);
        }
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
        let plan = (device.device == Device::flex()).then(|| ProductPlan::of(precision, kernels));
        // Winograd's method needs fewer operations than those of the network, and int8 has products with two peaks.
        let is_counted = !matches!(self.decoder, DecoderKind::Pup | DecoderKind::Mla) && precision != Precision::Int8;
        let counted = plan.filter(|_| is_counted);
        let peak = counted.and_then(|plan| kernels.peak(plan.fc1));
        let operations = spec.operations(Output::default(), [self.size; 2]);
        let measured = Measured {
            device: device.name.clone(),
            threads,
            precision,
            isa: kernels.isa(),
            plan,
            peak: peak.map(|peak| operations / peak),
        };
        self.report(&measured, &timings[2..])
    }

    fn training_precision(&self) -> Result<TrainPrecision> {
        match self.precision {
            PrecisionChoice::Auto | PrecisionChoice::F32 => Ok(TrainPrecision::F32),
            PrecisionChoice::Bf16 => Ok(TrainPrecision::Bf16),
            PrecisionChoice::Int8 => bail!("expected the precision auto, f32 or bf16 for training, found int8"),
        }
    }

    fn report_steps(
        &self,
        device: &str,
        threads: usize,
        precision: TrainPrecision,
        times: Vec<Duration>,
    ) -> Result<()> {
        let dtype = lower(&precision);
        let steps = times.len();
        let step = median_ms(times);
        let peak = runtime::peak_memory_mib();
        let json = json!({
            "peer": peer(), "model": lower(&self.model_size), "patch": self.patch, "decoder": self.decoder.key(),
            "classes": self.classes, "size": self.size, "batch": self.batch_size, "threads": threads,
            "device": device.to_lowercase(), "dtype": dtype, "step_ms": step, "peak_rss_mib": peak,
        });
        let mut lines = vec![
            format!(
                "training {} on {device} in {dtype}, {} images of {} x {}, {threads} threads, median of {steps} steps",
                self.spec().title(),
                self.batch_size,
                self.size,
                self.size
            ),
            format!("step {step} ms"),
        ];
        lines.extend(peak.map(|peak| format!("peak memory {peak} MiB")));
        self.print(&json, lines)
    }

    fn report(&self, measured: &Measured, timings: &[Timings]) -> Result<()> {
        let of = |stage: fn(&Timings) -> Duration| median_ms(timings.iter().map(stage).collect());
        let (encode, decode) = (of(|t| t.encode), of(|t| t.decode));
        let (labels, total) = (of(|t| t.labels), of(Timings::total));
        let memory = runtime::peak_memory_mib();
        let (precision, isa, threads) = (measured.precision.key(), measured.isa, measured.threads);
        // Of the time that the peak would need, in percent with one decimal.
        let percent = measured.peak.map(|seconds| (seconds * 1e6 / total).round() / 10.0);
        let json = json!({
            "peer": peer(), "model": lower(&self.model_size), "patch": self.patch, "decoder": self.decoder.key(),
            "classes": self.classes, "size": self.size, "threads": threads, "device": measured.device.to_lowercase(),
            "dtype": precision, "isa": isa.key(), "encode_ms": encode, "decode_ms": decode, "labels_ms": labels,
            "total_ms": total, "percent_of_peak": percent, "peak_rss_mib": memory,
            "products": measured.plan.map(|plan| plan.to_string()),
        });
        let mut lines = vec![
            format!(
                "{} on {} in {precision} with {isa}, {threads} threads, median of {} runs",
                self.spec().title(),
                measured.device,
                timings.len()
            ),
            format!("encode {encode} ms, decode {decode} ms, labels {labels} ms, total {total} ms"),
        ];
        lines.extend(
            percent.map(|percent| format!("{percent} % of the processor's peak, measured by loops of products")),
        );
        lines.extend(measured.plan.map(|plan| format!("products: {plan}")));
        lines.extend(memory.map(|memory| format!("peak memory {memory} MiB")));
        self.print(&json, lines)
    }

    /// Prints a measurement, and its comparison with an earlier one.
    fn print(&self, json: &Value, lines: Vec<String>) -> Result<()> {
        if self.json {
            out!("{json}")?;
        } else {
            for line in lines {
                out!("{line}")?;
            }
        }
        let Some(path) = &self.compare else {
            return Ok(());
        };
        for line in comparison::lines(json, &comparison::read(path)?, path)? {
            match self.json {
                true => err!("{line}"),
                false => out!("{line}")?,
            }
        }
        Ok(())
    }
}

/// What the timings were measured on.
struct Measured {
    device: String,
    threads: usize,
    precision: Precision,
    isa: Isa,
    /// What the products of each layer multiply on the CPU.
    plan: Option<ProductPlan>,
    /// Seconds that a run would take at the measured peak of the processor.
    peak: Option<f64>,
}

fn peer() -> String {
    format!("segscope {}", env!("CARGO_PKG_VERSION"))
}

fn lower(value: &dyn std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
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
