//! Photos and labels as textures. Everything here may take long and should run on a background thread.
//!
//! The loops do not use several cores: while a network runs, the thread pool is busy, and a photo would wait for it.

use super::{Gpu, bind};
use crate::annotate::Bounds;
use crate::labels::{LabelMap, Regions};
use crate::photo::Photo;

/// Bytes that are handed to the driver at a time. This locks the queue for about a millisecond, and a frame that is
/// ready waits for it.
const SLAB_BYTES: usize = 4 << 20;

/// A photo as a texture, with all mip levels.
pub(in crate::app) struct GpuPhoto {
    pub(super) bindings: wgpu::BindGroup,
}

/// Class, region and confidence of each pixel as textures.
pub(in crate::app) struct GpuLabels {
    pub(super) bindings: wgpu::BindGroup,
    /// Class and region.
    labels: wgpu::Texture,
    /// Pixels of the map per texel, along each side.
    step: usize,
}

impl Gpu {
    /// Uploads a photo. If it is larger than the largest texture, it is reduced, for the screen only.
    pub(in crate::app) fn photo(&self, photo: &Photo) -> GpuPhoto {
        let most = self.device.limits().max_texture_dimension_2d as usize;
        let longest = photo.width.max(photo.height);
        let reduced = (longest > most).then(|| {
            let side = |length: usize| (length * most / longest).max(1);
            photo.resized(side(photo.width), side(photo.height))
        });
        let mut shown = reduced.as_ref().unwrap_or(photo);
        let levels = shown.width.max(shown.height).max(1).ilog2() + 1;
        let size = [shown.width, shown.height];
        let texture = texture(&self.device, "photo", size, levels, wgpu::TextureFormat::Rgba8Unorm);
        let mut half;
        for level in 0..levels {
            let rows = shown.rgb.as_chunks::<3>().0;
            self.write(&texture, level, [shown.width, shown.height], |y, out| {
                for (out, [r, g, b]) in out.iter_mut().zip(&rows[y * shown.width..]) {
                    *out = [*r, *g, *b, 255];
                }
            });
            if level + 1 < levels {
                half = halved(shown);
                shown = &half;
            }
        }
        let resources = [
            wgpu::BindingResource::TextureView(&texture.create_view(&Default::default())),
            wgpu::BindingResource::Sampler(&self.smooth),
        ];
        GpuPhoto {
            bindings: bind(&self.device, "photo", &self.photo_layout, resources),
        }
    }

    /// Uploads labels with their probabilities (0..=65535 for 0..=1, in the order of the map's pixels) and region
    /// numbers; `regions` must be those of the map. Labels without probabilities count as certain. A map that is larger
    /// than the largest texture is reduced by a whole factor.
    pub(in crate::app) fn labels(&self, map: &LabelMap, confidence: Option<&[u16]>, regions: &Regions) -> GpuLabels {
        let most = self.device.limits().max_texture_dimension_2d as usize;
        let step = map.width.max(map.height).div_ceil(most).max(1);
        let size = [map.width.div_ceil(step), map.height.div_ceil(step)];
        let labels = texture(&self.device, "labels", size, 1, wgpu::TextureFormat::Rg16Uint);
        self.write(&labels, 0, size, |y, out| {
            for (columns, number) in regions.row(y * step) {
                let class = regions.list().get(number as usize).map_or(0, |region| region.class);
                // The shader distinguishes regions by the class and the lower 16 bits of the number.
                out[columns.start.div_ceil(step)..columns.end.div_ceil(step)].fill([class, number as u16]);
            }
        });
        let sure = texture(&self.device, "confidence", size, 1, wgpu::TextureFormat::R8Unorm);
        self.write(&sure, 0, size, |y, out: &mut [u8]| {
            let Some(confidence) = confidence else {
                return out.fill(u8::MAX);
            };
            let row = confidence.get(y * step * map.width..).unwrap_or_default();
            for (out, probability) in out.iter_mut().zip(row.iter().step_by(step)) {
                *out = ((u32::from(*probability) * 255 + 32767) / 65535) as u8;
            }
        });
        GpuLabels {
            bindings: labels_bindings(&self.device, &self.labels_layout, &labels, &sure),
            labels,
            step,
        }
    }

    /// Uploads labels that are edited: without regions, and certain everywhere.
    pub(in crate::app) fn editable_labels(&self, map: &LabelMap) -> GpuLabels {
        let most = self.device.limits().max_texture_dimension_2d as usize;
        let step = map.width.max(map.height).div_ceil(most).max(1);
        let size = [map.width.div_ceil(step), map.height.div_ceil(step)];
        let labels = texture(&self.device, "edited labels", size, 1, wgpu::TextureFormat::Rg16Uint);
        self.write(&labels, 0, size, |y, out| edited_row(map, step, [0, y], out));
        // One texel serves all pixels: the shader takes the nearest one for a place outside.
        let sure = texture(&self.device, "certain", [1, 1], 1, wgpu::TextureFormat::R8Unorm);
        self.write(&sure, 0, [1, 1], |_, out: &mut [u8]| out.fill(u8::MAX));
        GpuLabels {
            bindings: labels_bindings(&self.device, &self.labels_layout, &labels, &sure),
            labels,
            step,
        }
    }

