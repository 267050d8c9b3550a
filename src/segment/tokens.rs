//! The patch tokens of an image that is encoded in one window.

use super::{InferenceRun, Pass, SegmentError, Watch, host_values};

impl InferenceRun<'_> {
    /// The patch tokens of the first window of `pass` after the encoder's last norm, `[rows * columns, dim]`, row by row.
    ///
    /// # Errors
    /// When the watch stops the run, the device fails, or a value is not finite.
    pub fn patch_tokens(&self, pass: &Pass, watch: &mut dyn Watch) -> Result<Vec<f32>, SegmentError> {
        let features = self.encode_window(pass, 0, watch)?;
        host_values(features.tokens().patches())
    }
}
