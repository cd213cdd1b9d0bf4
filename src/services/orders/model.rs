//! The order as the rules see it. Its life (status, version, the times that go with
//! them) moves only through `state`.

use super::state::{self, Actor, DeliveryType, PaymentMethod, PaymentStatus, Status};
use crate::kernel::geo::GeoPoint;
use crate::kernel::id::{
    CheckoutGroupId, OfferId, OrderId, OrderItemId, ProductId, ReelId, StoreId, UserId,
};
use crate::kernel::{Currency, Result, Time};
use crate::services::inventory::Line;

/// Where the items of an order came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Products named in the request.
    Direct,
    /// The buyer's cart.
    Cart,
    /// Free items with the client's own titles and prices.
    AdHoc,
}

impl Source {
    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "DIRECT",
            Self::Cart => "CART",
            Self::AdHoc => "AD_HOC",
        }
    }

    /// The source of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Direct, Self::Cart, Self::AdHoc]
            .into_iter()
            .find(|source| source.as_str() == word)
    }
}

/// The store that sells, as it was when the order was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seller {
    /// The store.
    pub store: StoreId,
    /// Its owner.
    pub owner: UserId,
}

/// Who receives the goods, and where.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Receiver {
    /// 3 to 100 characters.
    pub name: String,
    /// In its normal form.
    pub phone: String,
    /// May be empty.
    pub email: String,
    /// Empty outside Algeria and for pickup.
    pub wilaya_code: String,
    /// May be empty.
    pub commune: String,
    /// Address in one text; empty for pickup.
    pub address: String,
    /// May be empty.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Where the address lies, when the buyer told it.
    pub location: Option<GeoPoint>,
}

/// What the buyer pays, in minor units of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Sum of the lines.
    pub subtotal: i64,
    /// Shipping.
    pub shipping: i64,
    /// Tax on top of the prices.
    pub tax: i64,
    /// Reduction, positive.
    pub discount: i64,
    /// subtotal + shipping + tax − discount.
    pub total: i64,
    /// The currency of all of them.
    pub currency: Currency,
}

/// One line: a copy of the product as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The line.
    pub id: OrderItemId,
    /// The product; none in an ad-hoc order.
    pub product: Option<ProductId>,
    /// Its name.
    pub name: String,
    /// Its picture; may be empty.
    pub image: String,
    /// Its article number; may be empty.
    pub sku: String,
    /// Price of one piece.
    pub unit_price: i64,
    /// Pieces, at least 1.
    pub quantity: i32,
    /// unit_price × quantity.
    pub subtotal: i64,
    /// The reel that led the buyer to the product.
    pub reel: Option<ReelId>,
}

/// An order.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The order.
    pub id: OrderId,
    /// Number to tell by phone or print.
    pub number: String,
    /// Shared by the orders of one checkout.
    pub group: CheckoutGroupId,
    /// The buyer; none for a guest.
    pub user: Option<UserId>,
    /// Who sells; none for an ad-hoc order.
    pub seller: Option<Seller>,
    /// Name of the store when the order was placed; empty for an ad-hoc order.
    pub store_name: String,
    /// Where the items came from.
    pub source: Source,
    /// The offer that businesses agreed on; none for consumers.
    pub offer: Option<OfferId>,
    /// How it is paid.
    pub payment_method: PaymentMethod,
    /// Whether it is paid.
    pub payment_status: PaymentStatus,
    /// How the goods reach the buyer.
    pub delivery_type: DeliveryType,
    /// Who receives them.
    pub receiver: Receiver,
    /// The lines, in the order of the request.
    pub items: Vec<Item>,
    /// What the buyer pays.
    pub totals: Totals,
    /// The buyer's note.
    pub notes: String,
    /// The courier's number; empty before shipping.
    pub tracking_number: String,
    /// When the goods are expected.
    pub estimated_delivery_at: Option<Time>,
    /// When the buyer asked to return them, and why.
    pub return_requested: Option<(Time, String)>,
    /// When the order was placed.
    pub created_at: Time,
    life: Life,
}

/// What only a move of `state` changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where the order is.
    pub status: Status,
    /// Grows by one with every change.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Time,
    /// When the goods were handed over.
    pub delivered_at: Option<Time>,
    /// When it was cancelled, and why.
    pub cancelled: Option<(Time, String)>,
}

/// One entry of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The status before; none for the first entry.
    pub from: Option<Status>,
    /// The status after.
    pub status: Status,
    /// Who made the change.
    pub actor: Actor,
    /// The acting user; none for guests and the system.
    pub actor_id: Option<UserId>,
    /// What the actor noted.
    pub note: String,
    /// The order's version after the change.
    pub version: i64,
    /// When.
    pub at: Time,
}

