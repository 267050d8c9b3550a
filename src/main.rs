//! The program: the window without arguments or with pictures, the command line with a subcommand.

use std::process::ExitCode;

/// Each network layer puts out a buffer of megabytes; glibc maps and faults these anew every time, mimalloc keeps them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    segscope::cli::run()
}
