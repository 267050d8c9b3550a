//! `segscope train`.

use super::program::*;

#[test]
fn a_backbone_becomes_a_bundle_that_segments() {
    let bench = Bench::new();
    let path = |name: &str| bench.path(name);
    let train = |options: &[&str]| {
        let mut call = program();
        call.args([
            "train",
            "--images",
            "images",
            "--labels",
            "labels",
            "--out",
            "out",
            "--batch-size",
            "2",
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
        run(call.current_dir(bench.folder.path()).args(options))
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
    // The training is already complete.
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
        run(call
            .arg(format!("out/{bundle}.safetensors"))
            .current_dir(bench.folder.path()))
        .expect(0);
    }
    train(&["--set", "camvid", "--crop", "64", "--iterations", "3"])
        .expect(2)
        .complains_of(&["expected a training with this configuration"]);
    std::fs::remove_file(path("out/last.state.safetensors")).expect("the state");
    train(&usual)
        .expect(2)
        .complains_of(&["found results of one", "choose another folder", "best.safetensors"]);
}

#[test]
fn invalid_trainings_are_refused() {
    let folder = empty_folder();
    let train = |options: &[&str]| {
        let mut call = program();
        let init = in_repository("tests/golden/pipeline-timm-npz/vit_tiny_fake.npz");
        call.args(["train", "--out", "out", "--init"]).arg(init).args(options);
        run(call.current_dir(folder.path()))
    };
    let images = ["--images", "images", "--labels", "labels"];
    train(&[&images[..], &["--set", "camvid"]].concat())
        .expect(2)
        .complains_of(&["cannot list the folder", "labels"]);
    for below in ["images", "labels"] {
        std::fs::create_dir(folder.path().join(below)).expect("a folder");
        let labels = in_repository("assets/samples/street-labels.png");
        std::fs::copy(labels, folder.path().join(below).join("a.png")).expect("a copy");
    }
    let said = train(&[&images[..], &["--classes", "5", "--crop", "64"]].concat()).expect(2);
    said.complains_of(&["1 of 1 images or label maps cannot be used"]);
    for (wrong, said) in [
        (["--scales", "0.5"], "--scales: expected two numbers, found 1"),
        (["--scales", "2,0.5"], "scales, largest: expected 2 to 100, found 0.5"),
        (["--batch-size", "0"], "batch-size: expected 1 or more, found 0"),
    ] {
        train(&[&images[..], &["--set", "camvid"], &wrong].concat())
            .expect(2)
            .complains_of(&[said]);
    }
    train(&[&images[..], &["--set", "camvid", "--crop", "65"]].concat())
        .expect(2)
        .complains_of(&["crop: expected a multiple of the patch 16, found 65"]);
    train(&[&images[..], &["--set", "camvid", "--decoder", "deeplab"]].concat())
        .expect(2)
        .complains_of(&["decoder: expected some of linear, mask, naive, pup, mla, found deeplab"]);
}

#[test]
fn bf16_is_for_kernels_that_multiply_it() {
    let bench = Bench::new();
    let train = |isa: &str, options: &[&str]| {
        let mut call = bench.call(&["--out", "out", "--iterations", "2"]);
        run(call.env("SEGSCOPE_ISA", isa).args(options))
    };
    train("portable", &["--precision", "bf16"]).expect(2).complains_of(&[
        "expected a processor that multiplies bf16, found portable kernels; train with the precision f32",
    ]);
    train("portable-bf16", &["--precision", "bf16"]).expect(0);
    let plan = String::from_utf8(bytes(&bench.path("out/train.toml"))).expect("text");
    assert!(plan.contains("precision = \"bf16\""), "{plan}");
    // A training in another precision is another training.
    train("portable-bf16", &["--precision", "f32"])
        .expect(2)
        .complains_of(&["expected a training with this configuration"]);
}

/// A folder with the sample as its only image, and a call that trains a small network on it.
pub struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let folder = empty_folder();
        let copies = [
            ("images", sample(), "a.jpg"),
            ("labels", in_repository("assets/samples/street-labels.png"), "a.png"),
        ];
        for (below, file, name) in copies {
            std::fs::create_dir(folder.path().join(below)).expect("a folder");
            std::fs::copy(&file, folder.path().join(below).join(name)).expect("a copy");
        }
        Self { folder }
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn call(&self, options: &[&str]) -> std::process::Command {
        let mut call = program();
        let backbone = in_repository("tests/golden/pipeline-timm-npz/vit_tiny_fake.npz");
        call.args(["train", "--images", "images", "--labels", "labels", "--set", "camvid"]);
        call.args(["--crop", "64", "--batch-size", "2", "--init"]).arg(backbone);
        call.args(options).current_dir(self.folder.path());
        call
    }

    /// Losses by step; lines that are not complete yet are left out.
    pub fn losses(&self, out: &str) -> Vec<(usize, f64)> {
        let log = std::fs::read_to_string(self.path(out).join("log.csv")).unwrap_or_default();
        let line = |line: &str| {
            let fields: Vec<&str> = line.split(',').collect();
            Some((fields.first()?.parse().ok()?, fields.get(4)?.parse().ok()?))
        };
        log.lines().skip(1).filter_map(line).collect()
    }

    /// Starts a training and waits until it has made this many steps.
    fn start_until(&self, options: &[&str], out: &str, steps: usize) -> std::process::Child {
        let mut call = self.call(options);
        if cfg!(target_os = "linux") {
            call = with_default_signals(&call);
        }
        call.args(["--out", out]).stdout(std::process::Stdio::piped());
        let child = call.stderr(std::process::Stdio::null()).spawn().expect("the program");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(120);
        while self.losses(out).len() < steps {
            assert!(std::time::Instant::now() < deadline, "step {steps} was not reached");
            std::thread::park_timeout(std::time::Duration::from_millis(2));
        }
        child
    }
}

#[test]
fn a_killed_training_is_resumed_as_if_uninterrupted() {
    let bench = Bench::new();
    let options = [
        "--iterations",
        "40",
        "--decoder",
        "mask,pup",
        "--channels",
        "8",
        "--ema-decay",
        "0.9",
        "--drop-path",
        "0.2",
        "--keep-every",
        "0",
    ];
    run(bench.call(&options).args(["--out", "whole"])).expect(0);
    let whole = bench.losses("whole");
    assert_eq!(whole.len(), 40);
    let mut child = bench.start_until(&options, "cut", 6);
    // After SIGKILL, the program cannot clean up.
    child.kill().expect("it still runs");
    child.wait().expect("an end");
    let before = bench.losses("cut").len();
    assert!(before < 40, "it was killed in mid-training");
    run(bench.call(&options).args(["--out", "cut"])).expect(0);
    let cut = bench.losses("cut");
    assert_eq!(cut.len(), 40);
    for ((step, loss), (other, expected)) in cut.iter().zip(&whole) {
        assert_eq!(step, other);
        assert!((loss - expected).abs() < 1e-5, "step {step}: {loss}, not {expected}");
    }
    // The bundle holds the EMA of the weights, which was resumed too.
    let bundle = |out: &str| {
        let path = bench.path(out).join("last.safetensors");
        segscope::checkpoint::open(&path, &mut |_| std::ops::ControlFlow::Continue(())).expect("a bundle")
    };
    let [whole, cut] = ["whole", "cut"].map(bundle);
    for (name, tensor) in whole.weights.iter() {
        let other = cut.weights.get(name).expect("the same tensors");
        let off = tensor.values.iter().zip(&other.values).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f32::max) < 1e-3, "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_training_saves_its_state_and_says_how_to_resume() {
    let bench = Bench::new();
    let options = ["--iterations", "100000", "--decoder", "linear"];
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let child = bench.start_until(&options, signal, 3);
        let sent = std::process::Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status();
        assert!(sent.expect("kill").success());
        let ended = child.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&ended.stdout);
        assert_eq!(ended.status.code(), Some(code), "SIG{signal}: {said}");
        assert!(said.contains("run the same command to resume"), "{said}");
        assert!(bench.path(signal).join("last.safetensors").is_file());
        let steps = bench.losses(signal).len();
        assert!(
            said.contains(&format!("stopped after step {steps} of 100000")),
            "{said}"
        );
        let names = names_in(&bench.path(signal));
        assert!(!names.iter().any(|name| name.starts_with('.')), "{names:?}");
    }
}

