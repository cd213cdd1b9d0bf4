//! Stores over the real databases: who may do what, and what the lists find.

mod finding;
mod nearby;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::address::StoreAddress;
use super::model::{NewStore, StoreChange};
use super::state::Step;
use super::{Needed, Settings, StaffRole, Status, Store, Stores, store, topic};
use crate::db::testing::on_each;
use crate::db::{Conn, Db, Tx};
use crate::events::{Events, EventsConfig, LocalBus};
use crate::kernel::address::AddressParts;
use crate::kernel::geo::GeoPoint;
use crate::kernel::id::{SessionId, StoreId, UserId};
use crate::kernel::phone::Phone;
use crate::kernel::seal::Sealer;
use crate::kernel::task::Tasks;
use crate::kernel::{Call, Caller, Clock, Currency, Reason, Result, Role, Secret, Time};
use crate::services::users::{self, NoPictures, Open, OpenOffers, OpenOrders};

pub(super) const ALGIERS: GeoPoint = GeoPoint {
    latitude: 36.7538,
    longitude: 3.0588,
};

pub(super) fn clock() -> Clock {
    Clock::manual(Time::from_micros(1_795_132_800_000_000))
}

/// Says about every store what it was told.
struct Orders(bool);

/// There are none.
struct NoOffers;

/// Nobody has a password.
struct Nobody;

#[async_trait]
impl users::Passwords for Nobody {
    async fn has_password(&self, _: &Tx, _: UserId) -> Result<bool> {
        Ok(false)
    }
}

#[async_trait]
impl OpenOrders for Orders {
    async fn user_has_open_orders(&self, _: &Tx, _: UserId) -> Result<bool> {
        Ok(self.0)
    }

    async fn store_has_open_orders(&self, _: &Tx, _: StoreId) -> Result<bool> {
        Ok(self.0)
    }
}

#[async_trait]
impl OpenOffers for NoOffers {
    async fn user_has_open_offers(&self, _: &Tx, _: UserId) -> Result<bool> {
        Ok(false)
    }

    async fn store_has_open_offers(&self, _: &Tx, _: StoreId) -> Result<bool> {
        Ok(false)
    }
}

/// A database with the stores' service over it.
pub(super) struct Market {
    pub(super) db: Db,
    pub(super) stores: Stores,
}

impl Market {
    pub(super) fn new(db: Db) -> Self {
        Self::with_open_orders(db, false)
    }

    fn with_open_orders(db: Db, open: bool) -> Self {
        let settings = Settings {
            currency: Currency::DZD,
            default_phone_country: None,
        };
        let sealer = Sealer::new(Secret::new(b"pages".to_vec()));
        let open = Open {
            orders: Arc::new(Orders(open)),
            offers: Arc::new(NoOffers),
        };
        let pictures = Arc::new(NoPictures);
        let stores = Stores::new(db.clone(), sealer, open, pictures, settings);
        db.set_observers(vec![stores.observer()]);
        Self { db, stores }
    }

    /// A signed-in user with a phone that ends in these digits.
    pub(super) async fn user(&self, digits: u32) -> Call {
        let phone = Phone::parse(&format!("0550{digits:06}"), None).unwrap();
        let phone = &phone;
        let create = |tx| async move {
            users::find_or_create_by_phone(&tx, phone, Role::Customer, &Nobody).await
        };
        let user = self.db.transact(create).await.unwrap();
        signed_in(user.user_id(), user.role())
    }

    pub(super) async fn open(&self, call: &Call, new: NewStore) -> Store {
        let new = &new;
        let open = |tx| async move { self.stores.open(&tx, call, new).await };
        self.db.transact(open).await.unwrap()
    }

    async fn step(&self, call: &Call, id: StoreId, step: Step) -> Result<Store> {
        let write = |tx| async move { self.stores.step(&tx, call, id, step).await };
        self.db.transact(write).await
    }

