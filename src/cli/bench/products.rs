//! Times the linear layers of networks alone.

use anyhow::Result;
use serde_json::json;

use crate::cli::printing::out;
use crate::model::{Kernels, Precision, ProductPlan, layer_rate};

/// Rows of a task of a prepared network.
const ROWS: usize = 516;

/// Inputs and outputs of the layers of ViT-Tiny, Base and Large: queries, keys and values; projection; the MLP's two.
const LAYERS: [[usize; 2]; 12] = [
    [192, 576],
    [192, 192],
    [192, 768],
    [768, 192],
    [768, 2304],
    [768, 768],
    [768, 3072],
    [3072, 768],
    [1024, 3072],
    [1024, 1024],
    [1024, 4096],
    [4096, 1024],
];

/// Prints operations per second of each layer, and their share of the processor's peak.
pub(super) fn print(precision: Precision, kernels: Kernels, as_json: bool) -> Result<()> {
    for [inputs, outputs] in LAYERS {
        let rate = layer_rate(precision, kernels, ROWS, [inputs, outputs]);
        let peak = kernels.peak(ProductPlan::of(precision, kernels).fc1);
        let percent = peak.map(|peak| (rate / peak * 1e3).round() / 10.0);
        let rate = (rate / 1e8).round() / 10.0;
        if as_json {
            out!(
                "{}",
                json!({
                    "rows": ROWS, "inputs": inputs, "outputs": outputs, "dtype": precision.key(),
                    "isa": kernels.isa().key(), "gflops": rate, "percent_of_peak": percent,
                })
            )?;
        } else {
            let percent = percent.map_or_else(String::new, |percent| format!("  {percent:>5.1} % of the peak"));
            out!("{ROWS} x {inputs:>4} x {outputs:>4}  {rate:>7.1} GFLOP/s{percent}")?;
        }
    }
    Ok(())
}
