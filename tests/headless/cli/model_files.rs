//! `segscope info` and `segscope convert`.

use safetensors::tensor::{Dtype, TensorView};
use segscope::model::{DecoderKind, Variant, published};

use super::program::*;

#[test]
fn info_describes_the_embedded_model() {
    let ended = run(program().arg("info")).expect(0);
    assert_eq!(
        ended.row("model"),
        published(Variant::Tiny, 16, &DecoderKind::ALL, 11, 384).title()
    );
    assert_eq!(ended.row("classes"), "11 (camvid)");
    assert_eq!(ended.row("rules"), "images smaller than the window are enlarged to it");
    assert_eq!(ended.row("parameters"), parameters_of_five_decoders().to_string());
    let set = segscope::datasets::classes_of("camvid").expect("a built-in class set");
    let lines = ended.class_lines();
    for (id, class) in set.classes.iter().enumerate() {
        let [r, g, b] = class.color;
        let text = format!("{id}  #{r:02x}{g:02x}{b:02x}  {}", class.name);
        assert!(
            lines.iter().any(|line| line.trim() == text),
            "expected {text:?} on stdout of {ended}"
        );
    }
}

/// Number of parameters of ViT-Tiny for 384 pixels with all five decoders for 11 classes, SETR's with 64 channels,
/// computed from the layers in the papers. The running mean and variance of batch norms count.
fn parameters_of_five_decoders() -> usize {
    let (dim, patch, classes, channels) = (192, 16, 11, 64);
    let linear = |from: usize, to: usize| from * to + to;
    let norm = |dim: usize| 2 * dim;
    let attention = linear(dim, 3 * dim) + linear(dim, dim);
    let block = 2 * norm(dim) + attention + linear(dim, 4 * dim) + linear(4 * dim, dim);
    let tokens = dim + (24 * 24 + 1) * dim;
    let encoder = linear(3 * patch * patch, dim) + tokens + 12 * block + norm(dim);
    let projections = 2 * dim * dim;
    let mask = linear(dim, dim) + classes * dim + 2 * block + norm(dim) + projections + norm(classes);
    let convolved = |side: usize, from: usize, to: usize| side * side * from * to + 4 * to;
    let naive = norm(dim) + convolved(1, dim, channels) + linear(channels, classes);
    let stages = convolved(3, dim, channels) + 3 * convolved(3, channels, channels);
    let pup = norm(dim) + stages + linear(channels, classes);
    let half = channels / 2;
    let refined = convolved(3, channels, half) + convolved(3, half, half);
    let of_layer = norm(dim) + convolved(1, dim, channels) + convolved(3, channels, channels) + refined;
    let mla = 4 * of_layer + linear(4 * half, classes);
    encoder + mask + linear(dim, classes) + naive + pup + mla
}

#[test]
fn a_bundle_equals_the_model_it_was_made_from() {
    let folder = empty_folder();
    let (published, bundle) = (published_folder(), folder.path().join("small.safetensors"));
    let convert = |options: &[&str]| {
        run(program()
            .arg("convert")
            .arg(&published)
            .arg("-o")
            .arg(&bundle)
            .args(options))
    };
    convert(&[]).expect(0);

    let [from, to] = [info(&published), info(&bundle)];
    let rows = [
        "model",
        "parameters",
        "encoder",
        "positions",
        "layer norm",
        "decoders",
        "normalise",
        "window",
        "short side",
    ];
    for name in rows {
        assert_eq!(from.row(name), to.row(name), "{name} of folder and bundle");
    }
    assert_eq!(from.class_lines(), to.class_lines(), "classes of folder and bundle");
    assert_eq!(
        from.row("encoder"),
        "64 wide, 2 blocks, 1 heads, patch 16, distillation token"
    );
    assert_eq!(from.row("window"), "48 pixels, stride 36");

    let before = bytes(&bundle);
    convert(&["--note", "purpose=a test"])
        .expect(2)
        .complains_of(&["--overwrite", "small.safetensors"]);
    assert_eq!(bytes(&bundle), before, "the bundle changed without --overwrite");
    convert(&["--stride", "49", "--overwrite"])
        .expect(2)
        .complains_of(&["stride: expected 1 to 48, found 49"]);
    assert_eq!(bytes(&bundle), before, "the bundle changed despite the error");
    convert(&["--stride", "40", "--overwrite"]).expect(0);
    assert_eq!(info(&bundle).row("window"), "48 pixels, stride 40");
    convert(&["--note", "purpose=a test", "--overwrite"]).expect(0);
    assert_eq!(info(&bundle).row("purpose"), "a test");

    let [from, to] = [("folder", &published), ("bundle", &bundle)].map(|(name, model)| {
        let out = folder.path().join(name);
        let model = model.display().to_string();
        segment(&[&sample()], &out, &["--formats", "labels", "--model", &model]).expect(0);
        label_map(&out.join("labels/street.png"))
    });
    // The bundle stores weights with 16 bits.
    let share = agreement(&to, &from, u16::MAX);
    println!("folder and bundle agree in {share:.4} of the pixels");
    assert!(share >= 0.99, "expected 99 % of the pixels, found {share:.4}");
}

