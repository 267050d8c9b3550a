//! Scoring without a window: requests to the scoring thread, and the handling of its answers.

use super::Evaluate;
use crate::app::state::testing::{Bench, SIDE, map_of, segmented, source};
use crate::app::workspaces::News;
use crate::engine::{ImageSource, LabelLayer, Output, ScoreAnswer, ScoreJob, ScoreRequest, ScoredImage, Ticket, Truth};
use crate::labels::{Confusion, LabelMap};

/// The workspace with images of these names, the first `with_truth` of which have ground truth.
fn workspace(names: &[&str], with_truth: usize) -> (Bench, Evaluate) {
    let mut bench = Bench::with_images(names);
    let mut evaluate = Evaluate::default();
    bench.open(&mut evaluate);
    let ticket = found_ticket(&mut bench);
    let truth = |at: usize| (at < with_truth).then(|| Truth::File(format!("/labels/{at}.png").into()));
    let found = ScoreAnswer::Found {
        ticket,
        truths: (0..names.len()).map(truth).collect(),
    };
    bench.tell(&News::Score(found), &mut [&mut evaluate]);
    bench.frame(&mut evaluate);
    (bench, evaluate)
}

fn found_ticket(bench: &mut Bench) -> Ticket {
    match bench.scores.remove(0) {
        ScoreRequest::Find { ticket, .. } => ticket,
        ScoreRequest::Score { .. } => panic!("expected a search for ground truth"),
    }
}

/// The next requested score.
fn asked(bench: &mut Bench) -> (Ticket, Box<ScoreJob>) {
    match bench.scores.remove(0) {
        ScoreRequest::Score { ticket, job } => (ticket, job),
        ScoreRequest::Find { .. } => panic!("expected a score"),
    }
}

/// Ground truth whose first `ones` pixels are of class 1 and the others of class 0.
fn truth(ones: usize) -> LabelMap {
    let mut map = map_of(0);
    map.ids[..ones].fill(1);
    map
}

/// The score of a prediction, by its definition.
fn scored(job: &ScoreJob, truth: &LabelMap) -> ScoredImage {
    let mut confusion = Confusion::new(11);
    assert!(confusion.add(job.labels.map(), truth));
    ScoredImage {
        mean_iou: confusion.mean_iou(),
        confusion,
        is_mask: false,
        thumbnail: None,
        shown: job.show.map(|_| crate::engine::ShownErrors {
            truth: LabelLayer::plain(truth.clone()),
            map: LabelLayer::plain(map_of(0)),
        }),
    }
}

fn answer(bench: &mut Bench, evaluate: &mut Evaluate, ticket: Ticket, source: ImageSource, image: ScoredImage) {
    let answer = ScoreAnswer::Scored {
        ticket,
        source,
        outcome: Ok(Box::new(image)),
    };
    bench.tell(&News::Score(answer), &mut [evaluate]);
    bench.frame(evaluate);
}

/// True class, predicted class and number of pixels in the sum over all scored images.
fn total(evaluate: &Evaluate) -> Vec<(usize, usize, u64)> {
    evaluate.total.iter().flat_map(Confusion::cells).collect()
}

#[test]
fn the_shown_image_is_scored_automatically_and_counted_once() {
    let (mut bench, mut evaluate) = workspace(&["a", "b"], 2);
    let (ticket, job) = asked(&mut bench);
    assert_eq!(job.source, source("a"));
    let image = scored(&job, &truth(5));
    answer(&mut bench, &mut evaluate, ticket, job.source, image);
    // Rows are true classes, columns are predicted ones: five pixels of class 1 are predicted as class 0.
    let expected = [(0, 0, (SIDE * SIDE - 5) as u64), (1, 0, 5)];
    assert_eq!(total(&evaluate), expected);
    assert!(evaluate.shown.is_some() && bench.scores.is_empty(), "requested once");
    // The errors of one class are another request, but the image is not counted again.
    evaluate.class = Some(1);
    bench.frame(&mut evaluate);
    let (ticket, job) = asked(&mut bench);
    let image = scored(&job, &truth(5));
    answer(&mut bench, &mut evaluate, ticket, job.source, image);
    assert_eq!((total(&evaluate), evaluate.counted()), (expected.to_vec(), 1));
}

