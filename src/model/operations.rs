//! Operations of the modules.

use burn::nn::Linear;
use burn::tensor::{Tensor, activation, module};

use super::interpolation;

/// `x · W` for tokens `[batch, tokens, in]`, without the bias.
pub(super) fn product(x: Tensor<3>, linear: &Linear) -> Tensor<3> {
    let [batch, tokens, input] = x.dims();
    let weight = linear.weight.val();
    let [_, output] = weight.dims();
    x.reshape([batch * tokens, input])
        .matmul(weight)
        .reshape([batch, tokens, output])
}

/// `x · W + b` for tokens `[batch, tokens, in]`.
pub(super) fn linear(x: Tensor<3>, linear: &Linear) -> Tensor<3> {
    let product = product(x, linear);
    match bias(linear) {
        Some(b) => product + b,
        None => product,
    }
}

/// erf GELU of `x + b`, `b` being the bias of `linear`.
pub(super) fn bias_gelu(x: Tensor<3>, linear: &Linear) -> Tensor<3> {
    let x = with_bias(x, linear);
    if x.device().is_autodiff() {
        // burn's own GELU has the gradient of the tanh approximation.
        return x.clone() * ((x * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
    }
    activation::gelu(x)
}

/// `x + (update + b)`, `b` being the bias of `linear`.
pub(super) fn residual(x: Tensor<3>, update: Tensor<3>, linear: &Linear) -> Tensor<3> {
    x + with_bias(update, linear)
}

/// Softmax attention from `x · W_qkv` `[batch, tokens, 3 · dim]` without bias to `[batch, tokens, dim]`.
///
/// Scores are scaled by `(dim / heads)^-0.5`. The attention matrix is not kept, except for gradients.
pub(super) fn attention(qkv: Tensor<3>, projection: &Linear, heads: usize) -> Tensor<3> {
    let is_autodiff = qkv.device().is_autodiff();
    let [query, key, value] = split_heads(qkv, projection, heads);
    if is_autodiff {
        // The backward pass needs the attention matrix.
        let scores = query.matmul(key.swap_dims(2, 3));
        return merge_heads(activation::softmax(scores, 3).matmul(value));
    }
    merge_heads(attend_in_chunks(query, key, value))
}

/// Queries (already scaled), keys and values `[batch, heads, tokens, head width]` from `x · W_qkv` without bias.
pub(super) fn split_heads(qkv: Tensor<3>, projection: &Linear, heads: usize) -> [Tensor<4>; 3] {
    let [batch, tokens, width] = qkv.dims();
    let head = width / 3 / heads;
    let parts = with_bias(qkv, projection)
        .reshape([batch, tokens, 3, heads, head])
        .permute([2, 0, 3, 1, 4]);
    let part = |i: usize| parts.clone().narrow(0, i, 1).squeeze_dim::<4>(0);
    // Scaling the queries instead of the scores saves a pass over tokens x tokens values.
    [part(0) * (head as f32).powf(-0.5), part(1), part(2)]
}

/// `[batch, heads, tokens, head width]` to `[batch, tokens, dim]`.
pub(super) fn merge_heads(context: Tensor<4>) -> Tensor<3> {
    let [batch, heads, tokens, head] = context.dims();
    context.swap_dims(1, 2).reshape([batch, tokens, heads * head])
}

/// `map` `[batch, rows, columns, channels]`, upsampled bilinearly.
pub(super) fn upsampled(map: Tensor<4>, factor: usize, align_corners: bool) -> Tensor<4> {
    if factor == 1 {
        return map;
    }
    let device = map.device();
    let [batch, rows, columns, channels] = map.dims();
    let size = [rows * factor, columns * factor];
    let down = interpolation::linear(rows, size[0], align_corners, &device).unsqueeze::<3>();
    let across = interpolation::linear(columns, size[1], align_corners, &device).unsqueeze::<3>();
    let map = down.matmul(map.reshape([batch, rows, columns * channels]));
    let map = across.matmul(map.reshape([batch * size[0], columns, channels]));
    map.reshape([batch, size[0], size[1], channels])
}

/// Maximum bytes of scores per step: the storage binding size that every Vulkan adapter offers.
const MAX_SCORE_BYTES: usize = 128 << 20;

fn attend_in_chunks(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>) -> Tensor<4> {
    let [batch, heads, tokens, _] = query.dims();
    let row_bytes = batch * heads * tokens * size_of::<f32>();
    let chunk = (MAX_SCORE_BYTES / row_bytes).clamp(1, tokens);
    let chunks = (0..tokens)
        .step_by(chunk)
        .map(|start| {
            let rows = chunk.min(tokens - start);
            let options = burn::tensor::ops::AttentionModuleOptions {
                // The queries are scaled already; an explicit scale also selects the plain matmul path, whose
                // precision is f32 on every adapter.
                scale: Some(1.0),
                softcap: None,
                is_causal: false,
            };
            let queries = query.clone().narrow(2, start, rows);
            module::attention(queries, key.clone(), value.clone(), None, None, options)
        })
        .collect::<Vec<_>>();
    Tensor::cat(chunks, 2)
}

fn bias(linear: &Linear) -> Option<Tensor<3>> {
    linear.bias.as_ref().map(|b| b.val().unsqueeze())
}

fn with_bias(x: Tensor<3>, linear: &Linear) -> Tensor<3> {
    match bias(linear) {
        Some(b) => x + b,
        None => x,
    }
}
