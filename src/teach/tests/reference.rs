//! Numbers of an independent program: Newton's method in f64 for the decoders, summed-area tables for the filter.

use std::sync::Arc;

use super::super::lbfgs::{Limits, minimise};
use super::super::ridge;
use super::super::{
    Brake, Guide, Learned, Lesson, LessonImage, LinearDecoder, Probabilities, Samples, Standard, Stop, Stroke,
    TokenLogits, learn, pixels, samples,
};
use super::{Draws, few_strokes, few_tokens, noisy_photo};
use crate::photo::Photo;

fn close(found: impl IntoIterator<Item = f32>, expected: &[f64], tolerance: f64) {
    let found: Vec<f32> = found.into_iter().collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (f64::from(*found) - expected).abs() <= tolerance,
            "{found} is not {expected}"
        );
    }
}

fn few_samples(standard: &Standard) -> Samples {
    let tokens = few_tokens();
    let mut all = Samples::new(20);
    for pixel in samples(&few_strokes(), [40, 24]) {
        tokens.sample(standard, [pixel.x, pixel.y], all.push(usize::from(pixel.class)));
    }
    all
}

/// Channels 0, 7 and 19 of each class's weights.
fn some_weights(decoder: &LinearDecoder) -> Vec<f32> {
    let rows = decoder.weight.chunks_exact(20);
    rows.flat_map(|row| [row[0], row[7], row[19]]).collect()
}

/// Biases without their mean, which changes nothing.
fn centred_bias(decoder: &LinearDecoder) -> Vec<f32> {
    let mean = decoder.bias.iter().sum::<f32>() / decoder.bias.len() as f32;
    decoder.bias.iter().map(|bias| bias - mean).collect()
}

/// A sum in which each weight has another factor.
fn checksum(decoder: &LinearDecoder) -> f64 {
    let weights = decoder.weight.iter().enumerate();
    weights.map(|(i, weight)| f64::from(*weight) * (i as f64).sin()).sum()
}

#[test]
fn statistics_are_those_of_the_population() {
    let standard = Standard::of(&[&few_tokens()]).expect("statistics");
    close(
        standard.mean[..3].to_vec(),
        &[-0.010772467, 0.310078184, 0.919455833],
        1e-6,
    );
    close(
        standard.factor[..3].to_vec(),
        &[0.208433309, 0.158769538, 0.195991457],
        1e-6,
    );
}

#[test]
fn strokes_cover_the_pixels_whose_centres_are_near() {
    let expected: [(usize, &[usize], usize); 4] = [
        (48, &[41, 42, 43, 81, 82, 83], 14664),
        (49, &[140, 179, 180, 181, 219, 220], 24598),
        (1, &[436], 436),
        (69, &[615, 654, 655, 656, 693, 694], 57079),
    ];
    for (stroke, (count, first, sum)) in few_strokes().iter().zip(expected) {
        let found = pixels(stroke, [40, 24]);
        assert_eq!(found.len(), count);
        assert_eq!(found[..first.len()], *first);
        assert_eq!(found.iter().sum::<usize>(), sum);
    }
    assert_eq!(samples(&few_strokes(), [40, 24]).len(), 61);
}

#[test]
fn any_stroke_covers_what_the_rule_says() {
    let mut draws = Draws(19);
    for round in 0..200 {
        let mut place = || {
            [
                f64::from(draws.next()) * 60.0 - 10.0,
                f64::from(draws.next()) * 50.0 - 10.0,
            ]
        };
        let points: Vec<[f64; 2]> = (0..1 + round % 4).map(|_| place()).collect();
        let points = match round % 3 {
            0 => points,
            _ => points.iter().map(|point| point.map(f64::round)).collect(),
        };
        let stroke = Stroke::new(0, f64::from(draws.next() * 12.0).max(0.5), points);
        let near = |at: usize| {
            let [x, y] = [at % 40, at / 40].map(|at| at as f64);
            let ends = |i: usize| (stroke.points[i], stroke.points[(i + 1).min(stroke.points.len() - 1)]);
            (0..stroke.points.len()).any(|i| {
                let ([ax, ay], [bx, by]) = ends(i);
                let squared = (bx - ax).powi(2) + (by - ay).powi(2);
                let along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / squared.max(1e-300);
                let along = along.clamp(0.0, 1.0);
                (x - ax - along * (bx - ax)).hypot(y - ay - along * (by - ay)) <= stroke.width / 2.0
            })
        };
        let expected: Vec<usize> = (0..40 * 30).filter(|at| near(*at)).collect();
        assert_eq!(pixels(&stroke, [40, 30]), expected, "{stroke:?}");
    }
}