    /// Uploads rectangles of a map again, which is that of `labels`. What this costs depends on their area alone.
    pub(in crate::app) fn update_labels(&self, labels: &GpuLabels, map: &LabelMap, boxes: &[Bounds]) {
        let step = labels.step;
        for bounds in boxes {
            let start = [bounds.x.start.div_ceil(step), bounds.y.start.div_ceil(step)];
            let end = [bounds.x.end.div_ceil(step), bounds.y.end.div_ceil(step)];
            let size = [end[0].saturating_sub(start[0]), end[1].saturating_sub(start[1])];
            if size.contains(&0) {
                continue;
            }
            self.write_part(&labels.labels, 0, (start, size), |y, out| {
                edited_row(map, step, [start[0], start[1] + y], out);
            });
        }
    }

    /// Writes one level of a texture; `fill` computes each row.
    fn write<T: bytemuck::Pod>(
        &self,
        texture: &wgpu::Texture,
        level: u32,
        size: [usize; 2],
        fill: impl Fn(usize, &mut [T]),
    ) {
        self.write_part(texture, level, ([0, 0], size), fill);
    }

    /// Writes a rectangle of one level of a texture, from a column and row on; `fill` computes each row of it.
    fn write_part<T: bytemuck::Pod>(
        &self,
        texture: &wgpu::Texture,
        level: u32,
        ([column, row], [width, height]): ([usize; 2], [usize; 2]),
        fill: impl Fn(usize, &mut [T]),
    ) {
        let row_bytes = (width * size_of::<T>()).max(1);
        let slab_rows = (SLAB_BYTES / row_bytes).clamp(1, height.max(1));
        let mut slab = vec![T::zeroed(); slab_rows * width];
        for top in (0..height).step_by(slab_rows) {
            let rows = slab_rows.min(height - top);
            let slab = &mut slab[..rows * width];
            for (y, row) in slab.chunks_exact_mut(width.max(1)).enumerate() {
                fill(top + y, row);
            }
            let place = wgpu::TexelCopyTextureInfo {
                texture,
                mip_level: level,
                origin: wgpu::Origin3d {
                    x: column as u32,
                    y: (row + top) as u32,
                    z: 0,
                },
                aspect: wgpu::TextureAspect::All,
            };
            let layout = wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(row_bytes as u32),
                rows_per_image: None,
            };
            let extent = wgpu::Extent3d {
                width: width as u32,
                height: rows as u32,
                depth_or_array_layers: 1,
            };
            self.queue
                .write_texture(place, bytemuck::cast_slice(slab), layout, extent);
            // Not submitted here: the next frame does that. A window that changes its size waits until the device is
            // idle, and wgpu gives up on that wait if another thread submits meanwhile.
        }
    }
}

/// Fills a row of texels with the classes of a map, from a column and row of texels on.
fn edited_row(map: &LabelMap, step: usize, [column, row]: [usize; 2], out: &mut [[u16; 2]]) {
    let start = row * step * map.width + column * step;
    let ids = map.ids.get(start..).unwrap_or_default();
    for (out, id) in out.iter_mut().zip(ids.iter().step_by(step)) {
        *out = [*id, 0];
    }
}

/// The photo at half the width and height. Each pixel is the mean of four; an odd last row or column is left out.
fn halved(photo: &Photo) -> Photo {
    let (width, height) = ((photo.width / 2).max(1), (photo.height / 2).max(1));
    let pixels = photo.rgb.as_chunks::<3>().0;
    let row = |y: usize| &pixels[y.min(photo.height - 1) * photo.width..][..photo.width];
    let mut rgb = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        let (above, below) = (row(2 * y), row(2 * y + 1));
        for x in 0..width {
            let (left, right) = (2 * x, (2 * x + 1).min(photo.width - 1));
            let four = [above[left], above[right], below[left], below[right]];
            for channel in 0..3 {
                let sum: u16 = four.iter().map(|pixel| u16::from(pixel[channel])).sum();
                rgb.push(((sum + 2) / 4) as u8);
            }
        }
    }
    Photo::new(width, height, rgb)
}

/// Creates a texture that is written and sampled; width and height are in texels.
pub(super) fn texture(
    device: &wgpu::Device,
    label: &'static str,
    [width, height]: [usize; 2],
    levels: u32,
    format: wgpu::TextureFormat,
) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d {
            width: width.max(1) as u32,
            height: height.max(1) as u32,
            depth_or_array_layers: 1,
        },
        mip_level_count: levels,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}

/// The bind group that is bound while no masks are drawn.
pub(super) fn no_labels(device: &wgpu::Device, layout: &wgpu::BindGroupLayout) -> wgpu::BindGroup {
    let labels = texture(device, "no labels", [1, 1], 1, wgpu::TextureFormat::Rg16Uint);
    let sure = texture(device, "no confidence", [1, 1], 1, wgpu::TextureFormat::R8Unorm);
    labels_bindings(device, layout, &labels, &sure)
}

fn labels_bindings(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    labels: &wgpu::Texture,
    confidence: &wgpu::Texture,
) -> wgpu::BindGroup {
    let [labels, confidence] = [labels, confidence].map(|t| t.create_view(&Default::default()));
    let resources = [&labels, &confidence].map(wgpu::BindingResource::TextureView);
    bind(device, "labels", layout, resources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_averages_exactly_down_to_one_pixel() {
        let rgb = [[0, 10, 255], [4, 10, 255], [1, 11, 0], [2, 11, 0], [200; 3], [200; 3]].concat();
        let three_high = Photo::new(2, 3, rgb);
        let one = halved(&three_high);
        assert_eq!((one.width, one.height, one.rgb.clone()), (1, 1, vec![2, 11, 128]));
        assert_eq!(halved(&one), one);
        let row = Photo::new(4, 1, [[0; 3], [10; 3], [20; 3], [31; 3]].concat());
        assert_eq!(halved(&row).rgb, [5, 5, 5, 26, 26, 26]);
    }
}