/// A wish to move an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Where to.
    pub to: Status,
    /// In which quality the mover acts.
    pub actor: Actor,
    /// The acting user; none for guests and the system.
    pub actor_id: Option<UserId>,
    /// What the actor notes; the reason of a cancellation.
    pub note: String,
    /// When.
    pub at: Time,
}

/// Everything of a new order but its life.
#[derive(Debug)]
pub struct Draft {
    /// See [`Order`].
    pub number: String,
    /// See [`Order`].
    pub group: CheckoutGroupId,
    /// See [`Order`].
    pub user: Option<UserId>,
    /// See [`Order`].
    pub seller: Option<Seller>,
    /// See [`Order`].
    pub store_name: String,
    /// See [`Order`].
    pub source: Source,
    /// See [`Order`].
    pub offer: Option<OfferId>,
    /// See [`Order`].
    pub payment_method: PaymentMethod,
    /// See [`Order`].
    pub delivery_type: DeliveryType,
    /// See [`Order`].
    pub receiver: Receiver,
    /// See [`Order`].
    pub items: Vec<Item>,
    /// See [`Order`].
    pub totals: Totals,
    /// See [`Order`].
    pub notes: String,
    /// See [`Order`].
    pub estimated_delivery_at: Option<Time>,
}

impl Order {
    /// A new order with the first entry of its history.
    pub fn place(draft: Draft, now: Time) -> (Self, Entry) {
        let order = Self {
            id: OrderId::new(now),
            number: draft.number,
            group: draft.group,
            user: draft.user,
            seller: draft.seller,
            store_name: draft.store_name,
            source: draft.source,
            offer: draft.offer,
            payment_method: draft.payment_method,
            payment_status: PaymentStatus::Pending,
            delivery_type: draft.delivery_type,
            receiver: draft.receiver,
            items: draft.items,
            totals: draft.totals,
            notes: draft.notes,
            tracking_number: String::new(),
            estimated_delivery_at: draft.estimated_delivery_at,
            return_requested: None,
            created_at: now,
            life: Life {
                status: Status::Pending,
                version: 1,
                updated_at: now,
                delivered_at: None,
                cancelled: None,
            },
        };
        let entry = Entry {
            from: None,
            status: Status::Pending,
            actor: Actor::Buyer,
            actor_id: order.user,
            note: String::new(),
            version: 1,
            at: now,
        };
        (order, entry)
    }

    /// An order as the database holds it.
    pub(super) fn stored(draft: Draft, id: OrderId, created_at: Time, life: Life) -> Self {
        let (order, _) = Self::place(draft, created_at);
        Self { id, life, ..order }
    }

    /// Where the order is.
    pub const fn status(&self) -> Status {
        self.life.status
    }

    /// Grows by one with every change.
    pub const fn version(&self) -> i64 {
        self.life.version
    }

    /// The rest of its life.
    pub const fn life(&self) -> &Life {
        &self.life
    }

    /// Moves the order and says what the history must tell.
    ///
    /// # Errors
    /// INVALID_STATUS_TRANSITION or FORBIDDEN, see [`state::check`].
    pub fn advance(&mut self, wish: Move) -> Result<Entry> {
        let from = self.life.status;
        state::check(from, wish.to, wish.actor, self.delivery_type)?;
        self.life.status = wish.to;
        self.life.version += 1;
        self.life.updated_at = wish.at;
        match wish.to {
            Status::Delivered => {
                self.life.delivered_at = Some(wish.at);
                // The courier or the counter took the money.
                if self.payment_method == PaymentMethod::Cod {
                    self.payment_status = PaymentStatus::Paid;
                }
            }
            Status::Cancelled => self.life.cancelled = Some((wish.at, wish.note.clone())),
            _ => {}
        }
        Ok(Entry {
            from: Some(from),
            status: wish.to,
            actor: wish.actor,
            actor_id: wish.actor_id,
            note: wish.note,
            version: self.life.version,
            at: wish.at,
        })
    }

    /// What the order takes from the stock, and gives back when it comes to nothing. Free
    /// items have none.
    pub fn stock_lines(&self) -> Vec<Line> {
        let Some(seller) = &self.seller else {
            return Vec::new();
        };
        let items = self.items.iter();
        items
            .filter_map(|item| {
                Some(Line {
                    store: seller.store,
                    product: item.product?,
                    quantity: item.quantity,
                })
            })
            .collect()
    }

    /// Changes something that is not the status, such as a tracking number.
    pub fn touch(&mut self, now: Time) {
        self.life.version += 1;
        self.life.updated_at = now;
    }
}