fn learnt(stop: Stop, brake: bool) -> Learned {
    let tokens = few_tokens();
    let standard = Standard::of(&[&tokens]).expect("statistics");
    let mut samples = few_samples(&standard);
    let count = samples.len();
    if !brake {
        samples.balance(0..count, 1.0, 1.0);
        return learn(&samples, 3, &standard, None, None, stop);
    }
    samples.weights.fill(0.01);
    let mut values = vec![0.0; tokens.values.len()];
    for (to, token) in values.chunks_exact_mut(20).zip(tokens.values.chunks_exact(20)) {
        standard.apply(token, to);
    }
    let brake = Brake::new(trained(), &standard, values);
    learn(&samples, 3, &standard, None, Some(&brake), stop)
}

fn thorough(iterations: usize) -> Stop {
    Stop {
        iterations,
        change: 1e-10,
    }
}

fn trained() -> LinearDecoder {
    let mut draws = Draws(11);
    let weight = draws.many(60).iter().map(|value| (value - 0.5) * 0.6).collect();
    let bias = draws.many(3).iter().map(|value| value - 0.5).collect();
    LinearDecoder::new(weight, bias, 20).expect("a decoder")
}

#[test]
fn a_decoder_is_the_optimum() {
    let learned = learnt(thorough(400), false);
    assert!((learned.loss - 0.0933028177163125).abs() < 1e-6, "{}", learned.loss);
    let expected = [
        0.2781478, -0.3613136, 0.0365417, 0.1531003, 0.0609908, -0.1806201, -0.4312481, 0.3003228, 0.1440784,
    ];
    close(some_weights(&learned.decoder), &expected, 4e-4);
    let bias = [-0.695683341870741, 2.0622940526129834, -1.3666107107422425];
    close(centred_bias(&learned.decoder), &bias, 2e-3);
    assert!((checksum(&learned.decoder) - 0.2815007406101017).abs() < 1e-3);
}

#[test]
fn thirty_iterations_come_close_to_the_optimum() {
    let learned = learnt(Stop::USUAL, false);
    assert!(learned.iterations <= 30);
    assert!((learned.loss - 0.0933028177163125).abs() < 1e-3, "{}", learned.loss);
}

#[test]
fn a_brake_keeps_what_the_trained_decoder_says() {
    let learned = learnt(thorough(2000), true);
    assert!((learned.loss - 1.3093770932281394).abs() < 1e-5, "{}", learned.loss);
    let expected = [
        -0.11862142596928571,
        -0.010444748368524203,
        -0.011883519911522809,
        -0.18277195337460178,
        -0.33227042133942775,
        -0.28933481066971545,
        -0.2086745127306703,
        0.2594030397335012,
        0.09631569357651702,
    ];
    close(some_weights(&learned.decoder), &expected, 2e-2);
    let first = learnt(thorough(0), true);
    assert!((first.loss - 1.934005715986748).abs() < 1e-5, "{}", first.loss);
    close(
        first.decoder.weight.clone(),
        &trained().weight.iter().map(|w| f64::from(*w)).collect::<Vec<_>>(),
        1e-5,
    );
}

#[test]
fn ridge_is_the_closed_form() {
    let standard = Standard::of(&[&few_tokens()]).expect("statistics");
    let mut samples = few_samples(&standard);
    let count = samples.len();
    samples.balance(0..count, 1.0, 1.0);
    let all = ridge::fit(&samples, &samples.targets, 3);
    let found = (0..3).flat_map(|class| {
        [0, 7, 19]
            .map(|channel| all[class * 20 + channel])
            .into_iter()
            .chain([all[60 + class]])
    });
    let expected = [
        1.9095531443996805,
        -2.949324847834492,
        1.3031844624624767,
        -1.4211809636823973,
        2.164850277781689,
        0.12402967668871054,
        -2.8045325784747925,
        -0.36337934528172283,
        -4.074403400113929,
        2.825295168190974,
        1.50134814023553,
        -4.215439674037688,
    ];
    close(found.map(|value| value as f32), &expected, 1e-4);
}

#[test]
fn lbfgs_finds_the_bottom_of_rosenbrocks_valley() {
    let mut at = vec![-1.2, 1.0];
    let limits = Limits {
        iterations: 200,
        gradient: 1e-9,
        change: 0.0,
    };
    let outcome = minimise(&mut at, limits, |at, slope| {
        let (x, y) = (at[0], at[1]);
        slope[0] = -400.0 * x * (y - x * x) - 2.0 * (1.0 - x);
        slope[1] = 200.0 * (y - x * x);
        100.0 * (y - x * x).powi(2) + (1.0 - x).powi(2)
    });
    assert!(
        (at[0] - 1.0).abs() < 1e-6 && (at[1] - 1.0).abs() < 1e-6,
        "{at:?} {outcome:?}"
    );
}

