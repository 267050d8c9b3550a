// The photo with its masks, in one go: the photo's pixels through brightness and contrast, and over them the class
// colours. The label texture holds class and region of each pixel and the palette one colour per class, so a change of
// appearance recomputes nothing.
//
// Lengths are in screen pixels unless they are said to be in texels. Colours are sRGB values, as egui mixes them.

struct View {
    // Photo on the screen: left top corner, size.
    photo: vec4<f32>,
    // Of the photo: factor and addend of its values. Then 1 when the target expects linear light, and how masks are
    // filled.
    tone_and_fill: vec4<f32>,
    // Opacity of all masks, width of outlines (0 for none), probability below which nothing is drawn, 1 to fade what
    // is unsure.
    masks: vec4<f32>,
    // Highlighted class (-1 for none) and region (-1 for all of the class), width of each of the two lines around it,
    // distance of stripes.
    highlight: vec4<f32>,
    // Of the photo: how colourful it is, and a factor of its light. Then the number of colours after which they repeat,
    // 0 if they do not: further classes are striped.
    mute: vec4<f32>,
}

// How masks are filled.
const NO_MASKS: f32 = 0.0;
const FILL: f32 = 1.0;
const HATCHING: f32 = 2.0;

// What is highlighted is this much more opaque than the rest.
const HIGHLIGHT_GAIN: f32 = 1.3;
// Opacity of all masks from which on outlines are as opaque as their class. A line as faint as the fill could not be
// seen on it, and at opacity 0 nothing may be left.
const OUTLINE_FULL_FROM: f32 = 0.25;
// Share of white in an outline, and share of the photo's light that the dark line between two outlines takes.
const OUTLINE_WHITE: f32 = 0.08;
const HALO_SHADE: f32 = 0.38;
// Texels per screen pixel up to which a photo counts as magnified: 1:1 with room for rounding.
const MOST_MAGNIFIED: f32 = 1.001;

// Share of the opacity between the stripes of a class whose colour an earlier class has, too.
const STRIPED: f32 = 0.3;
// Weights of the lightness of sRGB values (Rec. 709).
const LUMA = vec3<f32>(0.2126, 0.7152, 0.0722);

@group(0) @binding(0) var<uniform> view: View;
// 256 classes a row; alpha is the opacity of the class, 0 when hidden.
@group(0) @binding(1) var palette: texture_2d<f32>;
@group(1) @binding(0) var photo: texture_2d<f32>;
@group(1) @binding(1) var smooth_sampler: sampler;
// Class and region.
@group(2) @binding(0) var labels: texture_2d<u32>;
@group(2) @binding(1) var confidence: texture_2d<f32>;

// One triangle that covers the viewport.
@vertex
fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    let at = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    return vec4<f32>(at * vec2<f32>(2.0, -2.0) + vec2<f32>(-1.0, 1.0), 0.0, 1.0);
}

// The photo at a place (0..1): crisp pixels when magnified, smooth when reduced.
fn photo_at(place: vec2<f32>) -> vec3<f32> {
    let size = vec2<f32>(textureDimensions(photo));
    let texels = size / view.photo.zw;
    let reduction = max(texels.x, texels.y);
    var color: vec3<f32>;
    if reduction <= MOST_MAGNIFIED {
        color = textureLoad(photo, clamp(vec2<i32>(place * size), vec2<i32>(0), vec2<i32>(size) - 1), 0).rgb;
    } else {
        color = textureSampleLevel(photo, smooth_sampler, place, log2(reduction)).rgb;
    }
    color = clamp(color * view.tone_and_fill.x + view.tone_and_fill.y, vec3<f32>(0.0), vec3<f32>(1.0));
    let grey = vec3<f32>(dot(color, LUMA));
    return mix(grey, color, view.mute.x) * view.mute.y;
}

// The pixel of the label texture that holds a place in texels; the nearest one for a place outside.
fn texel(at: vec2<f32>) -> vec2<i32> {
    return clamp(vec2<i32>(floor(at)), vec2<i32>(0), vec2<i32>(textureDimensions(labels)) - 1);
}

