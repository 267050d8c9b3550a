//! The error about impossible sizes.

/// A size that no network can have.
#[derive(Debug, thiserror::Error)]
#[error("this model cannot be built: {0}")]
pub struct SpecError(pub(in crate::model) String);

pub(in crate::model) fn between(what: &str, value: usize, least: usize, most: usize) -> Result<(), SpecError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(SpecError(format!("{what}: expected {least} to {most}, found {value}")))
}

pub(in crate::model) fn divides(what: &str, value: usize, by: &str, divisor: usize) -> Result<(), SpecError> {
    if value.is_multiple_of(divisor) {
        return Ok(());
    }
    Err(SpecError(format!("{what} {value} is not a multiple of {by} {divisor}")))
}
