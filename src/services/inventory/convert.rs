//! Stock, movements and reservations on the wire.

use prost::Message;

use super::access::Target;
use super::set::Settings;
use super::{Line, Movement, Reason, Reservation, Status, Stock};
use crate::grpc;
use crate::grpc::convert::time_to_pb;
use crate::kernel::id::{MovementId, OrderId, ProductId, ReservationId, StockId, StoreId, UserId};
use crate::kernel::{Error, Result, Time};
use crate::pb::souk::inventory::v1 as pb;
use pb::stock_movement::Reason as PbReason;
use pb::watch_inventory_response::Type;

/// A stock record.
pub fn stock_to_pb(stock: &Stock) -> pb::Stock {
    pb::Stock {
        id: StockId::from(stock.id).to_string(),
        store_id: StoreId::from(stock.store_id).to_string(),
        product_id: ProductId::from(stock.product_id).to_string(),
        product_name: stock.product_name.clone(),
        sku: stock.sku.clone(),
        on_hand: stock.on_hand,
        reserved: stock.reserved,
        available: stock.available(),
        reorder_level: stock.reorder_level,
        max_level: stock.max_level,
        price_override: stock.price_override,
        enabled: stock.enabled,
        in_stock: stock.in_stock(),
        last_restocked_at: stock.last_restocked_at.map(instant),
        version: i32::try_from(stock.version).unwrap_or(i32::MAX),
        created_at: Some(instant(stock.created_at)),
        updated_at: Some(instant(stock.updated_at)),
    }
}

/// A movement.
pub fn movement_to_pb(movement: Movement) -> pb::StockMovement {
    let reason = PbReason::from_str_name(&movement.reason).unwrap_or_default();
    pb::StockMovement {
        id: MovementId::from(movement.id).to_string(),
        stock_id: StockId::from(movement.stock_id).to_string(),
        delta: movement.delta,
        on_hand: movement.on_hand,
        reason: reason.into(),
        order_id: text(movement.order_id.map(OrderId::from)),
        actor_id: text(movement.actor.map(UserId::from)),
        note: movement.note,
        created_at: Some(instant(movement.created_at)),
    }
}

/// A reservation.
pub fn reservation_to_pb(reservation: &Reservation) -> pb::Reservation {
    pb::Reservation {
        id: ReservationId::from(reservation.id).to_string(),
        store_id: StoreId::from(reservation.store_id).to_string(),
        product_id: ProductId::from(reservation.product_id).to_string(),
        quantity: reservation.quantity,
        user_id: text(reservation.user_id.map(UserId::from)),
        order_id: text(reservation.order_id.map(OrderId::from)),
        status: status_to_pb(reservation.status()).into(),
        expires_at: Some(instant(reservation.expires_at)),
        created_at: Some(instant(reservation.created_at)),
        ended_at: reservation.ended_at.map(instant),
    }
}

fn status_to_pb(status: Status) -> pb::reservation::Status {
    match status {
        Status::Reserved => pb::reservation::Status::Reserved,
        Status::Used => pb::reservation::Status::Used,
        Status::Released => pb::reservation::Status::Released,
        Status::Expired => pb::reservation::Status::Expired,
        Status::Cancelled => pb::reservation::Status::Cancelled,
    }
}

/// What the watchers of a store receive of a change: a stream message whose resume token
/// the stream itself fills in.
pub fn event(stock: &Stock, became_low: bool) -> Vec<u8> {
    let message = pb::WatchInventoryResponse {
        r#type: if became_low {
            Type::LowStock.into()
        } else {
            Type::Changed.into()
        },
        stock: Some(stock_to_pb(stock)),
        ..pb::WatchInventoryResponse::default()
    };
    message.encode_to_vec()
}

/// The product in an event's payload.
pub fn product_of_event(payload: &[u8]) -> Option<ProductId> {
    let message = pb::WatchInventoryResponse::decode(payload).ok()?;
    message.stock?.product_id.parse().ok()
}

/// Which record a request names.
///
/// # Errors
/// VALIDATION_ERROR when it names none, or in two ways.
pub fn target(request: &pb::SetStockRequest) -> Result<Target> {
    let id = grpc::optional_id("id", &request.id)?;
    let store = grpc::optional_id("storeId", &request.store_id)?;
    let product = grpc::optional_id("productId", &request.product_id)?;
    match (id, store, product) {
        (Some(id), None, None) => Ok(Target::Id(id)),
        (None, Some(store), Some(product)) => Ok(Target::Of(store, product)),
        _ => Err(Error::field(
            "id",
            "either id, or storeId and productId are needed",
        )),
    }
}

/// What is to change of a record.
///
/// # Errors
/// VALIDATION_ERROR when the own price is both set and cleared.
pub fn settings(request: pb::SetStockRequest) -> Result<Settings> {
    let price_override = match (request.price_override, request.clear_price_override) {
        (Some(_), true) => {
            let message = "cannot be combined with clearPriceOverride";
            return Err(Error::field("priceOverride", message));
        }
        (None, true) => Some(None),
        (price, false) => price.map(Some),
    };
    Ok(Settings {
        on_hand: request.on_hand,
        reorder_level: request.reorder_level,
        max_level: request
            .max_level
            .map(|level| Some(level).filter(|level| *level > 0)),
        price_override,
        enabled: request.enabled,
        note: request.note.unwrap_or_default(),
    })
}

/// The lines to hold.
///
/// # Errors
/// VALIDATION_ERROR that names a wrong id.
pub fn lines(lines: &[pb::ReserveLine]) -> Result<Vec<Line>> {
    let line = |(index, line): (usize, &pb::ReserveLine)| {
        Ok(Line {
            store: grpc::id(&format!("lines[{index}].storeId"), &line.store_id)?,
            product: grpc::id(&format!("lines[{index}].productId"), &line.product_id)?,
            quantity: line.quantity,
        })
    };
    lines.iter().enumerate().map(line).collect()
}

/// The reason that a request names. The contract lets none pass that has no word here.
pub const fn reason(reason: PbReason) -> Reason {
    match reason {
        PbReason::Initial => Reason::Initial,
        PbReason::Restock => Reason::Restock,
        PbReason::Sale => Reason::Sale,
        PbReason::Cancellation => Reason::Cancellation,
        PbReason::Return => Reason::Return,
        PbReason::Damage => Reason::Damage,
        PbReason::Loss => Reason::Loss,
        PbReason::Unspecified | PbReason::Correction => Reason::Correction,
        PbReason::Set => Reason::Set,
    }
}

/// The status that a filter names; none for any.
pub const fn status(status: pb::reservation::Status) -> Option<Status> {
    match status {
        pb::reservation::Status::Unspecified => None,
        pb::reservation::Status::Reserved => Some(Status::Reserved),
        pb::reservation::Status::Used => Some(Status::Used),
        pb::reservation::Status::Released => Some(Status::Released),
        pb::reservation::Status::Expired => Some(Status::Expired),
        pb::reservation::Status::Cancelled => Some(Status::Cancelled),
    }
}

fn instant(micros: i64) -> crate::pb::Timestamp {
    time_to_pb(Time::from_micros(micros))
}

fn text(id: Option<impl ToString>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}