#[test]
fn an_answer_by_outdated_rules_is_not_counted() {
    let (mut bench, mut evaluate) = workspace(&["a"], 1);
    let (ticket, job) = asked(&mut bench);
    bench.state.truth.zero_is_ignored = Some(true);
    bench.frame(&mut evaluate);
    assert!(!ticket.is_wanted());
    let image = scored(&job, &truth(5));
    answer(&mut bench, &mut evaluate, ticket, job.source.clone(), image);
    assert_eq!((total(&evaluate), evaluate.counted()), (Vec::new(), 0));
    let (ticket, again) = asked(&mut bench);
    assert!(again.reader.zero_is_ignored());
    let image = scored(&again, &truth(1));
    answer(&mut bench, &mut evaluate, ticket, job.source, image);
    assert_eq!(total(&evaluate), [(0, 0, 15), (1, 0, 1)]);
}

#[test]
fn a_changed_file_loses_its_score() {
    let (mut bench, mut evaluate) = workspace(&["a"], 1);
    let (ticket, job) = asked(&mut bench);
    let image = scored(&job, &truth(5));
    answer(&mut bench, &mut evaluate, ticket, job.source, image);
    bench.tell(&News::ImageChanged(source("a")), &mut [&mut evaluate]);
    assert_eq!((evaluate.counted(), evaluate.shown.is_none()), (0, true));
    assert_eq!(total(&evaluate), []);
}

#[test]
fn cached_results_are_scored_at_once_and_the_others_after_a_run() {
    let (mut bench, mut evaluate) = workspace(&["a", "b", "c", "d"], 3);
    let (ticket, job) = asked(&mut bench);
    let image = scored(&job, &truth(0));
    answer(&mut bench, &mut evaluate, ticket, job.source, image);
    // The result of b is cached, that of c is not, and d has no ground truth.
    bench.state.open_image(1);
    bench.settle(&mut [&mut evaluate]);
    bench.answer_photo();
    bench.answer_run(0);
    bench.state.open_image(0);
    bench.frame(&mut evaluate);
    bench.scores.clear();
    evaluate.asked = None;
    evaluate.score_all(&bench.ctx());
    bench.frame(&mut evaluate);
    let batch = bench.state.jobs.batch.as_ref().expect("a run");
    assert_eq!(
        (batch.sources.as_slice(), batch.for_scores),
        ([source("c")].as_slice(), true)
    );
    let of_b = bench.scores.iter().position(|request| match request {
        ScoreRequest::Score { job, .. } => job.source == source("b"),
        ScoreRequest::Find { .. } => false,
    });
    let ScoreRequest::Score { ticket, job } = bench.scores.remove(of_b.expect("a request")) else {
        panic!("expected a score");
    };
    let image = scored(&job, &truth(2));
    answer(&mut bench, &mut evaluate, ticket, job.source, image);
    let (batch, _) = bench.asked_batch();
    bench.answer_batch_image(&batch, 0, 3);
    bench.settle(&mut [&mut evaluate]);
    bench.frame(&mut evaluate);
    let of_c = bench.scores.iter().position(|request| match request {
        ScoreRequest::Score { job, .. } => job.source == source("c"),
        ScoreRequest::Find { .. } => false,
    });
    let ScoreRequest::Score { ticket, job } = bench.scores.remove(of_c.expect("a request")) else {
        panic!("expected a score");
    };
    let image = scored(&job, &truth(16));
    answer(&mut bench, &mut evaluate, ticket, job.source, image);
    assert_eq!(evaluate.counted(), 3);
    // 16 and 14 pixels are correct, 2 of class 1 are predicted as 0, and 16 of class 1 as 3.
    assert_eq!(total(&evaluate), [(0, 0, 30), (1, 0, 2), (1, 3, 16)]);
}

#[test]
fn at_most_two_images_are_sent_to_the_thread_at_once() {
    let (mut bench, mut evaluate) = workspace(&["a", "b", "c", "d", "e"], 5);
    let (ticket, job) = asked(&mut bench);
    let image = scored(&job, &truth(0));
    answer(&mut bench, &mut evaluate, ticket, job.source, image);
    let model = bench.state.library.models.used().expect("a model").clone();
    for name in ["b", "c", "d", "e"] {
        let photo = bench.photo(source(name));
        let result = segmented(photo, &model, Output::default(), 0);
        evaluate.waiting.push_back((source(name), Some(result)));
    }
    bench.frame(&mut evaluate);
    assert_eq!(bench.scores.len(), 2);
    let (ticket, job) = asked(&mut bench);
    let image = scored(&job, &truth(0));
    answer(&mut bench, &mut evaluate, ticket, job.source, image);
    assert_eq!(bench.scores.len(), 2, "one is done, and the next has been requested");
}
