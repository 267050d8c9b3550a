//! Small pictures for a list.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use segscope::engine::{PhotoSource, Thumbnail, Thumbnails};

use super::desk::{empty_folder, picture, until};

fn start() -> Thumbnails {
    let waiting = thread::current();
    Thumbnails::start(Box::new(move || waiting.unpark())).expect("a thread")
}

fn next(thumbnails: &Thumbnails) -> (PhotoSource, Thumbnail) {
    until("a thumbnail", || thumbnails.poll())
}

fn size(thumbnail: &Thumbnail) -> [usize; 2] {
    let photo = thumbnail.as_ref().expect("a thumbnail");
    assert_eq!(photo.rgb.len(), 3 * photo.width * photo.height);
    [photo.width, photo.height]
}

#[test]
fn a_mixed_list_is_made_small() {
    let folder = empty_folder();
    let at = |name: &str| folder.path().join(name);
    let damaged = at("damaged.png");
    fs::write(&damaged, "no picture at all").expect("a file that can be written");
    let damaged = PhotoSource::Path(damaged);
    let expected = HashMap::from([
        (PhotoSource::Sample, [128, 96]),
        (picture(&at("wide.png"), 1000, 2), [128, 1]),
        (picture(&at("tall.png"), 100, 400), [32, 128]),
        (picture(&at("small.png"), 20, 10), [20, 10]),
    ]);
    let thumbnails = start();
    let mut wanted: Vec<_> = expected.keys().cloned().collect();
    wanted.push(damaged.clone());
    // Once is enough.
    wanted.extend_from_within(..);
    thumbnails.want(wanted);
    let mut made: HashMap<_, _> = (0..=expected.len()).map(|_| next(&thumbnails)).collect();
    let why = made
        .remove(&damaged)
        .expect("an answer for the damaged picture")
        .expect_err("a sentence");
    assert!(why.contains("damaged.png"), "expected a sentence on damaged.png: {why}");
    let sizes: HashMap<_, _> = made.iter().map(|(source, made)| (source.clone(), size(made))).collect();
    assert_eq!(sizes, expected);
}

#[test]
fn what_is_not_wanted_any_more_is_not_made() {
    let folder = empty_folder();
    let small = |i: usize| picture(&folder.path().join(format!("{i}.png")), 8, 8);
    let wanted: Vec<_> = (0..100).map(small).collect();
    let last = picture(&folder.path().join("last.png"), 8, 8);
    let thumbnails = start();
    thumbnails.want(wanted);
    // Nothing is taken meanwhile, so that the thread stops when its queue is full.
    let first = next(&thumbnails);
    assert_eq!(size(&first.1), [8, 8]);
    thumbnails.want(vec![last.clone()]);
    let mut others = 1;
    while next(&thumbnails).0 != last {
        others += 1;
    }
    // One taken, 32 in the queue and one that waits for a place.
    assert!(others <= 34, "{others} thumbnails that nobody wanted any more");
    thumbnails.want(vec![last.clone()]);
    assert!(next(&thumbnails).0 == last, "what was taken can be wanted again");
}

#[test]
fn the_thread_ends_with_its_handle_also_when_nobody_takes_anything() {
    let folder = empty_folder();
    let alive = Arc::new(());
    let of_thread = Arc::downgrade(&alive);
    let thumbnails = Thumbnails::start(Box::new(move || drop(alive.clone()))).expect("a thread");
    let small = |i: usize| picture(&folder.path().join(format!("{i}.png")), 8, 8);
    thumbnails.want((0..50).map(small).collect());
    drop(thumbnails);
    until("the end of the thread", || of_thread.upgrade().is_none().then_some(()));
}

#[test]
fn a_missing_picture_is_a_sentence() {
    let thumbnails = start();
    let missing = PhotoSource::Path(Path::new("no such folder").join("missing.jpg"));
    thumbnails.want(vec![missing]);
    let why = next(&thumbnails).1.expect_err("a sentence");
    assert!(why.contains("missing.jpg"), "expected a sentence on missing.jpg: {why}");
}
