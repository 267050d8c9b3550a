//! The open models, and the networks of those that are in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::id_registry::IdRegistry;
use super::lru_cache::{Bytes, LruCache};
use super::model_info::{ModelInfo, ModelSource, OpenModel};
use crate::model::InferenceNetwork;

/// A network on the device.
struct Built {
    network: InferenceNetwork,
    bytes: usize,
}

impl Bytes for Built {
    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Open models by id. A model stays open when its network is dropped for others: it is read again when it is used.
pub(super) struct OpenModels {
    numbers: IdRegistry<ModelSource>,
    infos: BTreeMap<u64, Arc<ModelInfo>>,
    networks: LruCache<u64, Built>,
}

impl OpenModels {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            numbers: IdRegistry::default(),
            infos: BTreeMap::new(),
            networks: LruCache::sparing_the_newest(most_bytes),
        }
    }

    /// The id of the current content of `source`.
    pub(super) fn number(&mut self, source: &ModelSource) -> u64 {
        self.numbers.of(source.clone(), &source.files())
    }

    /// Information about an open model.
    pub(super) fn info(&self, id: u64) -> Option<&Arc<ModelInfo>> {
        self.infos.get(&id)
    }

    /// An open model whose network is in memory; marks it as the most recently used.
    pub(super) fn built(&mut self, id: u64) -> Option<(&Arc<ModelInfo>, &InferenceNetwork)> {
        let info = self.infos.get(&id)?;
        let built = self.networks.get(&id)?;
        Some((info, &built.network))
    }

    /// Adds a network, and drops the least recently used ones that do not fit beside it.
    pub(super) fn put(&mut self, info: Arc<ModelInfo>, network: InferenceNetwork) {
        let bytes = info.bytes;
        self.networks.put(info.id, Built { network, bytes });
        self.infos.insert(info.id, info);
    }

    /// Ids of the models that were opened from `source` before its content changed to that of `id`.
    pub(super) fn earlier(&self, source: &ModelSource, id: u64) -> Vec<u64> {
        let earlier = self
            .infos
            .values()
            .filter(|info| info.source == *source && info.id != id);
        earlier.map(|info| info.id).collect()
    }

    /// Closes a model.
    pub(super) fn close(&mut self, id: u64) {
        self.infos.remove(&id);
        self.networks.retain(|other| *other != id);
    }

    /// Drops all networks, for example because their device is no longer used; the models stay open.
    pub(super) fn drop_networks(&mut self) {
        self.networks.clear();
    }

    pub(super) fn set_limit(&mut self, most_bytes: usize) {
        self.networks.set_limit(most_bytes);
    }

    /// All open models, in the order in which they were first opened.
    pub(super) fn list(&self) -> Vec<OpenModel> {
        let open = |info: &Arc<ModelInfo>| OpenModel {
            info: info.clone(),
            in_memory: self.networks.peek(&info.id).is_some(),
        };
        self.infos.values().map(open).collect()
    }
}
