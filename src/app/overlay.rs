//! The masks on the GPU: label texture, palette, and the callback that draws them (`shaders/overlay.wgsl`).

use std::sync::Arc;

use eframe::egui_wgpu::{self, CallbackResources, CallbackTrait, RenderState, ScreenDescriptor};
use egui::Rect;
use wgpu::util::DeviceExt as _;

use crate::engine::Prediction;

/// Classes per row of the palette texture.
const PALETTE_WIDTH: usize = 256;

/// What one frame's overlay looks like.
pub(super) struct Overlay {
    /// Where the labels are.
    pub(super) prediction: Arc<Prediction>,
    /// Differs for each prediction: the label texture is made anew when it does.
    pub(super) version: u64,
    /// Colour and opacity of each class; opacity 0 hides it.
    pub(super) palette: Vec<[u8; 4]>,
    /// Opacity of all masks, 0..=1.
    pub(super) opacity: f32,
    /// Canvas in points.
    pub(super) canvas: Rect,
    /// Photo in points, possibly larger than the canvas.
    pub(super) photo: Rect,
}

/// Pipeline and textures; lives in egui's renderer.
struct OverlayGpu {
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    view: wgpu::Buffer,
    linear_target: bool,
    current: Option<Current>,
}

/// What is bound for the prediction that is shown.
struct Current {
    version: u64,
    palette: wgpu::Texture,
    palette_rows: usize,
    label_size: [u32; 2],
    bindings: wgpu::BindGroup,
}

/// Makes the pipeline. Called once, when the window opens.
pub(super) fn set_up(state: &RenderState) {
    let gpu = OverlayGpu::new(&state.device, state.target_format);
    state.renderer.write().callback_resources.insert(gpu);
}

impl OverlayGpu {
    fn new(device: &wgpu::Device, target: wgpu::TextureFormat) -> Self {
        let shader = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("overlay"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../shaders/overlay.wgsl").into()),
        });
        let texture = |binding, sample_type| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Texture {
                sample_type,
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
            count: None,
        };
        let view = wgpu::BindGroupLayoutEntry {
            binding: 0,
            visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let unfiltered = wgpu::TextureSampleType::Float { filterable: false };
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("overlay"),
            entries: &[view, texture(1, wgpu::TextureSampleType::Uint), texture(2, unfiltered)],
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("overlay"),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("overlay"),
            layout: Some(&pipeline_layout),
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
        });
        let view = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("overlay view"),
            size: size_of::<[f32; 8]>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self {
            pipeline,
            layout,
            view,
            linear_target: target.is_srgb(),
            current: None,
        }
    }

    /// Uploads the labels of another prediction.
    fn show(&mut self, overlay: &Overlay, device: &wgpu::Device, queue: &wgpu::Queue) {
        let map = &overlay.prediction.labels.map;
        let most = device.limits().max_texture_dimension_2d as usize;
        // A panorama that is wider than a texture can be is shown at a whole fraction of its size.
        let step = map.width.max(map.height).div_ceil(most).max(1);
        let (width, height) = (map.width.div_ceil(step), map.height.div_ceil(step));
        let label_size = [width as u32, height as u32];
        let descriptor = texture_descriptor("labels", label_size, wgpu::TextureFormat::R16Uint);
        let order = wgpu::util::TextureDataOrder::LayerMajor;
        let labels = if step == 1 {
            device.create_texture_with_data(queue, &descriptor, order, bytemuck::cast_slice(&map.ids))
        } else {
            let rows = map.ids.chunks_exact(map.width).step_by(step);
            let ids: Vec<u16> = rows.flat_map(|row| row.iter().copied().step_by(step)).collect();
            device.create_texture_with_data(queue, &descriptor, order, bytemuck::cast_slice(&ids))
        };
        let palette_rows = overlay.palette.len().div_ceil(PALETTE_WIDTH).max(1);
        let palette_size = [PALETTE_WIDTH as u32, palette_rows as u32];
        let palette = device.create_texture(&texture_descriptor(
            "palette",
            palette_size,
            wgpu::TextureFormat::Rgba8Unorm,
        ));
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("overlay"),
            layout: &self.layout,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: self.view.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::TextureView(&labels.create_view(&Default::default())),
                },
                wgpu::BindGroupEntry {
                    binding: 2,
                    resource: wgpu::BindingResource::TextureView(&palette.create_view(&Default::default())),
                },
            ],
        });
        self.current = Some(Current {
            version: overlay.version,
            palette,
            palette_rows,
            label_size,
            bindings,
        });
    }
}

fn texture_descriptor(
    label: &'static str,
    size: [u32; 2],
    format: wgpu::TextureFormat,
) -> wgpu::TextureDescriptor<'static> {
    wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d {
            width: size[0],
            height: size[1],
            depth_or_array_layers: 1,
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    }
}

impl CallbackTrait for Overlay {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let Some(gpu) = resources.get_mut::<OverlayGpu>() else {
            return Vec::new();
        };
        if gpu.current.as_ref().is_none_or(|c| c.version != self.version) {
            gpu.show(self, device, queue);
        }
        let Some(current) = &gpu.current else { return Vec::new() };
        let mut texels = self.palette.clone();
        texels.resize(current.palette_rows * PALETTE_WIDTH, [0; 4]);
        queue.write_texture(
            current.palette.as_image_copy(),
            bytemuck::cast_slice(&texels),
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(4 * PALETTE_WIDTH as u32),
                rows_per_image: Some(current.palette_rows as u32),
            },
            current.palette.size(),
        );
        let scale = screen.pixels_per_point;
        let photo = [
            self.photo.min.x,
            self.photo.min.y,
            self.photo.width(),
            self.photo.height(),
        ]
        .map(|v| v * scale);
        let [width, height] = current.label_size;
        let look = [
            width as f32,
            height as f32,
            self.opacity,
            f32::from(u8::from(gpu.linear_target)),
        ];
        queue.write_buffer(&gpu.view, 0, bytemuck::cast_slice(&[photo, look]));
        Vec::new()
    }

    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        let Some(gpu) = resources.get::<OverlayGpu>() else {
            return;
        };
        let Some(current) = &gpu.current else { return };
        pass.set_pipeline(&gpu.pipeline);
        pass.set_bind_group(0, &current.bindings, &[]);
        pass.draw(0..3, 0..1);
    }
}

/// The overlay as a shape for a painter.
pub(super) fn shape(overlay: Overlay) -> egui::Shape {
    egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(overlay.canvas, overlay))
}