    async fn rename(&self, call: &Call, id: StoreId, name: &str) -> Result<Store> {
        let change = &StoreChange {
            name: Some(name.to_owned()),
            ..StoreChange::default()
        };
        let write = |tx| async move { self.stores.update(&tx, call, id, change).await };
        self.db.transact(write).await
    }

    async fn suspend(&self, call: &Call, id: StoreId) -> Result<Store> {
        let write = |tx| async move { self.stores.suspend(&tx, call, id, "fraud").await };
        self.db.transact(write).await
    }

    async fn delete(&self, call: &Call, id: StoreId) -> Result<()> {
        let write = |tx| async move { self.stores.delete(&tx, call, id).await };
        self.db.transact(write).await
    }

    async fn add(&self, call: &Call, id: StoreId, who: &Call, role: StaffRole) -> Result<()> {
        let user = who.user().unwrap();
        let write = |tx| async move {
            let added = self.stores.add_member(&tx, call, id, user, role).await;
            added.map(drop)
        };
        self.db.transact(write).await
    }

    async fn remove(&self, call: &Call, id: StoreId, who: &Call) -> Result<()> {
        let user = who.user().unwrap();
        let write = |tx| async move { self.stores.remove_member(&tx, call, id, user).await };
        self.db.transact(write).await
    }

    /// Whether the caller may act in this standing, by what is cached.
    async fn may(
        &self,
        call: &Call,
        id: StoreId,
        needed: Needed,
    ) -> std::result::Result<(), Reason> {
        let allowed = self
            .stores
            .require_member(self.db.read(), call, id, needed)
            .await;
        allowed.map(drop).map_err(|error| error.reason())
    }
}

fn signed_in(id: UserId, role: Role) -> Call {
    Call {
        caller: Caller::User {
            id,
            role,
            session: SessionId::from(id.uuid()),
        },
        ..Call::system("/test")
    }
}

fn admin() -> Call {
    Call::system("/test")
}

fn nobody() -> Call {
    Call {
        caller: Caller::Anonymous,
        ..Call::system("/test")
    }
}

pub(super) fn store_at(name: &str, location: GeoPoint) -> NewStore {
    NewStore {
        name: name.to_owned(),
        description: String::new(),
        phone: String::new(),
        email: None,
        address: StoreAddress::default()
            .with(&AddressParts::default())
            .unwrap(),
        location,
        hours: None,
        delivery_radius_km: 10.0,
        min_order_amount: None,
        currency: Currency::DZD,
        image_url: None,
        draft: false,
    }
}

#[tokio::test]
async fn the_first_store_makes_a_customer_a_store_owner() {
    on_each(clock(), |db| async move {
        let market = Market::new(db);
        let call = market.user(1).await;
        let first = market.open(&call, store_at("Épicerie", ALGIERS)).await;
        let second = market.open(&call, store_at("Dépôt", ALGIERS)).await;
        let owner = users::find(market.db.read(), first.owner).await.unwrap();
        assert_eq!(owner.unwrap().role(), Role::StoreOwner);
        let kept = store::find(market.db.read(), first.id).await.unwrap();
        assert_eq!(*kept.store, first);
        let mut own = market
            .stores
            .stores_of_user(market.db.read(), first.owner)
            .await
            .unwrap();
        own.sort();
        let mut expected = [first.id, second.id];
        expected.sort();
        assert_eq!(own, expected);
    })
    .await;
}

