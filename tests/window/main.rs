//! The window's panels, driven through their accessible names, with the real worker on the CPU behind them.

#[path = "../adapter/mod.rs"]
mod adapter;
mod attention;
#[path = "../bundles/mod.rs"]
mod bundles;
mod commands;
mod compare;
mod evaluate;
mod export;
mod harness;
mod kept;
mod models;
mod models_page;
mod panels;
mod pictures;
mod test_settings;
