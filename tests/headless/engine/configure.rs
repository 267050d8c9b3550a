//! Settings that change while the engine runs.

use std::time::Duration;

use segscope::engine::{DeviceChoice, EngineSettings, Event, ImageSource, Job};

use super::harness::{Harness, assert_covered, empty_folder, large_image, long_run, on_cpu};

#[test]
fn one_thread_gives_the_same_labels_and_dropped_features_are_recomputed() {
    let mut harness = Harness::with_model();
    let photo = harness.open(ImageSource::Sample);
    let first = harness.segment(&photo, None).prediction;
    harness.engine.configure(EngineSettings {
        threads: Some(1),
        feature_bytes: 0,
        ..on_cpu()
    });
    let again = harness.segment(&photo, None).prediction;
    assert!(
        again.timings.encode > Duration::ZERO,
        "cached features exceed the limit"
    );
    assert!(first.labels.map == again.labels.map, "labels differ with one thread");
    let used = harness.wait_for("the memory in use", |event| match event {
        Event::Memory(used) => Some(used),
        _ => None,
    });
    assert_eq!(used.feature_bytes, 0);
}

#[test]
fn another_device_is_used_or_refused_with_an_error() {
    let mut harness = Harness::with_model();
    harness.engine.configure(EngineSettings {
        device: DeviceChoice::Gpu,
        ..on_cpu()
    });
    let refused = harness.wait_for("an answer", |event| match event {
        Event::DeviceFailed(why) => Some(Some(why)),
        Event::Device { name, .. } if name != "CPU" => Some(None),
        _ => None,
    });
    match refused {
        Some(why) => assert!(why.contains("GPU"), "expected an error about the GPU: {why}"),
        None => harness.wait_for("a model that has to be read again", |event| match event {
            Event::OpenModels(open) if !open[0].in_memory => Some(()),
            _ => None,
        }),
    }
    // In both cases, the model is loaded on a device.
    let photo = harness.open(ImageSource::Sample);
    assert_covered(&harness.segment(&photo, None));
}

#[test]
fn a_choice_that_resolves_to_the_same_device_keeps_the_model() {
    let mut harness = Harness::with_model();
    let photo = harness.open(ImageSource::Sample);
    harness.segment(&photo, None);
    harness.engine.configure(EngineSettings {
        device: DeviceChoice::Auto,
        ..on_cpu()
    });
    let name = harness.wait_for("the device", |event| match event {
        Event::Device { name, .. } => Some(name),
        _ => None,
    });
    let again = harness.segment(&photo, None).prediction;
    let encoded = again.timings.encode > Duration::ZERO;
    assert_eq!(
        encoded,
        name != "CPU",
        "cached features of the same device were dropped, now {name}"
    );
}

#[test]
fn settings_are_not_lost_while_the_queue_is_full() {
    let folder = empty_folder();
    let mut harness = Harness::with_model();
    let sample = harness.open(ImageSource::Sample);
    let large = harness.open(large_image(folder.path()));
    harness.segment(&sample, None);
    let long = harness.begin(&large, Some(long_run()));
    // Fill the queue.
    while harness.engine.send(Job::Find(Vec::new())).is_ok() {}
    for threads in [1, 2] {
        harness.engine.configure(EngineSettings {
            threads: Some(threads),
            feature_bytes: 0,
            ..on_cpu()
        });
    }
    drop(long);
    harness.wait_for("the first job of those that wait", |event| match event {
        Event::FoundFiles(_) => Some(()),
        _ => None,
    });
    // The event comes after that job, so the settings were applied before it.
    let used = harness.wait_for("the memory in use", |event| match event {
        Event::Memory(used) => Some(used),
        _ => None,
    });
    assert_eq!(used.feature_bytes, 0, "cached features exceed the limit");
}
