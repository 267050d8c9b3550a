//! How much of the long tests is run.

/// Whether `SEGSCOPE_THOROUGH=1` asks for every mutation and every kill: some ten minutes in place of one.
pub fn is_thorough() -> bool {
    std::env::var_os("SEGSCOPE_THOROUGH").is_some_and(|value| value == "1")
}
