//! Chooses and checks the device that networks run on.

use burn::tensor::wgpu::wgpu as gpu;
use burn::tensor::{Device, DeviceKind, Tensor};
use burn_wgpu::{MemoryConfiguration, WgpuInitError};

use crate::model::{
    DecoderSpec, EncoderSpec, HeadSpec, InferenceSpec, LastUpsampling, MaskSpec, ModelSpec, Network, NoProbe,
    Normalisation, Padding, PositionResize, RandomTensors, SetrPupHead, SetrPupSpec, SetrPupStage, VitSpec, WindowMode,
    WindowRules,
};

/// The device to compute on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceChoice {
    /// A hardware GPU if there is one and it passes the self-check, otherwise the CPU.
    #[default]
    Auto,
    /// A GPU; an error if there is none.
    Gpu,
    /// The CPU.
    Cpu,
}

/// A device that is ready to use.
#[derive(Clone, Debug)]
pub struct OpenDevice {
    /// Handle for tensors and models.
    pub device: Device,
    /// Name to show to the user: `CPU` or the adapter's name.
    pub name: String,
    /// Why `auto` did not choose a GPU; `None` if it did.
    pub note: Option<String>,
    /// Whether there is a GPU that could not be used, which should be shown to the user.
    pub gpu_failed: bool,
}

impl OpenDevice {
    fn cpu(note: Option<String>, gpu_failed: bool) -> Self {
        Self {
            device: Device::flex(),
            name: "CPU".into(),
            note,
            gpu_failed,
        }
    }
}

/// Why the chosen device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No adapter is a GPU.
    #[error("expected a GPU, found {found}; use --device cpu, or install the graphics driver")]
    NoGpu {
        /// The adapters that were found instead.
        found: String,
    },
    /// The adapter cannot be opened.
    #[error("the GPU {name} cannot be opened ({source}); use --device cpu")]
    Init {
        /// Adapter name.
        name: String,
        /// The error of burn.
        source: WgpuInitError,
    },
    /// The results of the adapter differ from those of the CPU.
    #[error("the GPU {name} failed the self-check ({why}); use --device cpu")]
    SelfCheck {
        /// Adapter name.
        name: String,
        /// What failed.
        why: String,
    },
}

/// A graphics adapter as the system lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Name of the adapter.
    pub name: String,
    /// Discrete, integrated, virtual or software.
    pub kind: AdapterKind,
    /// Graphics API, such as Vulkan.
    pub interface: String,
    /// Driver and its version.
    pub driver: String,
}

/// The kind of an adapter, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdapterKind {
    /// A graphics card.
    Discrete,
    /// Part of the processor.
    Integrated,
    /// A GPU provided by a virtual machine.
    Virtual,
    /// The system does not report the kind.
    Other,
    /// Software rendering on the CPU; never chosen automatically, because burn-flex is many times faster on the same
    /// CPU.
    Software,
}

impl AdapterKind {
    /// Name to show to the user.
    pub fn title(self) -> &'static str {
        match self {
            Self::Discrete => "discrete GPU",
            Self::Integrated => "integrated GPU",
            Self::Virtual => "virtual GPU",
            Self::Other => "unknown kind",
            Self::Software => "software",
        }
    }

    fn device_kind(self) -> Option<DeviceKind> {
        match self {
            Self::Discrete => Some(DeviceKind::DiscreteGpu(0)),
            Self::Integrated => Some(DeviceKind::IntegratedGpu(0)),
            Self::Virtual => Some(DeviceKind::VirtualGpu(0)),
            Self::Other | Self::Software => None,
        }
    }
}

/// Lists the adapters that the device choice considers, best first.
pub fn adapters() -> Vec<Adapter> {
    let instance = gpu::Instance::new(gpu::InstanceDescriptor {
        // Without OpenGL: its loader prints errors to the terminal if there is no display, and burn prefers other APIs.
        backends: gpu::Backends::PRIMARY,
        ..gpu::InstanceDescriptor::new_without_display_handle()
    });
    // On desktop systems this future is ready immediately.
    let listed = pollster::block_on(instance.enumerate_adapters(gpu::Backends::PRIMARY));
    let mut found: Vec<Adapter> = listed.iter().map(|adapter| described(&adapter.get_info())).collect();
    found.sort_by_key(|adapter| adapter.kind);
    found
}

fn described(info: &gpu::AdapterInfo) -> Adapter {
    Adapter {
        name: info.name.clone(),
        kind: match info.device_type {
            gpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            gpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            gpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            gpu::DeviceType::Other => AdapterKind::Other,
            gpu::DeviceType::Cpu => AdapterKind::Software,
        },
        interface: format!("{:?}", info.backend),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
    }
}

/// Opens the chosen device. `auto` falls back to the CPU and gives the reason in [`OpenDevice::note`].
///
/// # Errors
/// Only for [`DeviceChoice::Gpu`]: when there is no GPU, it cannot be opened, or it fails the self-check.
pub fn open_device(choice: DeviceChoice) -> Result<OpenDevice, DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok(OpenDevice::cpu(None, false)),
        DeviceChoice::Gpu => open_gpu(),
        DeviceChoice::Auto => Ok(open_gpu().unwrap_or_else(|why| {
            let gpu_failed = !matches!(why, DeviceError::NoGpu { .. });
            OpenDevice::cpu(Some(why.to_string()), gpu_failed)
        })),
    }
}

