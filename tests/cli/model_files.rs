//! `segscope info` and `segscope convert`.

use segscope::labels::ClassSet;

use crate::program::*;

#[test]
fn info_describes_the_embedded_model() {
    let ended = run(program().arg("info")).expect(0);
    assert_eq!(ended.row("model"), "Seg-T-Mask/16");
    assert_eq!(ended.row("classes"), "11 (camvid)");
    assert_eq!(
        ended.row("rules"),
        "pictures smaller than the window are enlarged to it"
    );
    assert_eq!(ended.row("parameters"), seg_t_mask_16_parameters().to_string());
    let set = ClassSet::known("camvid").expect("a built-in class set");
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

/// Parameters of ViT-Tiny for 384 pixels with a mask transformer for 11 classes, from the layers of the papers.
fn seg_t_mask_16_parameters() -> usize {
    let (dim, patch, classes) = (192, 16, 11);
    let linear = |from: usize, to: usize| from * to + to;
    let norm = |dim: usize| 2 * dim;
    let attention = linear(dim, 3 * dim) + linear(dim, dim);
    let block = 2 * norm(dim) + attention + linear(dim, 4 * dim) + linear(4 * dim, dim);
    let tokens = dim + (24 * 24 + 1) * dim;
    let encoder = linear(3 * patch * patch, dim) + tokens + 12 * block + norm(dim);
    let projections = 2 * dim * dim;
    let decoder = linear(dim, dim) + classes * dim + 2 * block + norm(dim) + projections + norm(classes);
    encoder + decoder
}

#[test]
fn a_bundle_is_the_model_it_was_made_from() {
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
    convert(&["--note", "purpose=a test", "--overwrite"]).expect(0);
    assert_eq!(info(&bundle).row("purpose"), "a test");

    let [from, to] = [("folder", &published), ("bundle", &bundle)].map(|(name, model)| {
        let out = folder.path().join(name);
        let model = model.display().to_string();
        segment(&[&sample()], &out, &["--formats", "labels", "--model", &model]).expect(0);
        label_map(&out.join("labels/street.png"))
    });
    // The bundle holds the weights with 16 bits.
    let share = agreement(&to, &from, u16::MAX);
    println!("folder and bundle agree in {share:.4} of the pixels");
    assert!(share >= 0.99, "expected 99 % of the pixels, found {share:.4}");
}

#[test]
fn a_bundle_needs_its_ending() {
    let folder = empty_folder();
    let target = folder.path().join("small.bin");
    let ended = run(program().arg("convert").arg(published_folder()).arg("-o").arg(&target)).expect(2);
    ended.complains_of(&[".safetensors", "small.bin"]);
    assert!(!target.exists(), "something was written: {ended}");
}

#[test]
fn info_describes_a_backbone_and_segment_says_what_it_lacks() {
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
