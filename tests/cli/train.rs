//! `segscope train`.

use crate::program::*;

#[test]
fn a_backbone_becomes_a_bundle_that_segments() {
    let folder = empty_folder();
    let path = |name: &str| folder.path().join(name);
    for (below, file) in [
        ("images", sample()),
        ("labels", in_repository("assets/samples/street-labels.png")),
    ] {
        std::fs::create_dir(path(below)).expect("a folder");
        let ending = file.extension().expect("an ending").to_string_lossy().into_owned();
        std::fs::copy(&file, path(below).join(format!("a.{ending}"))).expect("a copy");
    }
    let train = |options: &[&str]| {
        let mut call = program();
        call.args([
            "train", "--images", "images", "--labels", "labels", "--out", "out", "--batch", "2",
        ]);
        call.args([
            "--val-images",
            "images",
            "--val-labels",
            "labels",
            "--validate-every",
            "2",
        ]);
        call.arg("--init")
            .arg(in_repository("tests/golden/pipeline-timm-npz/vit_tiny_fake.npz"));
        run(call.current_dir(folder.path()).args(options))
    };
    let usual = [
        "--set",
        "camvid",
        "--crop",
        "64",
        "--iterations",
        "2",
        "--decoder",
        "mask,linear",
    ];
    train(&usual)
        .expect(0)
        .complains_of(&["step 2: mask mIoU", "the best so far"]);
    let log = String::from_utf8(bytes(&path("out/log.csv"))).expect("text");
    assert_eq!(log.lines().count(), 3, "{log}");
    assert!(
        log.starts_with("iteration,rate,seconds,accuracy,loss of mask,loss of linear\n"),
        "{log}"
    );
    // The whole training is there already.
    train(&usual).expect(0).complains_of(&["from step 2 to 2"]);
    for bundle in ["last", "best"] {
        let mut call = program();
        call.args([
            "segment",
            "images/a.jpg",
            "--device",
            "cpu",
            "--out",
            bundle,
            "--decoder",
            "linear",
            "--model",
        ]);
        run(call.arg(format!("out/{bundle}.safetensors")).current_dir(folder.path())).expect(0);
    }
    train(&["--set", "camvid", "--crop", "64", "--iterations", "3"])
        .expect(2)
        .complains_of(&["expected the training of this configuration"]);
    std::fs::remove_file(path("out/last.state.safetensors")).expect("the state");
    train(&usual)
        .expect(2)
        .complains_of(&["found results of one", "--overwrite", "best.safetensors"]);
}

#[test]
fn what_cannot_be_trained_is_said() {
    let folder = empty_folder();
    let train = |options: &[&str]| {
        let mut call = program();
        let init = in_repository("tests/golden/pipeline-timm-npz/vit_tiny_fake.npz");
        call.args(["train", "--out", "out", "--init"]).arg(init).args(options);
        run(call.current_dir(folder.path()))
    };
    let images = ["--images", "images", "--labels", "images"];
    train(&[&images[..], &["--set", "camvid"]].concat())
        .expect(2)
        .complains_of(&["cannot list the folder", "images"]);
    std::fs::create_dir(folder.path().join("images")).expect("a folder");
    std::fs::copy(
        in_repository("assets/samples/street-labels.png"),
        folder.path().join("images/a.png"),
    )
    .expect("a copy");
    let said = train(&[&images[..], &["--classes", "5", "--crop", "64"]].concat()).expect(2);
    said.complains_of(&["1 of 1 pictures or label maps cannot be used"]);
    train(&[&images[..], &["--set", "camvid", "--crop", "65"]].concat())
        .expect(2)
        .complains_of(&["crop: expected a multiple of the patch 16, found 65"]);
    train(&[&images[..], &["--set", "camvid", "--decoder", "deeplab"]].concat())
        .expect(2)
        .complains_of(&["decoder: expected some of linear, mask, naive, pup, mla, found deeplab"]);
}
