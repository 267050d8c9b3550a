//! Checks whether this machine can draw.

/// Whether there is a graphics adapter; a software adapter counts. Without one, prints that the test is skipped, or
/// fails if `SEGSCOPE_REQUIRE_ALL` is set.
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