fn label_at(at: vec2<f32>) -> vec2<u32> {
    return textureLoad(labels, texel(at), 0).rg;
}

fn is_highlighted(label: vec2<u32>) -> bool {
    return f32(label.x) == view.highlight.x && (view.highlight.y < 0.0 || f32(label.y) == view.highlight.y);
}

// Width of the dark line between the outlines of two areas. It lies in the one with the higher class.
fn halo() -> f32 {
    return view.highlight.z / 1.5;
}

// Whether it matters how probable the class of a pixel is.
fn uses_confidence() -> bool {
    return view.masks.z > 0.0 || view.masks.w > 0.5;
}

// Which labels are another area than the one around which a line is drawn.
const OTHER_CLASS: u32 = 0u;
const NOT_HIGHLIGHTED: u32 = 1u;
const LOWER_CLASS: u32 = 2u;

fn is_other(label: vec2<u32>, class_id: u32, kind: u32) -> bool {
    switch kind {
        case NOT_HIGHLIGHTED: { return !is_highlighted(label); }
        case LOWER_CLASS: { return label.x < class_id; }
        default: { return label.x != class_id; }
    }
}

// Whether another area lies within `reach` texels of a place: looked for in eight directions, at the full and at half
// the distance. The border of the photo is no other area.
fn other_within(at: vec2<f32>, reach: vec2<f32>, class_id: u32, kind: u32) -> bool {
    var way = vec2<f32>(1.0, 0.0);
    for (var i = 0; i < 8; i++) {
        if is_other(label_at(at + way * reach), class_id, kind)
            || is_other(label_at(at + 0.5 * way * reach), class_id, kind) {
            return true;
        }
        // An eighth of a turn.
        way = vec2<f32>(way.x - way.y, way.x + way.y) * 0.70710678;
    }
    return false;
}

// How much of a screen pixel lies on a stripe; half of the area does. The stripes move with the photo, and neighbouring
// class ids have different directions.
fn stripe(pixel: vec2<f32>, class_id: u32) -> f32 {
    var across = vec2<f32>(0.70710678, 0.70710678);
    switch class_id % 4u {
        case 1u: { across = vec2<f32>(0.70710678, -0.70710678); }
        case 2u: { across = vec2<f32>(0.0, 1.0); }
        case 3u: { across = vec2<f32>(1.0, 0.0); }
        default: {}
    }
    let period = view.highlight.w;
    let from_middle = abs(fract(dot(pixel, across) / period) - 0.5) * period;
    return clamp(0.25 * period - from_middle + 0.5, 0.0, 1.0);
}

// Colour of the masks at a place on the label texture, in texels, with alpha multiplied in. `pixel` is the place on
// the screen from the photo's corner, `texels` the size of a screen pixel in texels; `edges` says whether to look for
// outlines and for the highlight's lines.
fn mask(at: vec2<f32>, pixel: vec2<f32>, texels: vec2<f32>, edges: vec2<bool>) -> vec4<f32> {
    let label = label_at(at);
    let class_id = label.x;
    if class_id / 256u >= textureDimensions(palette).y {
        return vec4<f32>(0.0);
    }
    let color = textureLoad(palette, vec2<i32>(vec2<u32>(class_id % 256u, class_id / 256u)), 0);
    if color.a == 0.0 {
        return vec4<f32>(0.0);
    }
    var sure = 1.0;
    if uses_confidence() {
        let threshold = view.masks.z;
        let probability = textureLoad(confidence, texel(at), 0).r;
        if probability < threshold {
            return vec4<f32>(0.0);
        }
        if view.masks.w > 0.5 && threshold < 1.0 {
            sure = (probability - threshold) / (1.0 - threshold);
        }
    }
    let highlighted = is_highlighted(label);
    if highlighted && edges.y {
        let line = view.highlight.z * texels;
        if other_within(at, line, class_id, NOT_HIGHLIGHTED) {
            return vec4<f32>(1.0);
        }
        if other_within(at, 2.0 * line, class_id, NOT_HIGHLIGHTED) {
            return vec4<f32>(0.0, 0.0, 0.0, 1.0);
        }
    }
    let opacity = view.masks.x;
    if edges.x {
        let alpha = color.a * sure * min(opacity / OUTLINE_FULL_FROM, 1.0);
        if other_within(at, halo() * texels, class_id, LOWER_CLASS) {
            return vec4<f32>(0.0, 0.0, 0.0, HALO_SHADE * alpha);
        }
        if other_within(at, view.masks.y * texels, class_id, OTHER_CLASS)
            || other_within(at, (halo() + view.masks.y) * texels, class_id, LOWER_CLASS) {
            return vec4<f32>(mix(color.rgb, vec3<f32>(1.0), OUTLINE_WHITE) * alpha, alpha);
        }
    }
    var alpha = color.a * sure * opacity;
    if highlighted {
        alpha = min(alpha * HIGHLIGHT_GAIN, 1.0);
    }
    let style = view.tone_and_fill.w;
    let colors = u32(view.mute.z);
    if style == HATCHING {
        alpha *= stripe(pixel, class_id);
    } else if style == FILL && colors > 0u && class_id >= colors {
        // The same colour for the second time: in stripes of another direction than for the third time.
        alpha *= mix(STRIPED, 1.0, stripe(pixel, class_id / colors - 1u));
    } else if style != FILL {
        alpha = 0.0;
    }
    return vec4<f32>(color.rgb * alpha, alpha);
}

