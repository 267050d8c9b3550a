//! The drawing parameters of photo and masks, and the callback that draws them.

use std::collections::HashMap;
use std::sync::Arc;

use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, ScreenDescriptor};
use egui::{PaintCallbackInfo, Rect, Shape};

use super::{Gpu, GpuLabels, GpuPhoto, bind, textures};
use crate::app::state::MaskFill;
use crate::export::Ground;
use crate::labels::Regions;

/// Classes per row of the palette texture.
const PALETTE_WIDTH: usize = 256;

/// Distance between the stripes of a hatching, in points; a stripe is half as wide.
const STRIPE_DISTANCE: f32 = 6.0;

/// Width of each of the two lines around a highlight, in points.
const HIGHLIGHT_LINE: f32 = 1.5;

/// How masks look.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) struct MaskStyle {
    /// sRGB colour and opacity of each class; opacity 0 hides it.
    pub(in crate::app) palette: Vec<[u8; 4]>,
    /// Opacity of all masks, 0..=1.
    pub(in crate::app) opacity: f32,
    pub(in crate::app) fill: MaskFill,
    /// Width of the outlines in points; 0 for none.
    pub(in crate::app) outline: f32,
    /// Whether pixels are fainter the lower their confidence is.
    pub(in crate::app) fade: bool,
    /// Pixels whose class has a probability below this are not drawn, 0..=1.
    pub(in crate::app) threshold: f32,
    pub(in crate::app) highlight: Option<Highlight>,
    /// The number of colours after which they repeat: further classes are striped.
    pub(in crate::app) repeats_after: Option<usize>,
}

/// A highlighted class or region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) struct Highlight {
    pub(in crate::app) class: u16,
    /// Number of one region of the class; `None` for all of it.
    pub(in crate::app) region: Option<u32>,
}

impl Highlight {
    /// The region at a pixel, if there is one.
    pub(in crate::app) fn at(regions: &Regions, [x, y]: [usize; 2]) -> Option<Self> {
        let region = regions.at(x, y)?;
        let class = regions.list().get(region as usize)?.class;
        Some(Self {
            class,
            region: Some(region),
        })
    }
}

/// Looks of the photo; the default leaves it unchanged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::app) struct Tone {
    /// -1..=1, added to the values.
    pub(in crate::app) brightness: f32,
    /// -1..=1: -1 is uniform grey, 0 unchanged, 1 four times the contrast.
    pub(in crate::app) contrast: f32,
    /// 0..=1: 0 is grey, 1 unchanged.
    pub(in crate::app) saturation: f32,
    /// Factor of the light, 0..=1.
    pub(in crate::app) light: f32,
}

impl Default for Tone {
    fn default() -> Self {
        Self {
            brightness: 0.0,
            contrast: 0.0,
            saturation: 1.0,
            light: 1.0,
        }
    }
}

impl Tone {
    /// The tone of a photo under a map of values, which must stand out.
    pub(in crate::app) fn under_map(self) -> Self {
        let [saturation, light] = Ground::MUTED;
        Self {
            saturation,
            light,
            ..self
        }
    }

    /// The tone of a photo under errors.
    pub(in crate::app) fn under_errors(self) -> Self {
        Self {
            saturation: 0.3,
            light: 0.62,
            ..self
        }
    }

    /// The factor by which a value of 0..=1 is multiplied, and what is added after that.
    fn factor_and_addend(self) -> [f32; 2] {
        let factor = 1.0 + self.contrast * if self.contrast >= 0.0 { 3.0 } else { 1.0 };
        [factor, 0.5 - 0.5 * factor + self.brightness]
    }
}

/// Photo and masks as a shape for a painter.
///
/// `slot` identifies the place within a frame: each place needs a different number, which is small and the same in
/// every frame. `clip` bounds what is drawn, and `photo_rect` is the area of the whole photo, which may be far larger;
/// both are in points. The painter's clip rectangle applies as well.
pub(in crate::app) fn shape(
    gpu: &Gpu,
    slot: usize,
    clip: Rect,
    photo_rect: Rect,
    photo: Arc<GpuPhoto>,
    masks: Option<(Arc<GpuLabels>, MaskStyle)>,
    tone: Tone,
) -> Shape {
    let image = Image {
        gpu: gpu.clone(),
        slot,
        rect: photo_rect,
        photo,
        masks,
        tone,
    };
    Shape::Callback(Callback::new_paint_callback(clip, image))
}

/// A photo in one place of one frame.
struct Image {
    gpu: Gpu,
    slot: usize,
    rect: Rect,
    photo: Arc<GpuPhoto>,
    masks: Option<(Arc<GpuLabels>, MaskStyle)>,
    tone: Tone,
}

/// The slots of all places, stored in egui's renderer.
#[derive(Default)]
struct Slots(HashMap<usize, Slot>);

/// Uniforms and palette of one place.
struct Slot {
    view: wgpu::Buffer,
    palette: wgpu::Texture,
    /// The content of the palette texture.
    texels: Vec<[u8; 4]>,
    bindings: wgpu::BindGroup,
}

/// The shader's `View`.
type View = [[f32; 4]; 5];

