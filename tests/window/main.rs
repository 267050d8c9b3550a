//! The window: its panels, driven through their accessible names, with the real worker on the CPU behind them; and the
//! release binary on a display (`real`).

mod adapter;
mod attention;
#[path = "../shared/bundles.rs"]
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
mod real;
#[path = "../shared/repository.rs"]
mod repository;
mod test_settings;
mod turn;