#[test]
fn one_of_several_sets_of_weights_is_chosen_by_its_key() {
    let folder = empty_folder();
    let file = folder.path().join("two.safetensors");
    let opened = segscope::checkpoint::open(&published_folder(), &mut |_| std::ops::ControlFlow::Continue(()));
    let weights = opened.expect("the published model").weights;
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = ["model", "model_ema"]
        .iter()
        .flat_map(|key| weights.iter().map(move |(name, tensor)| (key, name, tensor)))
        .map(|(key, name, tensor)| {
            let name = format!("{key}.{}", name.replace("decoders.mask.", "decoder."));
            let values = tensor.values.iter().flat_map(|value| value.to_le_bytes());
            (name, tensor.shape.clone(), values.collect())
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (name, view.expect("values that fit the shape"))
    });
    let written = safetensors::serialize(views, None).expect("a safetensors file");
    std::fs::write(&file, written).expect("disk space");

    let remarks = |options: &[&str]| {
        let ended = run(program().arg("info").arg(&file).args(options)).expect(0);
        let remarks: Vec<&str> = ended.out.lines().filter(|line| line.starts_with("remark ")).collect();
        remarks.join("\n")
    };
    let said = remarks(&[]);
    assert!(
        said.contains("2 sets of weights (model, model_ema); the one under model is used"),
        "{said}"
    );
    assert!(remarks(&["--weights", "model_ema"]).contains("the one under model_ema is used"));
    let info = |key: &str| run(program().arg("info").arg(&file).args(["--weights", key]));
    info("teacher")
        .expect(2)
        .complains_of(&["found teacher", "model, model_ema"]);

    let model = file.display().to_string();
    let out = folder.path().join("out");
    let options = ["--formats", "labels", "--model", &model, "--weights", "model_ema"];
    segment(&[&sample()], &out, &options)
        .expect(0)
        .complains_of(&["note", "model_ema"]);
}

#[test]
fn a_bundle_needs_its_extension() {
    let folder = empty_folder();
    let target = folder.path().join("small.bin");
    let ended = run(program().arg("convert").arg(published_folder()).arg("-o").arg(&target)).expect(2);
    ended.complains_of(&[".safetensors", "small.bin"]);
    assert!(!target.exists(), "something was written: {ended}");
}

#[test]
fn info_describes_a_backbone_and_segment_refuses_it() {
    let npz = in_repository("tests/golden/pipeline-timm-npz/vit_tiny_fake.npz");
    let ended = info(&npz);
    assert!(ended.row("backbone").starts_with("no decoder"), "{ended}");
    assert!(ended.row("read from").contains("AugReg"), "{ended}");
    let folder = empty_folder();
    let model = npz.display().to_string();
    segment(&[&sample()], folder.path(), &["--model", &model])
        .expect(2)
        .complains_of(&["AugReg", "no decoder", "--init", &model]);
}