#[tokio::test]
async fn each_standing_may_do_what_it_should() {
    on_each(clock(), |db| async move {
        let market = Market::new(db);
        let (owner, manager) = (market.user(1).await, market.user(2).await);
        let (staff, stranger) = (market.user(3).await, market.user(4).await);
        let id = market.open(&owner, store_at("Atlas", ALGIERS)).await.id;
        market
            .add(&owner, id, &manager, StaffRole::Manager)
            .await
            .unwrap();
        market
            .add(&owner, id, &staff, StaffRole::Staff)
            .await
            .unwrap();

        use Needed::{Manager, Owner, Staff};
        let forbidden = Err(Reason::Forbidden);
        let hidden = Err(Reason::NotFound);
        let active = [
            (&owner, [Ok(()), Ok(()), Ok(())]),
            (&admin(), [Ok(()), Ok(()), Ok(())]),
            (&manager, [Ok(()), Ok(()), forbidden]),
            (&staff, [Ok(()), forbidden, forbidden]),
            (&stranger, [forbidden, forbidden, forbidden]),
            (&nobody(), [forbidden, forbidden, forbidden]),
        ];
        for (call, expected) in active {
            for (needed, expected) in [Staff, Manager, Owner].into_iter().zip(expected) {
                let may = market.may(call, id, needed).await;
                assert_eq!(may, expected, "{} {needed:?}", call.caller);
            }
        }
        // Who may not know of a suspended store is told that there is none.
        market.suspend(&admin(), id).await.unwrap();
        for call in [&stranger, &nobody()] {
            assert_eq!(market.may(call, id, Staff).await, hidden);
            let seen = market.stores.visible(market.db.read(), call, id).await;
            assert_eq!(seen.unwrap_err().reason(), Reason::NotFound);
        }
        assert_eq!(market.may(&staff, id, Staff).await, Ok(()));
        assert_eq!(market.may(&staff, id, Manager).await, forbidden);
    })
    .await;
}

