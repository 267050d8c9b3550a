//! Minimising a smooth function by L-BFGS.
//!
//! Liu and Nocedal, "On the limited memory BFGS method for large scale optimization" (1989), with the line search of
//! Lewis and Overton, "Nonsmooth optimization via quasi-Newton methods" (2013): bisection and doubling until the weak
//! Wolfe conditions hold.

use std::collections::VecDeque;

/// Steps that are remembered.
const MEMORY: usize = 8;

/// Part of the first slope by which the function has to fall.
const DECREASE: f64 = 1e-4;

/// Part of the first slope that may be left.
const CURVATURE: f64 = 0.9;

/// Most evaluations of a line search.
const TRIES: usize = 12;

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limits {
    /// Most iterations.
    pub(super) iterations: usize,
    /// Largest entry of the gradient that counts as zero.
    pub(super) gradient: f64,
    /// Relative decrease of the function that counts as none.
    pub(super) change: f64,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outcome {
    /// The function's value at the first place and at the last.
    pub(super) values: [f64; 2],
    /// Iterations that were taken.
    pub(super) iterations: usize,
    /// The largest entry of the gradient at the last place.
    pub(super) slope: f64,
    /// Whether a limit of gradient or change was reached.
    pub(super) converged: bool,
}

/// A place with the function's value and gradient there.
#[derive(Clone)]
struct Place {
    at: Vec<f64>,
    value: f64,
    slope: Vec<f64>,
}

/// Step, difference of gradients, and the inverse of their product.
struct Pair {
    step: Vec<f64>,
    turn: Vec<f64>,
    inverse: f64,
}

/// Moves `at` to where `function` is least. It is called with a place and writes the gradient there, which has the same
/// length. `at` is only moved to places with a smaller, finite value.
pub(super) fn minimise(
    at: &mut Vec<f64>,
    limits: Limits,
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Outcome {
    let mut slope = vec![0.0; at.len()];
    let value = function(at, &mut slope);
    let mut place = Place {
        at: std::mem::take(at),
        value,
        slope,
    };
    let mut pairs: VecDeque<Pair> = VecDeque::with_capacity(MEMORY);
    let mut outcome = Outcome {
        values: [value; 2],
        iterations: 0,
        slope: 0.0,
        converged: false,
    };
    let mut next = place.clone();
    while outcome.iterations < limits.iterations && place.value.is_finite() {
        if place.slope.iter().all(|slope| slope.abs() <= limits.gradient) {
            outcome.converged = true;
            break;
        }
        let mut way = direction(&place.slope, &pairs);
        let fall = dot(&way, &place.slope);
        if fall.is_nan() || fall >= 0.0 {
            pairs.clear();
            way = direction(&place.slope, &pairs);
        }
        if !search(&place, &way, &mut next, &mut function) {
            // Rounding leaves nothing to gain, or the remembered steps mislead: once more along the gradient.
            if pairs.is_empty() {
                break;
            }
            pairs.clear();
            continue;
        }
        outcome.iterations += 1;
        remember(&mut pairs, &place, &next);
        let change = place.value - next.value;
        std::mem::swap(&mut place, &mut next);
        if change <= limits.change * place.value.abs().max(1e-12) {
            outcome.converged = true;
            break;
        }
    }
    outcome.values[1] = place.value;
    outcome.slope = place.slope.iter().fold(0.0, |most, slope| slope.abs().max(most));
    *at = place.at;
    outcome
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (chunks, tail) = a.as_chunks::<8>();
    let (others, rest) = b.as_chunks::<8>();
    let mut sums = [0f64; 8];
    for (a, b) in chunks.iter().zip(others) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let tail: f64 = tail.iter().zip(rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + tail
}

fn add(to: &mut [f64], factor: f64, of: &[f64]) {
    for (to, of) in to.iter_mut().zip(of) {
        *to += factor * of;
    }
}

/// The way down: minus the inverse Hessian that the pairs stand for, times the gradient.
fn direction(slope: &[f64], pairs: &VecDeque<Pair>) -> Vec<f64> {
    let mut way: Vec<f64> = slope.iter().map(|slope| -slope).collect();
    let mut parts = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let part = pair.inverse * dot(&pair.step, &way);
        add(&mut way, -part, &pair.turn);
        parts.push(part);
    }
    if let Some(last) = pairs.back() {
        let scale = 1.0 / (last.inverse * dot(&last.turn, &last.turn));
        way.iter_mut().for_each(|way| *way *= scale);
    }
    for (pair, part) in pairs.iter().zip(parts.iter().rev()) {
        let back = pair.inverse * dot(&pair.turn, &way);
        add(&mut way, part - back, &pair.step);
    }
    way
}

/// Finds the next place along a way. Returns whether it is lower.
fn search(from: &Place, way: &[f64], next: &mut Place, function: &mut impl FnMut(&[f64], &mut [f64]) -> f64) -> bool {
    let fall = dot(way, &from.slope);
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..TRIES {
        next.at.copy_from_slice(&from.at);
        add(&mut next.at, length, way);
        next.value = function(&next.at, &mut next.slope);
        let decreases = next.value <= from.value + DECREASE * length * fall;
        if !decreases {
            high = length;
        } else if dot(way, &next.slope) < CURVATURE * fall {
            low = length;
        } else {
            break;
        }
        length = if high.is_finite() {
            (low + high) / 2.0
        } else {
            2.0 * low
        };
    }
    next.value < from.value
}

fn remember(pairs: &mut VecDeque<Pair>, from: &Place, to: &Place) {
    let minus = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
    let (step, turn) = (minus(&to.at, &from.at), minus(&to.slope, &from.slope));
    let product = dot(&step, &turn);
    if product > 1e-12 * dot(&turn, &turn) {
        if pairs.len() == MEMORY {
            pairs.pop_front();
        }
        pairs.push_back(Pair {
            step,
            turn,
            inverse: 1.0 / product,
        });
    }
}
