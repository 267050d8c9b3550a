//! Thumbnails for the image list.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use segscope::engine::{ImageSource, Thumbnail, Thumbnails};

use super::harness::{empty_folder, image, until};

fn start() -> Thumbnails {
    let waiting = thread::current();
    Thumbnails::start(Box::new(move || waiting.unpark())).expect("a thread")
}

fn next(thumbnails: &Thumbnails) -> (ImageSource, Thumbnail) {
    until("a thumbnail", || thumbnails.poll())
}

fn size(thumbnail: &Thumbnail) -> [usize; 2] {
    let photo = thumbnail.as_ref().expect("a thumbnail");
    assert_eq!(photo.rgb.len(), 3 * photo.width * photo.height);
    [photo.width, photo.height]
}

#[test]
fn thumbnails_of_a_mixed_list_are_made() {
    let folder = empty_folder();
    let at = |name: &str| folder.path().join(name);
    let damaged = at("damaged.png");
    fs::write(&damaged, "no image at all").expect("a file that can be written");
    let damaged = ImageSource::Path(damaged);
    let expected = HashMap::from([
        (ImageSource::Sample, [128, 96]),
        (image(&at("wide.png"), 1000, 2), [128, 1]),
        (image(&at("tall.png"), 100, 400), [32, 128]),
        (image(&at("small.png"), 20, 10), [20, 10]),
    ]);
    let thumbnails = start();
    let mut wanted: Vec<_> = expected.keys().cloned().collect();
    wanted.push(damaged.clone());
    // Each image is requested twice and must be answered once.
    wanted.extend_from_within(..);
    thumbnails.want(wanted);
    let mut made: HashMap<_, _> = (0..=expected.len()).map(|_| next(&thumbnails)).collect();
    let why = made
        .remove(&damaged)
        .expect("an answer for the damaged image")
        .expect_err("a sentence");
    assert!(
        why.contains("damaged.png"),
        "expected an error about damaged.png: {why}"
    );
    let sizes: HashMap<_, _> = made.iter().map(|(source, made)| (source.clone(), size(made))).collect();
    assert_eq!(sizes, expected);
}

#[test]
fn thumbnails_that_are_no_longer_requested_are_not_made() {
    let folder = empty_folder();
    let small = |i: usize| image(&folder.path().join(format!("{i}.png")), 8, 8);
    let wanted: Vec<_> = (0..100).map(small).collect();
    let last = image(&folder.path().join("last.png"), 8, 8);
    let thumbnails = start();
    thumbnails.want(wanted);
    // Thumbnails are not received meanwhile, so the thread stops when its queue is full.
    let first = next(&thumbnails);
    assert_eq!(size(&first.1), [8, 8]);
    thumbnails.want(vec![last.clone()]);
    let mut others = 1;
    while next(&thumbnails).0 != last {
        others += 1;
    }
    // One received, 32 in the queue, and one waiting for a place in the queue.
    assert!(others <= 34, "{others} thumbnails that were no longer requested");
    thumbnails.want(vec![last.clone()]);
    assert!(
        next(&thumbnails).0 == last,
        "a received thumbnail can be requested again"
    );
}

#[test]
fn dropping_the_handle_ends_the_thread_even_with_a_full_queue() {
    let folder = empty_folder();
    let alive = Arc::new(());
    let of_thread = Arc::downgrade(&alive);
    let thumbnails = Thumbnails::start(Box::new(move || drop(alive.clone()))).expect("a thread");
    let small = |i: usize| image(&folder.path().join(format!("{i}.png")), 8, 8);
    thumbnails.want((0..50).map(small).collect());
    drop(thumbnails);
    until("the end of the thread", || of_thread.upgrade().is_none().then_some(()));
}

#[test]
fn a_missing_image_is_an_error() {
    let thumbnails = start();
    let missing = ImageSource::Path(Path::new("no such folder").join("missing.jpg"));
    thumbnails.want(vec![missing]);
    let why = next(&thumbnails).1.expect_err("a sentence");
    assert!(
        why.contains("missing.jpg"),
        "expected an error about missing.jpg: {why}"
    );
}