#[test]
fn a_written_plan_gives_the_same_training() {
    let bench = Bench::new();
    let options = [
        "--iterations",
        "2",
        "--preset",
        "setr",
        "--decoder",
        "naive,mla",
        "--channels",
        "8",
    ];
    run(bench.call(&options).args(["--out", "out"])).expect(0);
    let heading = std::fs::read_to_string(bench.path("out/log.csv")).expect("a log");
    // The SETR preset has auxiliary heads, whose losses are logged too.
    assert!(heading.contains("loss of naive,loss of naive layer"), "{heading}");
    // The bundle records how it was made, but not in which folders.
    let made = run(program().arg("info").arg(bench.path("out/last.safetensors"))).expect(0);
    assert!(made.out.contains("init = \"vit_tiny_fake.npz\""), "{}", made.out);
    assert!(!made.out.contains("pipeline-timm-npz"), "{}", made.out);
    let mut again = program();
    again
        .args(["train", "--config", "out/train.toml", "--out", "out"])
        .current_dir(bench.folder.path());
    run(&mut again).expect(0).complains_of(&["from step 2 to 2"]);
    // A model is trained further with its own sizes and decoders.
    let mut further = program();
    further.args(["train", "--images", "images", "--labels", "labels", "--set", "camvid"]);
    further.args(["--init", "out/last.safetensors", "--iterations", "1", "--out", "learnt"]);
    run(further.current_dir(bench.folder.path())).expect(0);
    let plan = String::from_utf8(bytes(&bench.path("learnt/train.toml"))).expect("text");
    for line in [
        "decoders = [\"naive\", \"mla\"]",
        "channels = 8",
        "auxiliary = true",
        "crop = 64",
        "short-side = 64",
    ] {
        assert!(plan.lines().any(|found| found == line), "{line} in {plan}");
    }
    // A list of the same images is still another plan.
    std::fs::write(bench.path("train.csv"), "images/a.jpg,labels/a.png\n").expect("a list");
    let mut listed = program();
    listed.args([
        "train",
        "--list",
        "train.csv",
        "--set",
        "camvid",
        "--crop",
        "64",
        "--batch-size",
        "1",
        "--iterations",
        "1",
    ]);
    listed.args([
        "--init",
        "out/last.safetensors",
        "--decoder",
        "naive",
        "--channels",
        "8",
        "--out",
        "further",
    ]);
    run(listed.current_dir(bench.folder.path())).expect(0);
    std::fs::write(bench.path("train.csv"), "images/a.jpg\n").expect("a list");
    let mut wrong = program();
    wrong.args([
        "train",
        "--list",
        "train.csv",
        "--set",
        "camvid",
        "--init",
        "out/last.safetensors",
        "--out",
        "wrong",
    ]);
    run(wrong.current_dir(bench.folder.path()))
        .expect(2)
        .complains_of(&["line 1: expected an image and a label map separated by a comma"]);
}
