//! Whether this machine can draw at all.

/// True with a graphics adapter, also a software one. Without: says that the test is skipped, or fails where
/// everything is required.
pub fn present() -> bool {
    if !segscope::runtime::adapters().is_empty() {
        return true;
    }
    assert!(
        std::env::var_os("SEGSCOPE_REQUIRE_ALL").is_none(),
        "cannot run: no graphics adapter"
    );
    println!("skipped: no graphics adapter (on Debian: mesa-vulkan-drivers)");
    false
}
