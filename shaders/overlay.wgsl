// Class masks over the photo. The label texture holds one class id per pixel and the palette one colour per class, so
// colours, visibility and opacity change without anything being computed again.

struct View {
    // Photo in screen pixels: left top corner, size.
    photo: vec4<f32>,
    // Width and height of the label texture, opacity of all masks, 1 when the target expects linear light.
    labels_and_look: vec4<f32>,
}

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var labels: texture_2d<u32>;
// 256 classes a row; alpha is the opacity of the class, 0 when hidden.
@group(0) @binding(2) var palette: texture_2d<f32>;

// One triangle that covers the canvas.
@vertex
fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    let at = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    return vec4<f32>(at * vec2<f32>(2.0, -2.0) + vec2<f32>(-1.0, 1.0), 0.0, 1.0);
}

// Colour of the mask at a place on the photo (0..1), alpha not yet multiplied in.
fn mask(at: vec2<f32>) -> vec4<f32> {
    if any(at < vec2<f32>(0.0)) || any(at >= vec2<f32>(1.0)) {
        return vec4<f32>(0.0);
    }
    let id = textureLoad(labels, vec2<i32>(at * view.labels_and_look.xy), 0).r;
    let rows = textureDimensions(palette).y;
    if id / 256u >= rows {
        return vec4<f32>(0.0);
    }
    let color = textureLoad(palette, vec2<i32>(vec2<u32>(id % 256u, id / 256u)), 0);
    return vec4<f32>(color.rgb * color.a, color.a);
}

fn to_linear(c: vec3<f32>) -> vec3<f32> {
    return select(pow((c + 0.055) / 1.055, vec3<f32>(2.4)), c / 12.92, c <= vec3<f32>(0.04045));
}

@fragment
fn fill(@builtin(position) pixel: vec4<f32>) -> @location(0) vec4<f32> {
    let at = (pixel.xy - view.photo.xy) / view.photo.zw;
    // A quarter of a screen pixel, in photo coordinates.
    let step = 0.25 / view.photo.zw;
    var color: vec4<f32>;
    if all(abs(step) * 4.0 * view.labels_and_look.xy <= vec2<f32>(1.0)) {
        // Magnified: crisp pixels.
        color = mask(at);
    } else {
        // Reduced: the mean of four places, so that thin classes do not flicker while zooming.
        color = 0.25 * (mask(at + step) + mask(at - step)
            + mask(at + vec2<f32>(step.x, -step.y)) + mask(at + vec2<f32>(-step.x, step.y)));
    }
    if view.labels_and_look.w > 0.5 && color.a > 0.0 {
        color = vec4<f32>(to_linear(color.rgb / color.a) * color.a, color.a);
    }
    return color * view.labels_and_look.z;
}
