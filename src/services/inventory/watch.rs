//! The stream of a store's stock.

use futures_util::{Stream, StreamExt};
use prost::Message;

use super::convert::stock_to_pb;
use super::{Inventory, store, topic};
use crate::events::{Snapshot, Step, Update};
use crate::kernel::id::StoreId;
use crate::kernel::{Call, Error, Result};
use crate::pb::souk::inventory::v1::WatchInventoryResponse;
use crate::pb::souk::inventory::v1::watch_inventory_response::Type;

/// Records in a snapshot at the most.
const SNAPSHOT_MAX: usize = 500;

impl Inventory {
    /// The stock of a store as it is, then each change of it in order.
    pub(super) async fn watch(
        &self,
        call: &Call,
        store: StoreId,
        resume_token: Option<&str>,
    ) -> Result<impl Stream<Item = Result<WatchInventoryResponse>> + Send + 'static> {
        let inventory = self.clone();
        let snapshot = move || async move { inventory.snapshot(store).await };
        let events = &self.0.events;
        let steps = events
            .watch(call, &topic(store), resume_token, snapshot)
            .await?;
        let steps = self.0.stores.while_member(steps, call, store);
        Ok(steps.map(|step| step.and_then(message)))
    }

    async fn snapshot(&self, store: StoreId) -> Result<Snapshot<WatchInventoryResponse>> {
        let db = &self.0.db;
        let limit = SNAPSHOT_MAX + 1;
        let mut found = store::lists::changed_last(db.read(), db.dialect(), store, limit).await?;
        let truncated = found.len() > SNAPSHOT_MAX;
        found.truncate(SNAPSHOT_MAX);
        Ok(Snapshot {
            versions: found
                .iter()
                .map(|stock| (stock.id, stock.version))
                .collect(),
            value: WatchInventoryResponse {
                r#type: Type::Snapshot.into(),
                stocks: found.iter().map(stock_to_pb).collect(),
                truncated,
                ..WatchInventoryResponse::default()
            },
        })
    }
}

fn message(step: Step<WatchInventoryResponse>) -> Result<WatchInventoryResponse> {
    let message = match step.update {
        Update::Snapshot(snapshot) => snapshot,
        Update::Event(event) => {
            WatchInventoryResponse::decode(event.payload.as_ref()).map_err(Error::internal)?
        }
        Update::Heartbeat => WatchInventoryResponse {
            r#type: Type::Heartbeat.into(),
            ..WatchInventoryResponse::default()
        },
    };
    Ok(WatchInventoryResponse {
        resume_token: step.resume_token,
        ..message
    })
}