impl Slot {
    /// A slot with room for `classes` classes.
    fn new(gpu: &Gpu, classes: usize) -> Self {
        let view = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("canvas view"),
            size: size_of::<View>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let size = [PALETTE_WIDTH, classes.div_ceil(PALETTE_WIDTH).max(1)];
        let palette = textures::texture(&gpu.device, "palette", size, 1, wgpu::TextureFormat::Rgba8Unorm);
        let resources = [
            view.as_entire_binding(),
            wgpu::BindingResource::TextureView(&palette.create_view(&Default::default())),
        ];
        Self {
            bindings: bind(&gpu.device, "canvas slot", &gpu.slot_layout, resources),
            view,
            palette,
            texels: Vec::new(),
        }
    }

    /// Number of classes that fit into the palette texture.
    fn room(&self) -> usize {
        PALETTE_WIDTH * self.palette.height() as usize
    }

    /// Uploads a palette, if it has changed.
    fn set_palette(&mut self, queue: &wgpu::Queue, palette: &[[u8; 4]]) {
        let (same, rest) = self.texels.split_at(palette.len().min(self.texels.len()));
        if same == palette && rest.iter().all(|texel| *texel == [0; 4]) {
            return;
        }
        self.texels = palette.to_vec();
        self.texels.resize(self.room(), [0; 4]);
        queue.write_texture(
            self.palette.as_image_copy(),
            bytemuck::cast_slice(&self.texels),
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(4 * PALETTE_WIDTH as u32),
                rows_per_image: None,
            },
            self.palette.size(),
        );
    }
}

impl Image {
    fn view(&self, pixels_per_point: f32) -> View {
        let pixels = |points: f32| points * pixels_per_point;
        let linear = f32::from(u8::from(self.gpu.linear_target));
        let [factor, addend] = self.tone.factor_and_addend();
        // Shifted by a hundredth of a pixel: where edges of photo pixels fall on centres of screen pixels, rounding
        // would decide for each screen pixel separately which of the two photo pixels is drawn.
        let (left, top) = (pixels(self.rect.min.x) - 0.01, pixels(self.rect.min.y) - 0.01);
        let photo = [left, top, pixels(self.rect.width()), pixels(self.rect.height())];
        let repeats = self.masks.as_ref().and_then(|(_, style)| style.repeats_after);
        let mute = [self.tone.saturation, self.tone.light, repeats.unwrap_or(0) as f32, 0.0];
        let Some((_, style)) = &self.masks else {
            let tone = [factor, addend, linear, 0.0];
            return [photo, tone, [0.0; 4], [-1.0, -1.0, 0.0, 1.0], mute];
        };
        let fill = match style.fill {
            MaskFill::Fill => 1.0,
            MaskFill::Hatching => 2.0,
            MaskFill::Empty => 3.0,
        };
        let outline = (style.outline > 0.0).then(|| line_width(pixels(style.outline)));
        let highlight = style.highlight.map_or([-1.0; 2], |of| {
            // 16 bits, as in the label texture.
            let region = of.region.map_or(-1.0, |region| f32::from(region as u16));
            [f32::from(of.class), region]
        });
        [
            photo,
            [factor, addend, linear, fill],
            [
                style.opacity.clamp(0.0, 1.0),
                outline.unwrap_or(0.0),
                style.threshold.clamp(0.0, 1.0),
                f32::from(u8::from(style.fade)),
            ],
            [
                highlight[0],
                highlight[1],
                line_width(pixels(HIGHLIGHT_LINE)),
                pixels(STRIPE_DISTANCE),
            ],
            mute,
        ]
    }
}

/// The distance within which the shader looks for the other side of an edge, for a line of a width in pixels. No line
/// is thinner than a pixel. The width is slightly reduced, so that a width that ends in the middle of a pixel is
/// rounded equally on both sides of an area.
fn line_width(pixels: f32) -> f32 {
    pixels.max(1.0) - 0.02
}

impl CallbackTrait for Image {
    fn prepare(
        &self,
        _device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let palette = self.masks.as_ref().map_or(&[][..], |(_, style)| &style.palette);
        let Slots(slots) = resources.entry().or_insert_with(Slots::default);
        let new = || Slot::new(&self.gpu, palette.len());
        let slot = slots.entry(self.slot).or_insert_with(new);
        if slot.room() < palette.len() {
            *slot = new();
        }
        if !palette.is_empty() {
            slot.set_palette(queue, palette);
        }
        let view = self.view(screen.pixels_per_point);
        queue.write_buffer(&slot.view, 0, bytemuck::cast_slice(&view));
        Vec::new()
    }

    fn paint(&self, _info: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        let Some(slot) = resources.get::<Slots>().and_then(|slots| slots.0.get(&self.slot)) else {
            return;
        };
        let labels = match &self.masks {
            Some((labels, _)) => &labels.bindings,
            None => &self.gpu.no_labels,
        };
        pass.set_pipeline(&self.gpu.pipeline);
        pass.set_bind_group(0, &slot.bindings, &[]);
        pass.set_bind_group(1, &self.photo.bindings, &[]);
        pass.set_bind_group(2, labels, &[]);
        pass.draw(0..3, 0..1);
    }
}
