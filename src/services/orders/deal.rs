//! Orders that businesses agree on elsewhere: the price is the deal's, and the store has
//! said yes already.

use super::announce::{self, Change};
use super::change;
use super::model::{Draft, Item, Move, Order, Receiver, Seller, Source, Totals};
use super::state::{Actor, DeliveryType, PaymentMethod, Status};
use super::{number, store};
use crate::db::Tx;
use crate::kernel::geo::GeoPoint;
use crate::kernel::id::{
    AddressId, CheckoutGroupId, OfferId, OrderId, OrderItemId, ProductId, UserId,
};
use crate::kernel::wilaya::{Wilaya, is_algeria};
use crate::kernel::{Currency, Error, Result, money};
use crate::services::inventory;
use crate::services::stores::Store;
use crate::services::users;

/// What a buyer and a store agreed on.
#[derive(Debug)]
pub struct Deal<'a> {
    /// The offer that led to it.
    pub offer: OfferId,
    /// Who sells.
    pub store: &'a Store,
    /// Who buys.
    pub buyer: UserId,
    /// Where the goods go, in the buyer's address book; the default when absent. Without
    /// any, the goods are fetched.
    pub address: Option<AddressId>,
    /// What the stock has of it; none when the offer stands for itself.
    pub product: Option<ProductId>,
    /// What is sold.
    pub name: &'a str,
    /// Its picture; may be empty.
    pub image: &'a str,
    /// Price of one piece in minor units.
    pub unit_price: i64,
    /// Pieces.
    pub quantity: i32,
    /// ISO 4217 code.
    pub currency: &'a str,
    /// The word of the contract.
    pub payment_method: &'a str,
}

/// Makes a CONFIRMED order of a deal. Its goods are taken first: when they are gone, nothing
/// is left behind.
///
/// # Errors
/// OUT_OF_STOCK.
pub async fn place_deal(tx: &Tx, deal: &Deal<'_>) -> Result<OrderId> {
    let (mut order, placed) = Order::place(draft(tx, deal).await?, tx.now());
    let lines = order.stock_lines();
    if !lines.is_empty() {
        let taken = inventory::take(tx, &lines, order.id, order.user).await;
        taken.map_err(in_one_line)?;
    }
    store::insert(tx, &[(order.clone(), placed.clone())]).await?;
    announce::tell(tx, &order, Change::Created(&placed));
    let confirmed = Move {
        to: Status::Confirmed,
        actor: Actor::Store,
        actor_id: Some(deal.store.owner),
        note: String::new(),
        at: tx.now(),
    };
    change::advance(tx, &mut order, confirmed).await?;
    Ok(order.id)
}

/// A deal is about one thing, so that a refusal names no line.
fn in_one_line(refused: Error) -> Error {
    let Some(short) = refused.violations().first() else {
        return refused;
    };
    let message = refused.message().to_owned();
    Error::new(refused.reason(), message).because("quantity", short.message.clone())
}

async fn draft(tx: &Tx, deal: &Deal<'_>) -> Result<Draft> {
    let now = tx.now();
    let receiver = receiver_of(tx, deal).await?;
    let currency: Currency = deal.currency.parse().map_err(Error::internal)?;
    let subtotal = money::line_total(deal.unit_price, deal.quantity)?;
    let payment_method = PaymentMethod::from_word(deal.payment_method);
    Ok(Draft {
        number: number::new(now),
        group: CheckoutGroupId::new(now),
        user: Some(deal.buyer),
        seller: Some(Seller {
            store: deal.store.id,
            owner: deal.store.owner,
        }),
        store_name: deal.store.name.clone(),
        source: Source::Direct,
        offer: Some(deal.offer),
        payment_method: payment_method.unwrap_or(PaymentMethod::BankTransfer),
        delivery_type: match receiver.address.is_empty() {
            true => DeliveryType::Pickup,
            false => DeliveryType::Home,
        },
        receiver,
        items: vec![Item {
            id: OrderItemId::new(now),
            product: deal.product,
            name: deal.name.to_owned(),
            image: deal.image.to_owned(),
            sku: String::new(),
            unit_price: deal.unit_price,
            quantity: deal.quantity,
            subtotal,
            reel: None,
        }],
        totals: Totals {
            subtotal,
            shipping: 0,
            tax: 0,
            discount: 0,
            total: subtotal,
            currency,
        },
        notes: String::new(),
        estimated_delivery_at: None,
    })
}

/// Who receives the goods, from the buyer's account and address book.
async fn receiver_of(tx: &Tx, deal: &Deal<'_>) -> Result<Receiver> {
    let buyer = users::find(tx.conn(), deal.buyer).await?;
    let buyer = buyer.ok_or_else(|| Error::not_found("buyer"))?;
    let contact = Receiver {
        name: buyer.name.unwrap_or_default(),
        phone: buyer.phone.unwrap_or_default(),
        email: buyer.email.unwrap_or_default(),
        ..Receiver::default()
    };
    let named = match deal.address {
        Some(id) => users::address(tx.conn(), deal.buyer, id).await?,
        None => None,
    };
    let place = match named {
        Some(named) => Some(named),
        None => users::default_address(tx.conn(), deal.buyer).await?,
    };
    let Some(place) = place else {
        return Ok(contact);
    };
    let in_algeria = is_algeria(place.country.as_deref());
    let wilaya = place.wilaya.as_deref().filter(|_| in_algeria);
    let wilaya = wilaya.and_then(Wilaya::find);
    let parts = [&place.street, &place.line2, &place.city];
    let parts = parts.into_iter().flatten().map(|part| part.trim());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    Ok(Receiver {
        wilaya_code: wilaya.map(|one| one.code.to_string()).unwrap_or_default(),
        commune: place.commune.clone().unwrap_or_default(),
        address: match parts.is_empty() {
            true => place.title.clone(),
            false => parts.join(", "),
        },
        postal_code: place.postal_code.clone().unwrap_or_default(),
        country: place.country.clone().unwrap_or_default(),
        location: place.latitude.zip(place.longitude).map(point),
        ..contact
    })
}

fn point((latitude, longitude): (f64, f64)) -> GeoPoint {
    GeoPoint {
        latitude,
        longitude,
    }
}
