//! `--precision`, and the environment variable `SEGSCOPE_ISA`.

use std::path::Path;

use std::ops::ControlFlow;

use segscope::model::{Output, Precision};
use segscope::runtime::{DeviceChoice, ModelSource, PrecisionChoice, Session, Task};
use segscope::segment::InferenceConfig;

use super::program::*;

/// `segment --formats labels` of the sample image with the embedded model, and the printed JSON object.
fn segmented(out: &Path, precision: &str, isa: Option<&str>) -> (Vec<u16>, serde_json::Value) {
    let mut command = program();
    command.arg("segment").arg(sample()).arg("--out").arg(out);
    command.args([
        "--device",
        "cpu",
        "--formats",
        "labels",
        "--json",
        "--precision",
        precision,
    ]);
    command
        .env_remove("SEGSCOPE_ISA")
        .envs(isa.map(|isa| ("SEGSCOPE_ISA", isa)));
    let ended = run(&mut command).expect(0);
    let mut objects = ended.objects();
    assert_eq!(objects.len(), 1, "objects on stdout of {ended}");
    (label_map(&out.join("labels/street.png")).ids, objects.remove(0))
}

/// Share of equal labels.
fn agreement(a: &[u16], b: &[u16]) -> f64 {
    assert_eq!(a.len(), b.len(), "sizes");
    a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / a.len() as f64
}

#[test]
fn labels_in_bf16_nearly_equal_those_in_f32_and_each_is_named() {
    let folder = empty_folder();
    let (exact, object) = segmented(&folder.path().join("f32"), "f32", None);
    assert_eq!(object["precision"], "f32", "{object}");
    // The best kernels of this processor, and the roundings of those that multiply bf16.
    for isa in [None, Some("portable-bf16")] {
        let out = folder.path().join(isa.unwrap_or("best"));
        let (rounded, object) = segmented(&out, "bf16", isa);
        assert_eq!(object["precision"], "bf16", "{object}");
        let share = agreement(&exact, &rounded);
        assert!(share >= 0.995, "{isa:?}: {share} of the labels are equal");
        assert!(share < 1.0, "{isa:?}: bf16 has changed nothing");
    }
}

#[test]
fn labels_in_int8_nearly_equal_those_in_f32_and_are_named() {
    let folder = empty_folder();
    let (exact, _) = segmented(&folder.path().join("f32"), "f32", None);
    // The best kernels of this processor; with "portable", weights keep their full range of bytes.
    for isa in [None, Some("portable"), Some("portable-bf16")] {
        let out = folder.path().join(isa.unwrap_or("best"));
        let (rounded, object) = segmented(&out, "int8", isa);
        assert_eq!(object["precision"], "int8", "{object}");
        let share = agreement(&exact, &rounded);
        assert!(share >= 0.99, "{isa:?}: {share} of the labels are equal");
        assert!(share < 1.0, "{isa:?}: int8 has changed nothing");
    }
}

#[test]
fn automatic_precision_is_bf16_only_where_it_is_multiplied() {
    let folder = empty_folder();
    for (isa, precision) in [("portable", "f32"), ("portable-bf16", "bf16")] {
        let mut command = program();
        with_small_model(&mut command, "segment");
        command.arg(sample()).arg("--out").arg(folder.path().join(isa));
        command.args(["--device", "cpu", "--json"]).env("SEGSCOPE_ISA", isa);
        let ended = run(&mut command).expect(0);
        assert_eq!(ended.objects()[0]["precision"], precision, "{ended}");
    }
}

#[test]
fn a_session_changes_its_precision_and_back() {
    let mut session = Session::new(DeviceChoice::Cpu, PrecisionChoice::F32);
    let keep_going = || ControlFlow::Continue(());
    let loaded = session.load(ModelSource::Embedded, &mut |_| keep_going());
    let model = loaded.expect("the embedded model");
    let photo = image(&sample()).resized(200, 150);
    let settings = InferenceConfig::of(&model.spec.inference);
    let confidence = |session: &mut Session, choice| {
        session.change_device(DeviceChoice::Cpu, choice).expect("the CPU");
        let task = Task {
            model: model.id,
            output: Output::default(),
            photo: &photo,
            photo_id: 1,
            settings: &settings,
        };
        let prediction = session.segment(&task, &mut |_| keep_going()).expect("a prediction");
        let precision = session.info(model.id).expect("an open model").precision;
        (precision, prediction.labels.confidence)
    };
    let first = confidence(&mut session, PrecisionChoice::F32);
    let second = confidence(&mut session, PrecisionChoice::Bf16);
    assert_eq!([first.0, second.0], [Precision::F32, Precision::Bf16]);
    assert_ne!(first.1, second.1, "cached features of the former precision");
    let third = confidence(&mut session, PrecisionChoice::Int8);
    assert_eq!(third.0, Precision::Int8);
    assert_ne!(second.1, third.1, "cached features of the former precision");
    assert_eq!(confidence(&mut session, PrecisionChoice::F32), first);
}

#[test]
fn an_unknown_instruction_set_is_refused() {
    let folder = empty_folder();
    let mut command = program();
    with_small_model(&mut command, "segment");
    command.arg(sample()).arg("--out").arg(folder.path());
    let ended = run(command.args(["--device", "cpu"]).env("SEGSCOPE_ISA", "mmx")).expect(2);
    ended.complains_of(&["expected an instruction set", "portable", "found mmx", "SEGSCOPE_ISA"]);
}
