//! `segscope devices`: the graphics adapters, and the device that `auto` selects and why.

use anyhow::Result;

use super::printing::out;
use crate::runtime::{self, AdapterKind, DeviceChoice};

/// List devices and the one that auto selects
#[derive(Debug, clap::Args)]
pub(super) struct Devices;

impl Devices {
    pub(super) fn run(&self) -> Result<()> {
        out!(
            "CPU: {} threads, {}",
            rayon::current_num_threads(),
            runtime::kernels()?.isa()
        )?;
        let adapters = runtime::adapters();
        for adapter in &adapters {
            out!(
                "{}: {}, {}, {}",
                adapter.name,
                adapter.kind.title(),
                adapter.interface,
                adapter.driver
            )?;
        }
        if adapters.is_empty() {
            out!("no graphics adapter")?;
        }
        let chosen = runtime::open_device(DeviceChoice::Auto)?;
        match chosen.note {
            None => out!(
                "auto selects {}: a GPU that agrees with the CPU on a small network",
                chosen.name
            ),
            Some(_) if adapters.iter().all(|a| a.kind == AdapterKind::Software) => {
                out!("auto selects the CPU: there is no GPU, and a software adapter is slower than the CPU")
            }
            Some(note) => out!("auto selects the CPU: {note}"),
        }
    }
}
