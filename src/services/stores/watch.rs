//! Streams that only those who work for a store may read.

use futures_util::StreamExt;

use super::{Needed, Stores};
use crate::events::Steps;
use crate::kernel::Call;
use crate::kernel::id::StoreId;

impl Stores {
    /// Ends a stream when its watcher no longer works for the store, at the next step of it,
    /// which is a heartbeat at the latest. Costs no statement while the store is cached, and
    /// what changes its staff is told to the cache.
    pub fn while_member<S: Send + 'static>(
        &self,
        steps: Steps<S>,
        call: &Call,
        store: StoreId,
    ) -> Steps<S> {
        let (stores, call) = (self.clone(), call.clone());
        let checked = steps.then(move |step| {
            let (stores, call) = (stores.clone(), call.clone());
            async move {
                let conn = stores.0.db.read();
                stores
                    .require_member(conn, &call, store, Needed::Staff)
                    .await?;
                step
            }
        });
        checked.boxed()
    }
}
