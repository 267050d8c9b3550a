//! The window's panels, driven through their accessible names, with the real worker on the CPU behind them.

#[path = "../adapter/mod.rs"]
mod adapter;
mod commands;
mod export;
mod harness;
mod kept;
mod panels;
mod pictures;
