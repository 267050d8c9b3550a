//! `segscope devices`, `segscope bench`, and the window without a display.

use serde_json::Value;

use super::program::*;

#[test]
fn devices_lists_the_cpu_and_the_automatic_choice() {
    let ended = run(program().arg("devices")).expect(0);
    let count = |start: &str| ended.out.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("CPU: "), 1, "a line on the CPU on stdout of {ended}");
    assert_eq!(count("auto selects "), 1, "a line on the choice on stdout of {ended}");
}

#[test]
fn bench_prints_its_fields() {
    let object = bench(&[]);
    for (key, value) in [("model", "tiny"), ("decoder", "mask"), ("device", "cpu")] {
        assert_eq!(object[key].as_str(), Some(value), "{key} in {object}");
    }
    for (key, value) in [("patch", 16), ("classes", 5), ("size", 64)] {
        assert_eq!(object[key].as_u64(), Some(value), "{key} in {object}");
    }
    for key in ["encode_ms", "decode_ms", "labels_ms", "total_ms"] {
        assert!(object[key].as_f64().is_some_and(|ms| ms > 0.0), "{key} in {object}");
    }
    let peer = object["peer"].as_str().unwrap_or_default();
    assert!(peer.starts_with("segscope "), "peer in {object}");
    assert!(object["threads"].as_u64().is_some_and(|n| n > 0), "threads in {object}");
    if cfg!(target_os = "linux") {
        let peak = object["peak_rss_mib"].as_u64();
        assert!(peak.is_some_and(|mib| mib > 0), "peak_rss_mib in {object}");
    }
}

#[test]
fn bench_uses_the_given_number_of_threads() {
    let object = bench(&["--threads", "1", "--decoder", "linear"]);
    assert_eq!(object["threads"].as_u64(), Some(1), "threads in {object}");
    assert_eq!(object["decoder"].as_str(), Some("linear"), "decoder in {object}");
}

#[test]
fn bench_times_training_steps() {
    let object = bench(&["--training", "--batch-size", "2", "--patch", "32"]);
    assert!(object["step_ms"].as_f64().is_some_and(|time| time > 0.0), "{object}");
    assert_eq!(object["batch"].as_u64(), Some(2), "{object}");
    let bf16 = [
        "--training",
        "--batch-size",
        "1",
        "--patch",
        "32",
        "--precision",
        "bf16",
    ];
    let object = bench(&[&bf16[..], &["--isa", "portable-bf16"]].concat());
    assert_eq!(object["dtype"].as_str(), Some("bf16"), "{object}");
    let mut command = program();
    let ended = run(command.args(["bench", "--isa", "portable"]).args(bf16)).expect(2);
    ended.complains_of(&["expected a processor that multiplies bf16", "found portable kernels"]);
    let mut command = program();
    let ended = run(command.args(["bench", "--training", "--size", "70", "--device", "cpu"])).expect(2);
    ended.complains_of(&["expected a multiple of 16", "found 70"]);
}

#[test]
fn bench_says_what_share_of_the_peak_it_reached() {
    let object = bench(&["--precision", "f32"]);
    match object["isa"].as_str() {
        Some("portable") => assert!(object["percent_of_peak"].is_null(), "{object}"),
        _ => assert!(
            object["percent_of_peak"].as_f64().is_some_and(|share| share > 0.0),
            "{object}"
        ),
    }
    // Winograd's method needs fewer operations than are counted.
    assert!(bench(&["--decoder", "mla"])["percent_of_peak"].is_null());
}

#[test]
fn bench_compares_with_an_earlier_measurement() {
    let folder = empty_folder();
    let path = folder.path().join("before.json");
    let mut before = bench(&["--threads", "1"]);
    before["total_ms"] = 1e-3.into();
    std::fs::write(&path, before.to_string()).expect("room for it");
    let mut command = program();
    command.args([
        "bench",
        "--size",
        "64",
        "--classes",
        "5",
        "--runs",
        "1",
        "--device",
        "cpu",
        "--compare",
    ]);
    let compared = run(command.arg(&path).args(["--threads", "1"])).expect(0);
    assert!(
        compared.out.contains("total_ms ") && compared.out.contains("after 0.001"),
        "{compared}"
    );
    let mut command = program();
    command.args(["bench", "--runs", "1", "--device", "cpu", "--compare"]);
    let ended = run(command.arg(folder.path().join("none.json"))).expect(2);
    ended.complains_of(&["cannot read", "none.json"]);
}

/// The object that `segscope bench` prints for a small image.
fn bench(options: &[&str]) -> Value {
    let mut command = program();
    command.args(["bench", "--size", "64", "--model-size", "tiny", "--classes", "5"]);
    command.args(["--runs", "1", "--device", "cpu", "--json"]);
    let ended = run(command.args(options)).expect(0);
    let mut objects = ended.objects();
    assert_eq!(objects.len(), 1, "objects on stdout of {ended}");
    objects.remove(0)
}

#[test]
#[cfg(target_os = "linux")]
fn the_error_without_a_display_mentions_the_command_line() {
    let mut command = program();
    for variable in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(variable);
    }
    let ended = run(&mut command).expect(2);
    ended.complains_of(&["segscope: ", "segscope segment"]);
    assert_eq!(ended.err.lines().count(), 1, "expected one line on stderr: {ended}");
}
