//! Photo and masks on the GPU: textures are made in the background, and one callback draws both
//! (`shaders/canvas.wgsl`), once for each place that shows the photo.

mod draw;
#[cfg(test)]
mod tests;
mod textures;
mod upload;

use eframe::egui_wgpu::RenderState;

pub(super) use draw::{Highlight, MaskStyle, Tone, shape};
pub(super) use textures::{GpuLabels, GpuPhoto};
pub(super) use upload::{Upload, Uploaded, Uploader};

/// The window's device, with the resources that all images share. Cheap to clone, usable from any thread.
#[derive(Clone)]
pub(super) struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::RenderPipeline,
    /// Layout for what differs from place to place: parameters and palette.
    slot_layout: wgpu::BindGroupLayout,
    /// Layout for a photo and its sampler.
    photo_layout: wgpu::BindGroupLayout,
    /// Layout for classes, regions and confidence.
    labels_layout: wgpu::BindGroupLayout,
    smooth: wgpu::Sampler,
    /// Bound where there are no masks.
    no_labels: wgpu::BindGroup,
    /// Whether the target expects linear light instead of sRGB values.
    linear_target: bool,
}

impl Gpu {
    /// Takes the window's device. Called once, when the window opens.
    pub(super) fn of(state: &RenderState) -> Self {
        Self::new(&state.device, &state.queue, state.target_format)
    }

    /// Creates the pipeline for targets of one format.
    fn new(device: &wgpu::Device, queue: &wgpu::Queue, target: wgpu::TextureFormat) -> Self {
        let smooth_float = wgpu::TextureSampleType::Float { filterable: true };
        let plain_float = wgpu::TextureSampleType::Float { filterable: false };
        let uniform = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let sampler = wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering);
        let slot_layout = layout(device, "canvas slot", [uniform, texture(plain_float)]);
        let photo_layout = layout(device, "photo", [texture(smooth_float), sampler]);
        let labels_types = [texture(wgpu::TextureSampleType::Uint), texture(plain_float)];
        let labels_layout = layout(device, "labels", labels_types);
        let layouts = [&slot_layout, &photo_layout, &labels_layout];
        let smooth = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("photo"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            mipmap_filter: wgpu::MipmapFilterMode::Linear,
            ..Default::default()
        });
        Self {
            pipeline: pipeline(device, layouts, target),
            no_labels: textures::no_labels(device, &labels_layout),
            device: device.clone(),
            queue: queue.clone(),
            slot_layout,
            photo_layout,
            labels_layout,
            smooth,
            linear_target: target.is_srgb(),
        }
    }
}

fn texture(sample_type: wgpu::TextureSampleType) -> wgpu::BindingType {
    wgpu::BindingType::Texture {
        sample_type,
        view_dimension: wgpu::TextureViewDimension::D2,
        multisampled: false,
    }
}

/// A layout with bindings 0 and 1 of the fragment shader.
fn layout(device: &wgpu::Device, label: &'static str, types: [wgpu::BindingType; 2]) -> wgpu::BindGroupLayout {
    let mut binding = 0;
    let entries = types.map(|ty| {
        let entry = wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty,
            count: None,
        };
        binding += 1;
        entry
    });
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(label),
        entries: &entries,
    })
}

/// The bind group for a layout of [`layout`].
fn bind(
    device: &wgpu::Device,
    label: &'static str,
    layout: &wgpu::BindGroupLayout,
    [first, second]: [wgpu::BindingResource; 2],
) -> wgpu::BindGroup {
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(label),
        layout,
        entries: &[
            wgpu::BindGroupEntry {
                binding: 0,
                resource: first,
            },
            wgpu::BindGroupEntry {
                binding: 1,
                resource: second,
            },
        ],
    })
}

fn pipeline(
    device: &wgpu::Device,
    layouts: [&wgpu::BindGroupLayout; 3],
    target: wgpu::TextureFormat,
) -> wgpu::RenderPipeline {
    let shader = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("canvas"),
        source: wgpu::ShaderSource::Wgsl(include_str!("../../../shaders/canvas.wgsl").into()),
    });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("canvas"),
        bind_group_layouts: &layouts.map(Some),
        immediate_size: 0,
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("canvas"),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module: &shader,
            entry_point: Some("corner"),
            compilation_options: Default::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &shader,
            entry_point: Some("fill"),
            compilation_options: Default::default(),
            targets: &[Some(wgpu::ColorTargetState {
                format: target,
                blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}