// Middle of one of the four quarters of a screen pixel, from its middle.
fn quarter(index: i32) -> vec2<f32> {
    return vec2<f32>(f32(index & 1), f32(index >> 1u)) * 0.5 - 0.25;
}

// Colour of the masks on a screen pixel, with alpha multiplied in.
fn masks_at(place: vec2<f32>, pixel: vec2<f32>) -> vec4<f32> {
    let size = vec2<f32>(textureDimensions(labels));
    let texels = size / view.photo.zw;
    let at = place * size;
    let outlined = view.masks.y > 0.0;
    let highlighting = view.highlight.x >= 0.0;
    if max(texels.x, texels.y) <= MOST_MAGNIFIED {
        // Crisp pixels.
        return mask(at, pixel, texels, vec2<bool>(outlined, highlighting));
    }
    // Reduced: the mean of four places, so that thin classes do not flicker while zooming. First one look around tells
    // whether an edge can be near any of them (they are 0.36 pixels away); most pixels have none.
    let label = label_at(at);
    let highlighted = highlighting && is_highlighted(label);
    var edges = vec2<bool>(false, highlighting);
    if outlined {
        edges.x = other_within(at, (halo() + view.masks.y + 0.36) * texels, label.x, OTHER_CLASS);
    }
    if highlighted {
        edges.y = other_within(at, (2.0 * view.highlight.z + 0.36) * texels, label.x, NOT_HIGHLIGHTED);
    }
    // Four places in one area look alike, unless a line or the probability of each tells them apart.
    var alike = !(edges.x || (highlighted && edges.y) || uses_confidence());
    for (var i = 0; alike && i < 4; i++) {
        alike = all(label_at(at + quarter(i) * texels) == label);
    }
    if alike {
        return mask(at, pixel, texels, edges);
    }
    var sum = vec4<f32>(0.0);
    for (var i = 0; i < 4; i++) {
        sum += mask(at + quarter(i) * texels, pixel, texels, edges);
    }
    return 0.25 * sum;
}

fn to_linear(c: vec3<f32>) -> vec3<f32> {
    return select(pow((c + 0.055) / 1.055, vec3<f32>(2.4)), c / 12.92, c <= vec3<f32>(0.04045));
}

@fragment
fn fill(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let pixel = position.xy - view.photo.xy;
    let place = pixel / view.photo.zw;
    if any(place < vec2<f32>(0.0)) || any(place >= vec2<f32>(1.0)) {
        return vec4<f32>(0.0);
    }
    var color = photo_at(place);
    if view.tone_and_fill.w != NO_MASKS {
        let masks = masks_at(place, pixel);
        color = color * (1.0 - masks.a) + masks.rgb;
    }
    if view.tone_and_fill.z > 0.5 {
        color = to_linear(color);
    }
    return vec4<f32>(color, 1.0);
}
