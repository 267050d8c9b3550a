//! The program: a window without arguments or with images, a command line with a subcommand.

use std::process::ExitCode;

/// Each network layer allocates a buffer of megabytes; glibc maps and faults it in every time, mimalloc reuses it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    segscope::cli::run()
}
