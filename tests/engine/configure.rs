//! Settings that change while the engine runs.

use std::time::Duration;

use segscope::engine::{DeviceChoice, EngineSettings, Event, Job, PhotoSource};

use crate::desk::{Desk, assert_covered, on_cpu};

#[test]
fn one_thread_gives_the_same_labels_and_dropped_features_are_made_again() {
    let mut desk = Desk::with_model();
    let photo = desk.open(PhotoSource::Sample);
    let first = desk.segment(&photo, None).prediction;
    desk.send(Job::Configure(EngineSettings {
        threads: Some(1),
        feature_bytes: 0,
        ..on_cpu()
    }));
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
    desk.send(Job::Configure(EngineSettings {
        device: DeviceChoice::Gpu,
        ..on_cpu()
    }));
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
    desk.send(Job::Configure(EngineSettings {
        device: DeviceChoice::Auto,
        ..on_cpu()
    }));
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