#[test]
fn a_lesson_is_the_same_decoder() {
    let image = LessonImage {
        tokens: Arc::new(few_tokens()),
        strokes: few_strokes(),
        accepted: None,
    };
    let mut lesson = Lesson {
        classes: vec![0, 1, 2],
        images: vec![image],
        trained: None,
    };
    assert_eq!(lesson.learn(None).expect("a decoder"), learnt(Stop::USUAL, false));
    lesson.trained = Some(trained());
    assert_eq!(lesson.learn(None).expect("a decoder"), learnt(Stop::USUAL, true));
}

#[test]
fn probabilities_lie_between_the_tokens() {
    let tokens = few_tokens();
    let logits = TokenLogits::of(&tokens, &trained()).expect("logits");
    let found = logits.probabilities(&tokens, [40, 24]);
    let at = |y: usize, x: usize| (0..3).map(move |class| (class, y, x));
    let values = at(0, 0).chain(at(11, 17)).chain(at(23, 39));
    let expected = [
        0.091214, 0.784564, 0.124222, 0.108593, 0.594061, 0.297346, 0.110744, 0.785874, 0.103382,
    ];
    close(values.map(|(class, y, x)| found.row(class, y)[x]), &expected, 2e-6);
}

/// Places of the filtered images that are compared: row and column.
const PLACES: [[usize; 2]; 8] = [[0, 0], [0, 29], [19, 0], [19, 29], [10, 14], [10, 15], [5, 20], [13, 3]];

fn noisy_values(draws: &mut Draws) -> Probabilities {
    let step = |at: usize| if at % 30 >= 13 { 0.6 } else { 0.0 };
    Probabilities {
        width: 30,
        height: 20,
        classes: 1,
        values: (0..600).map(|at| draws.next() * 0.4 + step(at)).collect(),
    }
}

#[test]
fn the_filter_is_that_of_the_paper() {
    let mut draws = Draws(3);
    let (photo, values) = (noisy_photo(&mut draws), noisy_values(&mut draws));
    for (radius, expected) in [
        (
            4,
            [
                0.1561337, 0.7816444, 0.1474688, 0.7846099, 0.6593994, 0.6585616, 0.8236726, 0.1908448,
            ],
        ),
        (
            12,
            [
                0.3194208, 0.716253, 0.311617, 0.7739156, 0.5764858, 0.5811839, 0.6960023, 0.3533431,
            ],
        ),
    ] {
        let guide = Guide::with(&photo, radius, 1e-3).expect("a guide");
        let filtered = guide.filter(&values, 0).expect("the same size");
        close(PLACES.map(|[y, x]| filtered[y * 30 + x]), &expected, 1e-5);
        let sum: f64 = filtered.iter().map(|value| f64::from(*value)).sum();
        assert!((sum - 322.53494181632993).abs() < 1e-2, "{sum}");
    }
}

#[test]
fn a_grey_guide_is_regular() {
    let mut draws = Draws(3);
    let (mut photo, values) = (noisy_photo(&mut draws), noisy_values(&mut draws));
    for rgb in photo.rgb.as_chunks_mut::<3>().0 {
        *rgb = [rgb[0]; 3];
    }
    let filtered = Guide::new(&photo)
        .expect("a guide")
        .filter(&values, 0)
        .expect("the same size");
    let expected = [
        0.3774705, 0.7305341, 0.2983766, 0.7659513, 0.5241616, 0.5490539, 0.6760916, 0.3877305,
    ];
    close(PLACES.map(|[y, x]| filtered[y * 30 + x]), &expected, 1e-4);
}

#[test]
fn a_photo_smaller_than_the_window_is_reflected_repeatedly() {
    let mut draws = Draws(3);
    let (photo, values) = (noisy_photo(&mut draws), noisy_values(&mut draws));
    let rgb = (0..5).flat_map(|y| photo.rgb[y * 90..][..21].to_vec()).collect();
    let part = Probabilities {
        width: 7,
        height: 5,
        classes: 1,
        values: (0..5).flat_map(|y| values.values[y * 30..][..7].to_vec()).collect(),
    };
    let guide = Guide::new(&Photo::new(7, 5, rgb)).expect("a guide");
    let filtered = guide.filter(&part, 0).expect("the same size");
    close(
        [filtered[0], filtered[2 * 7 + 3], filtered[4 * 7 + 6]],
        &[0.1795891, 0.1416985, 0.1662278],
        1e-5,
    );
}
