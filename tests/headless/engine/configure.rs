//! Settings that change while the engine runs.

use std::time::Duration;

use segscope::engine::{DeviceChoice, EngineSettings, Event, Job, PhotoSource};

use super::desk::{Desk, assert_covered, empty_folder, large_picture, long_run, on_cpu};

#[test]
fn one_thread_gives_the_same_labels_and_dropped_features_are_made_again() {
    let mut desk = Desk::with_model();
    let photo = desk.open(PhotoSource::Sample);
    let first = desk.segment(&photo, None).prediction;
    desk.engine.configure(EngineSettings {
        threads: Some(1),
        feature_bytes: 0,
        ..on_cpu()
    });
    let again = desk.segment(&photo, None).prediction;
    assert!(
        again.timings.encode > Duration::ZERO,
        "features are kept beyond the limit"
    );
    assert!(first.labels.map == again.labels.map, "one thread gives other labels");
    let used = desk.wait_for("the memory in use", |event| match event {
        Event::Memory(used) => Some(used),
        _ => None,
    });
    assert_eq!(used.feature_bytes, 0);
}

#[test]
fn another_device_is_taken_or_refused_with_a_sentence() {
    let mut desk = Desk::with_model();
    desk.engine.configure(EngineSettings {
        device: DeviceChoice::Gpu,
        ..on_cpu()
    });
    let refused = desk.wait_for("an answer", |event| match event {
        Event::DeviceFailed(why) => Some(Some(why)),
        Event::Device { name, .. } if name != "CPU" => Some(None),
        _ => None,
    });
    match refused {
        Some(why) => assert!(why.contains("GPU"), "expected a sentence on the GPU: {why}"),
        None => desk.wait_for("a model that has to be read again", |event| match event {
            Event::OpenModels(open) if !open[0].in_memory => Some(()),
            _ => None,
        }),
    }
    // Either way there is a device, and the model comes to it.
    let photo = desk.open(PhotoSource::Sample);
    assert_covered(&desk.segment(&photo, None));
}

#[test]
fn a_choice_that_comes_to_the_same_device_keeps_the_model() {
    let mut desk = Desk::with_model();
    let photo = desk.open(PhotoSource::Sample);
    desk.segment(&photo, None);
    desk.engine.configure(EngineSettings {
        device: DeviceChoice::Auto,
        ..on_cpu()
    });
    let name = desk.wait_for("the device", |event| match event {
        Event::Device { name, .. } => Some(name),
        _ => None,
    });
    let again = desk.segment(&photo, None).prediction;
    let encoded = again.timings.encode > Duration::ZERO;
    assert_eq!(
        encoded,
        name != "CPU",
        "features are kept as long as the device is, now {name}"
    );
}

#[test]
fn settings_are_not_lost_while_the_queue_is_full() {
    let folder = empty_folder();
    let mut desk = Desk::with_model();
    let sample = desk.open(PhotoSource::Sample);
    let large = desk.open(large_picture(folder.path()));
    desk.segment(&sample, None);
    let long = desk.begin(&large, Some(long_run()));
    // Until there is no room for another.
    while desk.engine.send(Job::Find(Vec::new())).is_ok() {}
    for threads in [1, 2] {
        desk.engine.configure(EngineSettings {
            threads: Some(threads),
            feature_bytes: 0,
            ..on_cpu()
        });
    }
    drop(long);
    desk.wait_for("the first job of those that wait", |event| match event {
        Event::Found(_) => Some(()),
        _ => None,
    });
    // Told after that job, so the settings came before it.
    let used = desk.wait_for("the memory in use", |event| match event {
        Event::Memory(used) => Some(used),
        _ => None,
    });
    assert_eq!(used.feature_bytes, 0, "features are kept beyond the limit");
}
