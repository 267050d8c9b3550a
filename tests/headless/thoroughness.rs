//! How thorough the long tests are.

/// Whether `SEGSCOPE_THOROUGH=1` requests every mutation and every kill, which takes about ten minutes instead of one.
pub fn is_thorough() -> bool {
    std::env::var_os("SEGSCOPE_THOROUGH").is_some_and(|value| value == "1")
}
