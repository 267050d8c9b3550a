//! Times, printed: `cargo test --release --lib teach::tests::speed -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use super::super::{Guide, Lesson, LessonImage, Stroke, TokenLogits, guide_of, label};
use super::three_parts;
use crate::photo::Photo;

fn timed<T>(what: &str, mut work: impl FnMut() -> T) -> T {
    let mut best = f64::INFINITY;
    let mut result = work();
    for _ in 0..7 {
        let start = Instant::now();
        result = work();
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
    }
    println!("{what}: {best:.2} ms");
    result
}

fn lesson(classes: u16, strokes: u16) -> (Lesson, Photo) {
    let (tokens, photo) = three_parts(480, 360, 192);
    let stroke = |i: u16| {
        let [x, y] = [12.0 + f64::from(i % 5) * 90.0, 20.0 + f64::from(i / 5) * 45.0];
        Stroke::new(i % classes, 3.0, vec![[x, y], [x + 60.0, y + 20.0]])
    };
    let image = LessonImage {
        tokens: Arc::new(tokens),
        strokes: (0..strokes).map(stroke).collect(),
        accepted: None,
    };
    let lesson = Lesson {
        classes: (0..classes).collect(),
        images: vec![image],
        trained: None,
    };
    (lesson, photo)
}

#[test]
#[ignore = "measures times"]
fn times() {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads");
        pool.install(|| {
            println!("{threads} threads");
            for (classes, strokes) in [(5, 15), (11, 26), (30, 30)] {
                let (mut lesson, photo) = lesson(classes, strokes);
                let name = |what: &str| format!("  {classes} classes, {strokes} strokes, {what}");
                let learned = timed(&name("learn"), || lesson.learn(None).expect("a decoder"));
                println!("    {} iterations, loss {:.4}", learned.iterations, learned.loss);
                let warm = timed(&name("learn, warm"), || {
                    lesson.learn(Some(&learned.decoder)).expect("a decoder")
                });
                println!("    {} iterations", warm.iterations);
                let image = lesson.images[0].clone();
                let guide = timed(&name("guide"), || Guide::new(&photo).expect("a guide"));
                let logits = timed(&name("token logits"), || {
                    TokenLogits::of(&image.tokens, &learned.decoder).expect("logits")
                });
                let values = timed(&name("probabilities"), || {
                    logits.probabilities(&image.tokens, [480, 360])
                });
                timed(&name("filter and rank"), || guide.rank(&values).expect("a ranking"));
                let apply = |guide: Option<&Guide>| {
                    label(
                        &learned.decoder,
                        &lesson.classes,
                        &image.tokens,
                        &photo,
                        guide,
                        &image.strokes,
                    )
                    .expect("labels")
                };
                timed(&name("label, no filter"), || apply(None));
                timed(&name("label, guided"), || apply(Some(&guide)));
                lesson.trained = Some(learned.decoder.clone());
                let braked = timed(&name("learn with brake"), || lesson.learn(None).expect("a decoder"));
                println!("    {} iterations", braked.iterations);
            }
            let (lesson, _) = lesson(5, 15);
            let decoder = lesson.learn(None).expect("a decoder").decoder;
            let mut tokens = (*lesson.images[0].tokens).clone();
            tokens.image = [4000, 3000];
            let photo = Photo::new(4000, 3000, vec![90; 36_000_000]);
            let guide = guide_of(&photo, tokens.encoded).expect("a guide");
            let start = Instant::now();
            label(&decoder, &lesson.classes, &tokens, &photo, Some(&guide), &[]).expect("labels");
            println!(
                "  12 megapixels, 5 classes: {:.0} ms",
                start.elapsed().as_secs_f64() * 1e3
            );
        });
    }
}
