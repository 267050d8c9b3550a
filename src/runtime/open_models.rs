//! The models that are open, and those of their networks that are in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kept::{Bytes, Kept};
use super::model_info::{ModelInfo, ModelSource, OpenModel};
use super::numbers::Numbers;
use crate::model::Network;

/// A network on the device.
struct Built {
    network: Network,
    bytes: usize,
}

impl Bytes for Built {
    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Models under their numbers. A model stays open when its network has to make room: it is read again when it is used.
pub(super) struct OpenModels {
    numbers: Numbers<ModelSource>,
    infos: BTreeMap<u64, Arc<ModelInfo>>,
    networks: Kept<u64, Built>,
}

impl OpenModels {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            numbers: Numbers::default(),
            infos: BTreeMap::new(),
            networks: Kept::sparing_the_newest(most_bytes),
        }
    }

    /// The number of what is in `source` now.
    pub(super) fn number(&mut self, source: &ModelSource) -> u64 {
        self.numbers.of(source.clone(), &source.files())
    }

    /// What is known of an open model.
    pub(super) fn info(&self, id: u64) -> Option<&Arc<ModelInfo>> {
        self.infos.get(&id)
    }

    /// An open model whose network is in memory; it counts as used now.
    pub(super) fn built(&mut self, id: u64) -> Option<(&Arc<ModelInfo>, &Network)> {
        let info = self.infos.get(&id)?;
        let built = self.networks.get(&id)?;
        Some((info, &built.network))
    }

    /// Takes a network, and drops those that were used least recently as far as there is no room beside it.
    pub(super) fn put(&mut self, info: Arc<ModelInfo>, network: Network) {
        let bytes = info.bytes();
        self.networks.put(info.id, Built { network, bytes });
        self.infos.insert(info.id, info);
    }

    /// The models that were opened from `source` before it changed to what `id` is.
    pub(super) fn earlier(&self, source: &ModelSource, id: u64) -> Vec<u64> {
        let earlier = self
            .infos
            .values()
            .filter(|info| info.source == *source && info.id != id);
        earlier.map(|info| info.id).collect()
    }

    /// Forgets a model.
    pub(super) fn close(&mut self, id: u64) {
        self.infos.remove(&id);
        self.networks.retain(|other| *other != id);
    }

    /// Drops all networks, as when they are on a device that is not used any more; their models stay open.
    pub(super) fn drop_networks(&mut self) {
        self.networks.clear();
    }

    pub(super) fn set_limit(&mut self, most_bytes: usize) {
        self.networks.set_limit(most_bytes);
    }

    /// All of them, in the order in which they were opened for the first time.
    pub(super) fn list(&self) -> Vec<OpenModel> {
        let open = |info: &Arc<ModelInfo>| OpenModel {
            info: info.clone(),
            in_memory: self.networks.peek(&info.id).is_some(),
        };
        self.infos.values().map(open).collect()
    }
}
