//! The gRPC face of the inventory.

use std::time::Duration;

use tonic::{Request, Response, Status};

use super::convert::{self, movement_to_pb, reservation_to_pb, stock_to_pb};
use super::reserve::{self, Which};
use super::store::{self, lists};
use super::{DEFAULT_HOLD, Inventory, set};
use crate::db::Tx;
use crate::grpc::paging::{Paged, take_paging};
use crate::grpc::{self, Streaming};
use crate::kernel::Result;
use crate::pb::souk::inventory::v1 as pb;
use crate::pb::souk::inventory::v1::inventory_service_server::InventoryService;

type Answered<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl InventoryService for Inventory {
    type WatchInventoryStream = Streaming<pb::WatchInventoryResponse>;

    async fn get_availability(
        &self,
        request: Request<pb::GetAvailabilityRequest>,
    ) -> Answered<pb::GetAvailabilityResponse> {
        let (call, message) = grpc::open(request)?;
        let product = grpc::id("productId", &message.product_id)?;
        let store = grpc::optional_id("storeId", &message.store_id)?;
        let (store, available) = self.available(&call, product, store).await?;
        grpc::answer(pb::GetAvailabilityResponse {
            product_id: product.to_string(),
            store_id: store.to_string(),
            in_stock: available > 0,
            available: available >= message.quantity.max(1),
        })
    }

    async fn list_stock(
        &self,
        request: Request<pb::ListStockRequest>,
    ) -> Answered<pb::ListStockResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let store = grpc::optional_id("storeId", &message.store_id)?;
        let (stores, db) = (&self.0.stores, &self.0.db);
        let filter = lists::StockFilter {
            stores: stores.own_or_named(db.read(), &call, store).await?,
            product: grpc::optional_id("productId", &message.product_id)?,
            in_stock: message.in_stock,
        };
        let page = lists::by_name(db.read(), db.dialect(), &filter, &paged.page).await?;
        grpc::answer(pb::ListStockResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            stock: page.items.iter().map(stock_to_pb).collect(),
        })
    }

    async fn list_low_stock(
        &self,
        request: Request<pb::ListLowStockRequest>,
    ) -> Answered<pb::ListLowStockResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let store = grpc::optional_id("storeId", &message.store_id)?;
        let (stores, db) = (&self.0.stores, &self.0.db);
        let stores = stores.own_or_named(db.read(), &call, store).await?;
        let page = lists::low(db.read(), db.dialect(), &stores, &paged.page).await?;
        grpc::answer(pb::ListLowStockResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            stock: page.items.iter().map(stock_to_pb).collect(),
        })
    }

    async fn get_stock(
        &self,
        request: Request<pb::GetStockRequest>,
    ) -> Answered<pb::GetStockResponse> {
        let (call, message) = grpc::open(request)?;
        let found = store::find(self.0.db.read(), grpc::id("id", &message.id)?).await?;
        let stock = self.of_member(self.0.db.read(), &call, found).await?;
        grpc::answer(pb::GetStockResponse {
            stock: Some(stock_to_pb(&stock)),
        })
    }

    async fn set_stock(
        &self,
        request: Request<pb::SetStockRequest>,
    ) -> Answered<pb::SetStockResponse> {
        let (call, message) = grpc::open(request)?;
        let (target, settings) = (&convert::target(&message)?, &convert::settings(message)?);
        let call = &call;
        let write = |tx| async move {
            let stock = self.set(&tx, call, target, settings).await?;
            Ok(pb::SetStockResponse {
                stock: Some(stock_to_pb(&stock)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn adjust_stock(
        &self,
        request: Request<pb::AdjustStockRequest>,
    ) -> Answered<pb::AdjustStockResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let (delta, reason) = (message.delta, convert::reason(message.reason()));
        let note = &message.note.unwrap_or_default();
        let write = |tx: Tx| async move {
            let found = store::lock(&tx, id).await?;
            let stock = self.of_member(tx.conn(), call, found).await?;
            let (note, actor) = (note.clone(), call.caller.user_id());
            let stock = set::adjust(&tx, &stock, delta, reason, note, actor).await?;
            Ok(pb::AdjustStockResponse {
                stock: Some(stock_to_pb(&stock)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn list_stock_movements(
        &self,
        request: Request<pb::ListStockMovementsRequest>,
    ) -> Answered<pb::ListStockMovementsResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let (id, db) = (grpc::id("id", &message.id)?, &self.0.db);
        let found = store::find(db.read(), id).await?;
        self.of_member(db.read(), &call, found).await?;
        let page = lists::movements(db.read(), db.dialect(), id, &paged.page).await?;
        grpc::answer(pb::ListStockMovementsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            movements: page.items.into_iter().map(movement_to_pb).collect(),
        })
    }

    async fn reserve(&self, request: Request<pb::ReserveRequest>) -> Answered<pb::ReserveResponse> {
        let (call, message) = grpc::open(request)?;
        let lines = &convert::lines(&message.lines)?;
        let user = grpc::optional_id("userId", &message.user_id)?;
        let order = grpc::optional_id("orderId", &message.order_id)?;
        let ttl = message.ttl_minutes.map_or(DEFAULT_HOLD, minutes);
        let write = |tx| async move {
            let held = reserve::hold(&tx, "lines", lines, ttl, user, order).await?;
            Ok(pb::ReserveResponse {
                reservations: held.iter().map(reservation_to_pb).collect(),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn commit(&self, request: Request<pb::CommitRequest>) -> Answered<pb::CommitResponse> {
        let (call, message) = grpc::open(request)?;
        let (which, actor) = (
            Which::One(grpc::id("id", &message.id)?),
            call.caller.user_id(),
        );
        let write = |tx| async move {
            let used = reserve::commit(&tx, which, actor).await?;
            Ok(pb::CommitResponse {
                reservation: used.first().map(reservation_to_pb),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn release(&self, request: Request<pb::ReleaseRequest>) -> Answered<pb::ReleaseResponse> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let write = |tx| async move {
            let released = reserve::release_one(&tx, id).await?;
            Ok(pb::ReleaseResponse {
                reservation: Some(reservation_to_pb(&released)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn list_reservations(
        &self,
        request: Request<pb::ListReservationsRequest>,
    ) -> Answered<pb::ListReservationsResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let store = grpc::optional_id("storeId", &message.store_id)?;
        let (stores, db) = (&self.0.stores, &self.0.db);
        let filter = lists::ReservationFilter {
            stores: stores.own_or_named(db.read(), &call, store).await?,
            product: grpc::optional_id("productId", &message.product_id)?,
            status: convert::status(message.status()),
        };
        let page = lists::reservations(db.read(), db.dialect(), &filter, &paged.page).await?;
        grpc::answer(pb::ListReservationsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            reservations: page.items.iter().map(reservation_to_pb).collect(),
        })
    }

    async fn watch_inventory(
        &self,
        request: Request<pb::WatchInventoryRequest>,
    ) -> Answered<Self::WatchInventoryStream> {
        let (call, message) = grpc::open(request)?;
        let store = grpc::id("storeId", &message.store_id)?;
        let (stores, conn) = (&self.0.stores, self.0.db.read());
        stores.check_member(conn, &call, store).await?;
        let token = message.resume_token.as_deref();
        grpc::stream(&call, self.watch(&call, store, token).await?)
    }
}

fn minutes(minutes: i32) -> Duration {
    Duration::from_secs(60 * u64::from(minutes.unsigned_abs()))
}
