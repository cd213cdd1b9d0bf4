//! The order streams: one order, a buyer's orders, a store's orders. Each begins with how
//! things stand and tells every change after that once, in order.

use std::collections::HashMap;

use futures_util::{Stream, StreamExt};
use uuid::Uuid;

use super::convert::{self, Heard, order_to_pb};
use super::model::Order;
use super::store::{self, Filter, Scope};
use super::{Orders, access, announce};
use crate::events::Snapshot;
use crate::kernel::id::{OrderId, StoreId, UserId};
use crate::kernel::page::{PageRequest, Start};
use crate::kernel::{Call, Error, Result};
use crate::pb::souk::orders::v1 as pb;
use crate::services::stores::Needed;

/// Orders that a snapshot shows at most.
const SHOWN: u64 = 20;

impl Orders {
    /// Watches one order. The rights are those of reading it, also for a resumed stream.
    pub(super) async fn watch_order(
        &self,
        call: &Call,
        id: OrderId,
        request: pb::WatchOrderRequest,
    ) -> Result<impl Stream<Item = Result<pb::WatchOrderResponse>> + Send + 'static> {
        let token = request.guest_token.as_deref();
        let found = store::find(self.0.db.read(), id).await?;
        let conn = self.0.db.read();
        let (order, standing) = access::visible(&self.0, conn, call, found, token).await?;
        let (orders, resume) = (self.clone(), request.resume_token.as_deref());
        let snapshot = move || async move {
            let found = store::find(orders.0.db.read(), id).await?;
            let order = found.ok_or_else(access::not_found)?;
            let versions = versions(std::slice::from_ref(&order));
            Ok(Snapshot {
                value: order_to_pb(&order),
                versions,
            })
        };
        let topic = announce::order_topic(id);
        let mut steps = self.0.events.watch(call, &topic, resume, snapshot).await?;
        if let Some(store) = standing.by_staff(call, &order) {
            steps = self.0.stores.while_member(steps, call, store);
        }
        Ok(steps.map(|step| {
            let Heard {
                event,
                snapshot,
                resume_token,
            } = convert::heard(step?)?;
            Ok(pb::WatchOrderResponse {
                resume_token,
                r#type: event.r#type,
                order: snapshot.or(event.order),
                change: event.change,
            })
        }))
    }

    /// Watches a user's own orders.
    pub(super) async fn watch_mine(
        &self,
        call: &Call,
        user: UserId,
        resume: Option<&str>,
    ) -> Result<impl Stream<Item = Result<pb::WatchMyOrdersResponse>> + Send + 'static> {
        let (orders, filter) = (self.clone(), Filter::of(Scope::Buyer(user)));
        let snapshot = move || async move { orders.newest(&filter).await };
        let topic = announce::buyer_topic(user);
        let steps = self.0.events.watch(call, &topic, resume, snapshot).await?;
        Ok(steps.map(|step| {
            let Heard {
                event,
                snapshot,
                resume_token,
            } = convert::heard(step?)?;
            Ok(pb::WatchMyOrdersResponse {
                resume_token,
                r#type: event.r#type,
                order: event.order,
                change: event.change,
                orders: snapshot.unwrap_or_default(),
            })
        }))
    }

    /// Watches the orders at a store.
    pub(super) async fn watch_store(
        &self,
        call: &Call,
        store: Option<StoreId>,
        resume: Option<&str>,
    ) -> Result<impl Stream<Item = Result<pb::WatchSellerOrdersResponse>> + Send + 'static> {
        let store = self.store_to_watch(call, store).await?;
        let (orders, filter) = (self.clone(), Filter::of(Scope::Stores(vec![store])));
        let snapshot = move || async move { orders.newest(&filter).await };
        let topic = announce::store_topic(store);
        let steps = self.0.events.watch(call, &topic, resume, snapshot).await?;
        let steps = self.0.stores.while_member(steps, call, store);
        Ok(steps.map(|step| {
            let Heard {
                event,
                snapshot,
                resume_token,
            } = convert::heard(step?)?;
            Ok(pb::WatchSellerOrdersResponse {
                resume_token,
                r#type: event.r#type,
                order: event.order,
                change: event.change,
                orders: snapshot.unwrap_or_default(),
            })
        }))
    }

    /// The store that the caller named, or the only one.
    async fn store_to_watch(&self, call: &Call, named: Option<StoreId>) -> Result<StoreId> {
        let conn = self.0.db.read();
        if let Some(id) = named {
            self.0
                .stores
                .require_member(conn, call, id, Needed::Staff)
                .await?;
            return Ok(id);
        }
        let stores = self.0.stores.stores_of_user(conn, call.user()?).await?;
        match stores.as_slice() {
            [only] => Ok(*only),
            [] => Err(Error::forbidden("only members of a store watch its orders")),
            _ => Err(Error::field(
                "storeId",
                "is required for a member of several stores",
            )),
        }
    }

    async fn newest(&self, filter: &Filter) -> Result<Snapshot<Vec<pb::Order>>> {
        let page = PageRequest {
            limit: SHOWN,
            start: Start::First,
        };
        let orders = store::list(self.0.db.read(), filter, &page).await?.items;
        Ok(Snapshot {
            versions: versions(&orders),
            value: orders.iter().map(order_to_pb).collect(),
        })
    }
}

fn versions(orders: &[Order]) -> HashMap<Uuid, i64> {
    orders
        .iter()
        .map(|order| (order.id.uuid(), order.version()))
        .collect()
}
