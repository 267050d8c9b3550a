//! Heads with one output channel, the sigmoid of which is the probability of class 1 (mmsegmentation's binary
//! segmentation, `out_channels=1`).
//!
//! Such a classifier becomes one with two channels, the first of which is 0 everywhere: the softmax of 0 and x is
//! `1 - sigmoid(x)` and `sigmoid(x)`. Resizing and merging the logits keeps the 0, so everything after the network
//! treats the model like any other with two classes, except for the threshold ([`InferenceSpec::threshold`]).

use super::tensor_mapping::{TensorMapping, only};
use crate::labels::{Class, ClassSet};
use crate::model::{HostTensor, InferenceSpec};

/// Maps the weight and bias of a classifier. With a threshold it is a sigmoid's, and its single channel becomes two.
pub(super) fn classifier(mapping: &mut TensorMapping, ours: &str, theirs: &str, inference: &InferenceSpec) {
    if inference.threshold.is_none() {
        return mapping.take_pair(ours, theirs);
    }
    for part in ["weight", "bias"] {
        mapping.make(format!("{ours}.{part}"), vec![format!("{theirs}.{part}")], after_zeros);
    }
}

/// Puts a channel of zeros before the single output channel of a tensor.
pub(super) fn after_zeros(tensors: Vec<HostTensor>) -> Result<HostTensor, String> {
    let HostTensor { mut shape, values } = only(tensors)?;
    if shape.first() != Some(&1) {
        return Err(format!("expected one output channel, found the shape {shape:?}"));
    }
    shape[0] = 2;
    let zeros = vec![0.0; values.len()];
    Ok(HostTensor {
        values: [zeros, values].concat(),
        shape,
    })
}

/// The two classes: with the file's two names, or its only name for the second, else default names; colours likewise.
pub(super) fn two_classes(names: &[String], colors: &[[u8; 3]]) -> ClassSet {
    let named =
        |own: Option<&String>, usual: &str| own.map_or(usual.to_owned(), |name| name.chars().take(80).collect());
    let [first, second] = match names {
        [one] => [named(None, "background"), named(Some(one), "")],
        [first, second] => [named(Some(first), ""), named(Some(second), "")],
        _ => ["background", "foreground"].map(str::to_owned),
    };
    let [dark, bright] = match colors {
        [dark, bright] => [*dark, *bright],
        _ => [[0; 3], [230, 60, 60]],
    };
    ClassSet {
        name: "two classes".into(),
        classes: vec![
            Class {
                name: first,
                color: dark,
            },
            Class {
                name: second,
                color: bright,
            },
        ],
        guessed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_softmax_of_both_channels_is_the_sigmoid() {
        let one = HostTensor {
            shape: vec![1, 2],
            values: vec![0.75, -2.0],
        };
        let both = after_zeros(vec![one]).expect("one channel");
        assert_eq!(both.shape, [2, 2]);
        let input = [1.5f32, 0.25];
        let logit = |row: usize| (0..2).map(|i| both.values[2 * row + i] * input[i]).sum::<f32>();
        let (zero, x) = (logit(0), logit(1));
        let softmax = x.exp() / (zero.exp() + x.exp());
        let sigmoid = 1.0 / (1.0 + (-0.625f32).exp());
        assert!((softmax - sigmoid).abs() < 1e-6, "{softmax} {sigmoid}");
        let two = HostTensor {
            shape: vec![2],
            values: vec![0.0; 2],
        };
        assert!(after_zeros(vec![two]).is_err());
    }

    #[test]
    fn the_names_of_the_file_are_used() {
        let names = |own: &[&str]| {
            let own: Vec<String> = own.iter().map(|name| (*name).to_owned()).collect();
            let set = two_classes(&own, &[]);
            [set.label(0), set.label(1)]
        };
        assert_eq!(names(&["sound", "crack"]), ["sound", "crack"]);
        assert_eq!(names(&["crack"]), ["background", "crack"]);
        assert_eq!(names(&[]), ["background", "foreground"]);
        assert_eq!(names(&["a", "b", "c"]), ["background", "foreground"]);
    }
}