#[tokio::test]
async fn staff_comes_and_goes_but_the_owner_stays() {
    on_each(clock(), |db| async move {
        let market = Market::new(db);
        let (owner, member) = (market.user(1).await, market.user(2).await);
        let id = market.open(&owner, store_at("Atlas", ALGIERS)).await.id;
        let reason = |done: Result<()>| done.map_err(|error| error.reason());

        let refused = market.add(&owner, id, &owner, StaffRole::Manager).await;
        assert_eq!(reason(refused), Err(Reason::StoreOwnerFixed));
        let refused = market.remove(&owner, id, &owner).await;
        assert_eq!(reason(refused), Err(Reason::StoreOwnerFixed));
        let unknown = signed_in(
            UserId::from(SessionId::new(Time::default()).uuid()),
            Role::Customer,
        );
        let refused = market.add(&owner, id, &unknown, StaffRole::Staff).await;
        assert_eq!(reason(refused), Err(Reason::NotFound));

        market
            .add(&owner, id, &member, StaffRole::Manager)
            .await
            .unwrap();
        let refused = market.add(&member, id, &member, StaffRole::Staff).await;
        assert_eq!(reason(refused), Err(Reason::Forbidden));
        // The cache follows each change at once.
        assert_eq!(market.may(&member, id, Needed::Manager).await, Ok(()));
        market
            .add(&owner, id, &member, StaffRole::Staff)
            .await
            .unwrap();
        assert_eq!(
            market.may(&member, id, Needed::Manager).await,
            Err(Reason::Forbidden)
        );
        // Members may leave by themselves, once.
        market.remove(&member, id, &member).await.unwrap();
        assert_eq!(
            market.may(&member, id, Needed::Staff).await,
            Err(Reason::Forbidden)
        );
        let refused = market.remove(&owner, id, &member).await;
        assert_eq!(reason(refused), Err(Reason::NotFound));
        // Opened, then joined, demoted and left.
        let store = market.stores.get(market.db.read(), id).await.unwrap();
        assert_eq!(store.version(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_store_lives_by_its_steps_and_ends_without_open_orders_only() {
    on_each(clock(), |db| async move {
        let market = Market::new(db.clone());
        let (owner, stranger) = (market.user(1).await, market.user(2).await);
        let draft = NewStore {
            draft: true,
            ..store_at("Atlas", ALGIERS)
        };
        let id = market.open(&owner, draft).await.id;
        let refused = market.step(&owner, id, Step::Pause).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::InvalidStatusTransition);
        let refused = market.step(&stranger, id, Step::Resume).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::NotFound);

        let open = market.step(&owner, id, Step::Resume).await.unwrap();
        assert_eq!((open.status(), open.version()), (Status::Active, 2));
        let again = market.step(&owner, id, Step::Resume).await.unwrap();
        assert_eq!(again.version(), 2, "what changes nothing makes no version");
        market.suspend(&admin(), id).await.unwrap();
        let refused = market.step(&owner, id, Step::Resume).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::Forbidden);
        market.step(&admin(), id, Step::Resume).await.unwrap();

        let busy = Market::with_open_orders(db, true);
        let refused = busy.delete(&owner, id).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::StoreHasOpenOrders);
        market.delete(&owner, id).await.unwrap();
        let gone = market.stores.get(market.db.read(), id).await.unwrap_err();
        assert_eq!(gone.reason(), Reason::NotFound);
        let refused = market.rename(&owner, id, "Aurès").await.unwrap_err();
        assert_eq!(refused.reason(), Reason::NotFound);
        assert!(
            market
                .stores
                .stores_of_user(market.db.read(), owner.user().unwrap())
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn every_change_has_one_event_with_the_next_version() {
    on_each(clock(), |db| async move {
        let market = Market::new(db);
        let owner = market.user(1).await;
        let id = market.open(&owner, store_at("Atlas", ALGIERS)).await.id;
        market.rename(&owner, id, "Aurès").await.unwrap();
        market.rename(&owner, id, "Aurès").await.unwrap();
        market.step(&owner, id, Step::Pause).await.unwrap();
        market.delete(&owner, id).await.unwrap();
        let sql = "SELECT kind, version FROM events WHERE topic = $1 ORDER BY id";
        let statement = market.db.dialect().statement(sql, [topic(id).into()]);
        let rows = market.db.read().query_all_raw(statement).await.unwrap();
        let events: Vec<(String, i64)> = rows
            .iter()
            .map(|row| {
                (
                    row.try_get("", "kind").unwrap(),
                    row.try_get("", "version").unwrap(),
                )
            })
            .collect();
        let changed = |version| ("store.changed".to_owned(), version);
        let expected = [
            changed(1),
            changed(2),
            changed(3),
            ("store.deleted".to_owned(), 4),
        ];
        assert_eq!(events, expected);
    })
    .await;
}

#[tokio::test]
async fn a_change_by_another_process_is_seen_once_its_event_is_read() {
    on_each(clock(), |db| async move {
        let market = Market::new(db.clone());
        let owner = market.user(1).await;
        let id = market.open(&owner, store_at("Atlas", ALGIERS)).await.id;
        let tasks = Tasks::default();
        let sealer = Sealer::new(Secret::new(b"resume".to_vec()));
        let (bus, config) = (Arc::new(LocalBus::default()), EventsConfig::default());
        let events = Events::start(db.clone(), sealer, bus, config, &tasks)
            .await
            .unwrap();
        let name = async || market.stores.get(db.read(), id).await.unwrap().name.clone();
        assert_eq!(name().await, "Atlas");

        // The rows of a change whose commit this process does not see.
        let change = "UPDATE stores SET name = 'Aurès', version = 2 WHERE id = $1";
        let event = "INSERT INTO events (topic, kind, aggregate, version, payload, created_at) \
                     VALUES ($2, 'store.changed', $1, 2, $3, 0)";
        let elsewhere = |tx: Tx| async move {
            let (conn, dialect) = (tx.conn(), tx.dialect());
            conn.execute_raw(dialect.statement(change, [id.uuid().into()]))
                .await?;
            let values = [id.uuid().into(), topic(id).into(), Vec::<u8>::new().into()];
            conn.execute_raw(dialect.statement(event, values)).await?;
            Ok(())
        };
        db.transact(elsewhere).await.unwrap();
        events.caught_up().await.unwrap();
        assert_eq!(name().await, "Aurès");
        assert!(tasks.stop(Duration::from_secs(10)).await);
    })
    .await;
}
