//! The store as the rules see it. Its status moves only through [`Store::step`].

use super::address::StoreAddress;
use super::hours::{Hours, Opening};
use super::state::{self, Status, Step};
use crate::kernel::address::AddressParts;
use crate::kernel::geo::GeoPoint;
use crate::kernel::id::{AddressId, StoreId, UserId};
use crate::kernel::{Currency, Error, Reason, Result, Time};

/// How far a store delivers when it does not say, in kilometres.
pub const DEFAULT_DELIVERY_RADIUS_KM: f64 = 10.0;

/// A place that sells, with an owner.
#[derive(Debug, Clone, PartialEq)]
pub struct Store {
    /// The id.
    pub id: StoreId,
    /// Who owns it.
    pub owner: UserId,
    /// The id of its address.
    pub address_id: AddressId,
    /// The name, 1 to 120 characters.
    pub name: String,
    /// What it sells; may be empty.
    pub description: String,
    /// The phone number in its normal form; may be empty.
    pub phone: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The postal address.
    pub address: StoreAddress,
    /// Where it is.
    pub location: GeoPoint,
    /// When it opens; none means at all hours.
    pub hours: Option<Hours>,
    /// How far it delivers; 0 means pick-up only.
    pub delivery_radius_km: f64,
    /// The least amount of an order, in minor units of `currency`.
    pub min_order_amount: Option<i64>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// Where the picture is.
    pub image_url: Option<String>,
    /// When it was opened.
    pub created_at: Time,
    pub(super) life: Life,
}

/// What moves with every change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) status: Status,
    pub(super) suspended_reason: Option<String>,
    pub(super) version: i64,
    pub(super) updated_at: Time,
    pub(super) deleted_at: Option<Time>,
}

/// A store to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct NewStore {
    /// The name, 1 to 120 characters.
    pub name: String,
    /// What it sells; may be empty.
    pub description: String,
    /// The phone number in its normal form; may be empty.
    pub phone: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The postal address.
    pub address: StoreAddress,
    /// Where it is.
    pub location: GeoPoint,
    /// When it opens.
    pub hours: Option<Hours>,
    /// How far it delivers, in kilometres.
    pub delivery_radius_km: f64,
    /// The least amount of an order, in minor units.
    pub min_order_amount: Option<i64>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// Where the picture is.
    pub image_url: Option<String>,
    /// Keep it from the marketplace until it is resumed.
    pub draft: bool,
}

/// What changes in a store: only what is present.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoreChange {
    /// The name.
    pub name: Option<String>,
    /// What it sells.
    pub description: Option<String>,
    /// The phone number in its normal form; empty clears it.
    pub phone: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The parts of the address.
    pub address: AddressParts,
    /// How far it delivers, in kilometres.
    pub delivery_radius_km: Option<f64>,
    /// The least amount of an order; 0 means none.
    pub min_order_amount: Option<i64>,
    /// Where the picture is; empty clears it.
    pub image_url: Option<String>,
}

/// Whether a store serves at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Availability {
    /// Active, and within its hours.
    pub opening: Opening,
    /// Open, and delivering; where a point was given, to that point.
    pub delivers: bool,
}

impl Store {
    /// A new store.
    pub(super) fn open(owner: UserId, new: NewStore, now: Time) -> Self {
        let status = if new.draft {
            Status::Draft
        } else {
            Status::Active
        };
        Self {
            id: StoreId::new(now),
            owner,
            address_id: AddressId::new(now),
            name: new.name,
            description: new.description,
            phone: new.phone,
            email: new.email,
            address: new.address,
            location: new.location,
            hours: new.hours,
            delivery_radius_km: new.delivery_radius_km,
            min_order_amount: new.min_order_amount,
            currency: new.currency,
            image_url: new.image_url,
            created_at: now,
            life: Life {
                status,
                suspended_reason: None,
                version: 1,
                updated_at: now,
                deleted_at: None,
            },
        }
    }

    /// Whether it can be found and takes orders.
    pub fn status(&self) -> Status {
        self.life.status
    }

    /// Counts its changes from 1.
    pub fn version(&self) -> i64 {
        self.life.version
    }

    /// When it was last changed.
    pub fn updated_at(&self) -> Time {
        self.life.updated_at
    }

    /// Whether everyone may know of it.
    pub fn is_public(&self) -> bool {
        matches!(self.life.status, Status::Active | Status::Paused)
    }

    /// Where the picture is that it shows. A deleted store shows none.
    pub(super) fn picture(&self) -> Option<&str> {
        let is_deleted = self.life.status == Status::Deleted;
        self.image_url.as_deref().filter(|_| !is_deleted)
    }

    /// Demands that it takes orders.
    ///
    /// # Errors
    /// STORE_NOT_ACTIVE.
    pub fn require_active(&self) -> Result<()> {
        if self.life.status == Status::Active {
            return Ok(());
        }
        let refusal = Error::new(Reason::StoreNotActive, "the store takes no orders now");
        Err(refusal.with("storeId", self.id))
    }

    /// Whether it serves at `now`, and at a point.
    pub fn availability(&self, now: Time, point: Option<GeoPoint>) -> Availability {
        let opening = match (self.life.status, &self.hours) {
            (Status::Active, Some(hours)) => hours.at(now),
            (Status::Active, None) => Opening::ALWAYS,
            _ => Opening::NEVER,
        };
        Availability {
            opening,
            delivers: opening.is_open && self.delivers_to(point),
        }
    }

    /// Whether it delivers at all and, where a point is given, that far.
    pub fn delivers_to(&self, point: Option<GeoPoint>) -> bool {
        let within = |point: GeoPoint| self.location.distance_km(point) <= self.delivery_radius_km;
        self.delivery_radius_km > 0.0 && point.is_none_or(within)
    }

    /// Takes a step of its life.
    ///
    /// # Errors
    /// FORBIDDEN, INVALID_STATUS_TRANSITION.
    pub(super) fn step(mut self, step: Step, by_admin: bool, now: Time) -> Result<Self> {
        let status = state::after(self.life.status, step, by_admin)?;
        if status != self.life.status {
            self.life.suspended_reason = None;
            self.life.deleted_at = (status == Status::Deleted).then_some(now);
            self.life.status = status;
        }
        Ok(self)
    }

    /// Applies a change of its particulars.
    ///
    /// # Errors
    /// UNKNOWN_WILAYA, VALIDATION_ERROR.
    pub(super) fn changed(self, change: &StoreChange) -> Result<Self> {
        let location = change.address.location()?.unwrap_or(self.location);
        Ok(Self {
            name: change.name.clone().unwrap_or(self.name),
            description: change.description.clone().unwrap_or(self.description),
            phone: change.phone.clone().unwrap_or(self.phone),
            email: change.email.clone().or(self.email),
            address: self.address.with(&change.address)?,
            location,
            delivery_radius_km: change.delivery_radius_km.unwrap_or(self.delivery_radius_km),
            min_order_amount: match change.min_order_amount {
                Some(amount) => Some(amount).filter(|amount| *amount > 0),
                None => self.min_order_amount,
            },
            image_url: match &change.image_url {
                Some(url) => Some(url.clone()).filter(|url| !url.is_empty()),
                None => self.image_url,
            },
            ..self
        })
    }
}
