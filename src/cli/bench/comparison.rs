//! Compares a measurement with an earlier one of the same network.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// What has to be equal for two measurements to be compared.
const SAME: [&str; 9] = [
    "model", "patch", "decoder", "classes", "size", "batch", "threads", "device", "dtype",
];

/// What is compared, where both measurements have it.
const FIGURES: [&str; 6] = [
    "encode_ms",
    "decode_ms",
    "labels_ms",
    "total_ms",
    "step_ms",
    "peak_rss_mib",
];

/// The measurements in the file `path`: JSON objects one after another.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub(super) fn read(path: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut earlier = Vec::new();
    for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
        let value = value.with_context(|| {
            format!(
                "expected the output of segscope bench --json, found something else: {}",
                path.display()
            )
        })?;
        earlier.push(value);
    }
    Ok(earlier)
}

/// Lines such as `total_ms 0.93 (254.1 after 273.2)`, from the last of the `earlier` measurements, read from `path`,
/// that is of the same network on as many threads.
///
/// # Errors
/// When there is no such measurement.
pub(super) fn lines(now: &Value, earlier: &[Value], path: &Path) -> Result<Vec<String>> {
    let is_same = |then: &&Value| SAME.iter().all(|key| then.get(key) == now.get(key));
    let Some(then) = earlier.iter().rev().find(is_same) else {
        let wanted = SAME.iter().filter_map(|key| Some(format!("{key} {}", now.get(key)?)));
        bail!(
            "expected a measurement with {}, found {} of other networks or settings: {}",
            wanted.collect::<Vec<_>>().join(", "),
            earlier.len(),
            path.display()
        );
    };
    let line = |key: &&str| {
        let [now, then] = [now, then].map(|value| value.get(key).and_then(Value::as_f64));
        let (now, then) = (now?, then?);
        (then > 0.0).then(|| format!("{key} {:.2} ({now} after {then})", now / then))
    };
    Ok(FIGURES.iter().filter_map(line).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_measurement_of_the_same_network_is_compared() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("before.json");
        let at = |model: &str, total: f64| json!({"model": model, "patch": 16, "threads": 2, "total_ms": total});
        let before = [at("tiny", 50.0), at("tiny", 200.0), at("base", 900.0)];
        std::fs::write(&path, before.map(|value| value.to_string()).join("\n")).expect("room for it");
        let earlier = read(&path).expect("measurements");
        let found = lines(&at("tiny", 100.0), &earlier, &path).expect("a comparison");
        assert_eq!(found, ["total_ms 0.50 (100 after 200)"]);
        let why = lines(&at("small", 100.0), &earlier, &path)
            .expect_err("no such measurement")
            .to_string();
        assert!(why.contains("\"small\"") && why.contains("found 3"), "{why}");
        std::fs::write(&path, "total 5 ms").expect("room for it");
        let why = read(&path).expect_err("no JSON").to_string();
        assert!(why.starts_with("expected the output of segscope bench --json"), "{why}");
    }
}
