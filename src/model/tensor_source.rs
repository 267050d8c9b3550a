//! Where the tensors of a network come from.

use super::tensors::TensorSpec;
use super::weights::HostTensor;

/// Gives the tensors of a network one at a time, so that a large model is never in memory twice.
pub trait TensorSource {
    /// Why a tensor cannot be had.
    type Error;

    /// Called before the first tensor is taken, with all tensors that the network needs.
    ///
    /// # Errors
    /// Every difference that can be seen before the values are read.
    fn start(&mut self, needed: &[TensorSpec]) -> Result<(), Self::Error>;

    /// Takes a needed tensor, which has its shape.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    fn take(&mut self, name: &str) -> Result<HostTensor, Self::Error>;

    /// Called after the last tensor.
    ///
    /// # Errors
    /// Every tensor that holds NaN or infinity, and what is wrong with the source as a whole.
    fn finish(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}