fn open_gpu() -> Result<OpenDevice, DeviceError> {
    let adapters = adapters();
    let Some((adapter, kind)) = adapters.iter().find_map(|a| Some((a, a.kind.device_kind()?))) else {
        let names: Vec<_> = adapters
            .iter()
            .map(|a| format!("{} ({})", a.name, a.kind.title()))
            .collect();
        let found = if names.is_empty() {
            "no graphics adapter".into()
        } else {
            names.join(", ")
        };
        return Err(DeviceError::NoGpu { found });
    };
    let name = adapter.name.clone();
    let device = open_kind(kind).map_err(|source| DeviceError::Init {
        name: name.clone(),
        source,
    })?;
    match self_check(&device) {
        Ok(()) => Ok(OpenDevice {
            device,
            name,
            note: None,
            gpu_failed: false,
        }),
        Err(why) => Err(DeviceError::SelfCheck { name, why }),
    }
}

/// Opens a device, or returns the one that is open already: burn registers a device only once per process.
fn open_kind(kind: DeviceKind) -> Result<Device, WgpuInitError> {
    static OPENED: std::sync::Mutex<Option<Device>> = std::sync::Mutex::new(None);
    let mut opened = OPENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(device) = &*opened {
        return Ok(device.clone());
    }
    let options = Device::wgpu_options()
        .device_kind(kind)
        .memory_config(MemoryConfiguration::default());
    Ok(opened.insert(options.init()?).clone())
}

/// Largest difference of a logit between GPU and CPU that counts as equal.
const SELF_CHECK_TOLERANCE: f32 = 1e-2;

/// Runs a small network on `device` and on the CPU and compares the logits.
///
/// # Errors
/// What failed: the logits differ, or the device returned an error or panicked.
pub fn self_check(device: &Device) -> Result<(), String> {
    let spec = self_check_spec();
    let run = |device: &Device| -> Result<Vec<f32>, String> {
        let model = Network::build(&spec, &mut RandomTensors::new(7), device).map_err(|e| e.to_string())?;
        let values: Vec<f32> = (0..3 * 64 * 96)
            .map(|i| ((i * 29 % 200) as f32 - 100.0) / 100.0)
            .collect();
        let image = Tensor::<1>::from_floats(values.as_slice(), device).reshape([1, 3, 64, 96]);
        let features = model.encode(image, &mut NoProbe).map_err(|e| e.to_string())?;
        let mut values = Vec::new();
        for output in spec.outputs() {
            let decoded = model.decode(&features, output, LastUpsampling::Here, &mut NoProbe);
            let logits = decoded.map_err(|e| e.to_string())?.values;
            let data = logits.try_into_data().map_err(|e| format!("{e:?}"))?;
            values.extend(data.try_into_vec::<f32>().map_err(|e| format!("{e:?}"))?);
        }
        Ok(values)
    };
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(device)))
        .map_err(|_| "the computation stopped half-way".to_owned())??;
    let expected = run(&Device::flex())?;
    // Written so that NaN fails: every comparison with NaN is false.
    let agrees = |(a, b): (&f32, &f32)| (a - b).abs() <= SELF_CHECK_TOLERANCE;
    if found.len() == expected.len() && found.iter().zip(&expected).all(agrees) {
        Ok(())
    } else {
        Err("its logits differ from the CPU's".to_owned())
    }
}

fn self_check_spec() -> ModelSpec {
    ModelSpec {
        encoder: EncoderSpec::Vit(VitSpec {
            dim: 64,
            depth: 2,
            heads: 1,
            patch: 16,
            grid: [4, 4],
            class_token: true,
            distilled: false,
            final_norm: true,
            norm_eps: 1e-5,
            position_resize: PositionResize::Bilinear,
        }),
        decoders: vec![
            DecoderSpec::new(
                "mask",
                HeadSpec::MaskTransformer(MaskSpec {
                    layers: 1,
                    heads: 1,
                    norm_eps: 1e-5,
                }),
            ),
            // Convolution and upsampling.
            DecoderSpec::new(
                "pup",
                HeadSpec::SetrPup(SetrPupSpec {
                    main: SetrPupHead {
                        tap: 1,
                        norm_eps: 1e-6,
                        stages: vec![
                            SetrPupStage {
                                kernel: 3,
                                channels: 32,
                                up: 2,
                            };
                            2
                        ],
                    },
                    auxiliary: Vec::new(),
                }),
            ),
        ],
        classes: 5,
        normalisation: Normalisation::VIT,
        inference: InferenceSpec {
            window: 64,
            stride: 64,
            short_side: None,
            rules: WindowRules::Enlarge,
            mode: WindowMode::Slide,
            threshold: None,
            padding: Padding::Zero,
        },
    }
}
