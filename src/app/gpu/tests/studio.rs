//! A small target that is drawn onto with egui's renderer and read back, and images to draw.

use std::sync::{Arc, MutexGuard};

use eframe::egui_wgpu::{RenderState, Renderer, RendererOptions, ScreenDescriptor};
use egui::epaint::{ClippedPrimitive, Primitive};
use egui::{Rect, Shape, pos2, vec2};

use crate::app::gpu::{Gpu, GpuLabels, GpuPhoto, MaskStyle, Tone, shape};
use crate::app::state::MaskFill;
use crate::app::testing::can_draw;
use crate::labels::{LabelMap, Regions};
use crate::photo::Photo;

/// Width and height of the target in pixels, with one pixel per point. A row has 256 bytes, as reading back requires.
pub(super) const SIDE: usize = 64;

pub(super) const GAMMA: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
pub(super) const LINEAR: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8UnormSrgb;

/// Opaque colours of the classes 0 to 3.
pub(super) const PALETTE: [[u8; 4]; 4] = [
    [200, 40, 40, 255],
    [40, 180, 60, 255],
    [50, 70, 220, 255],
    [220, 210, 30, 255],
];

pub(super) const GREY: [u8; 3] = [90; 3];

pub(super) struct Studio {
    pub(super) gpu: Gpu,
    format: wgpu::TextureFormat,
    _state: RenderState,
    // Dropped last: the next test starts when everything of this one has been dropped.
    _turn: MutexGuard<'static, ()>,
}

impl Studio {
    pub(super) fn open(format: wgpu::TextureFormat) -> Option<Self> {
        let turn = can_draw()?;
        let setup = egui_kittest::wgpu::default_wgpu_setup();
        let state = egui_kittest::wgpu::create_render_state(setup, RendererOptions::PREDICTABLE);
        Some(Self {
            gpu: Gpu::new(&state.device, &state.queue, format),
            format,
            _state: state,
            _turn: turn,
        })
    }

    /// The colours of the target's pixels after drawing some shapes onto black.
    pub(super) fn draw(&self, shapes: Vec<Shape>) -> Vec<[u8; 3]> {
        let Gpu { device, queue, .. } = &self.gpu;
        let jobs: Vec<_> = shapes.into_iter().filter_map(job).collect();
        let screen = ScreenDescriptor {
            size_in_pixels: [SIDE as u32; 2],
            pixels_per_point: 1.0,
        };
        let extent = wgpu::Extent3d {
            width: SIDE as u32,
            height: SIDE as u32,
            depth_or_array_layers: 1,
        };
        let target = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("target"),
            size: extent,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: self.format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let mut renderer = Renderer::new(device, self.format, RendererOptions::PREDICTABLE);
        let mut encoder = device.create_command_encoder(&Default::default());
        renderer.update_buffers(device, queue, &mut encoder, &jobs, &screen);
        let view = target.create_view(&Default::default());
        let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..Default::default()
        });
        renderer.render(&mut pass.forget_lifetime(), &jobs, &screen);
        let read = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read back"),
            size: (4 * SIDE * SIDE) as u64,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(4 * SIDE as u32),
            rows_per_image: None,
        };
        let into = wgpu::TexelCopyBufferInfo { buffer: &read, layout };
        encoder.copy_texture_to_buffer(target.as_image_copy(), into, extent);
        queue.submit([encoder.finish()]);
        read.slice(..)
            .map_async(wgpu::MapMode::Read, |mapped| mapped.expect("memory to read"));
        device
            .poll(wgpu::PollType::wait_indefinitely())
            .expect("a finished frame");
        let bytes = read.get_mapped_range(..).expect("mapped memory");
        let pixels = bytes.as_chunks::<4>().0.iter();
        pixels.map(|[r, g, b, _]| [*r, *g, *b]).collect()
    }

    /// Draws a uniform photo over the whole target, with masks of a map of `side` x `side` pixels.
    pub(super) fn draw_masks(
        &self,
        side: usize,
        class: impl Fn(usize, usize) -> u16,
        style: MaskStyle,
    ) -> Vec<[u8; 3]> {
        let labels = self.labels(&map(side, class), &vec![65535; side * side]);
        self.draw_whole(&self.photo(side, |_, _| GREY), Some((labels, style)), Tone::default())
    }

    /// Draws a photo over the whole target.
    pub(super) fn draw_whole(
        &self,
        photo: &Arc<GpuPhoto>,
        masks: Option<(Arc<GpuLabels>, MaskStyle)>,
        tone: Tone,
    ) -> Vec<[u8; 3]> {
        self.draw(vec![shape(&self.gpu, 0, all(), all(), photo.clone(), masks, tone)])
    }

    pub(super) fn photo(&self, side: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Arc<GpuPhoto> {
        Arc::new(self.gpu.photo(&image(side, pixel)))
    }

    pub(super) fn labels(&self, map: &LabelMap, confidence: &[u16]) -> Arc<GpuLabels> {
        Arc::new(self.gpu.labels(map, Some(confidence), &Regions::of(map)))
    }
}

fn job(shape: Shape) -> Option<ClippedPrimitive> {
    let Shape::Callback(callback) = shape else { return None };
    Some(ClippedPrimitive {
        clip_rect: callback.rect,
        primitive: Primitive::Callback(callback),
    })
}

/// The whole target in points.
pub(super) fn all() -> Rect {
    Rect::from_min_size(pos2(0.0, 0.0), vec2(SIDE as f32, SIDE as f32))
}

pub(super) fn image(side: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Photo {
    let rgb = (0..side * side).flat_map(|i| pixel(i % side, i / side)).collect();
    Photo::new(side, side, rgb)
}

pub(super) fn map(side: usize, class: impl Fn(usize, usize) -> u16) -> LabelMap {
    LabelMap {
        width: side,
        height: side,
        ids: (0..side * side).map(|i| class(i % side, i / side)).collect(),
    }
}

/// Masks filled with four opaque colours.
pub(super) fn plain() -> MaskStyle {
    MaskStyle {
        palette: PALETTE.to_vec(),
        opacity: 1.0,
        fill: MaskFill::Fill,
        outline: 0.0,
        fade: false,
        threshold: 0.0,
        highlight: None,
        repeats_after: None,
    }
}

pub(super) fn color(class: u16) -> [u8; 3] {
    let [r, g, b, _] = PALETTE[usize::from(class)];
    [r, g, b]
}

/// A different colour for each pixel of a small photo.
pub(super) fn motley(x: usize, y: usize) -> [u8; 3] {
    [
        (x * 37 + y * 11) as u8,
        (x * 5 + y * 91) as u8,
        (x * 13 + y * y * 29) as u8,
    ]
}

/// Class 0 in the left half, 1 in the right half.
pub(super) fn halves(side: usize) -> impl Fn(usize, usize) -> u16 {
    move |x, _| u16::from(x >= side / 2)
}

pub(super) fn at(pixels: &[[u8; 3]], x: usize, y: usize) -> [u8; 3] {
    pixels[y * SIDE + x]
}
