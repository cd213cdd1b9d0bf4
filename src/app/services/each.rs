//! How each service is built: whom it calls, and what the settings tell it.

use std::sync::Arc;

use super::Base;
use crate::config::{self, Config};
use crate::services::analytics::Analytics;
use crate::services::auth::{self, Auth, EndSessions, ForgetCredentials};
use crate::services::b2b::{self, B2b, ForgetTraders};
use crate::services::cart::{Carts, EmptyCarts};
use crate::services::catalog::{self, Catalog};
use crate::services::delivery::Delivery;
use crate::services::inventory::{Inventory, StockOfProducts};
use crate::services::media::{self, KeptPictures, Media};
use crate::services::ops::{Exposition, Health, Ops};
use crate::services::orders::{self, ForgetBuyers, Orders};
use crate::services::reels::{DeleteReels, ForgetComments, Reels, ReelsOfFiles, TakeLikesBack};
use crate::services::shipping::{self, Shipping};
use crate::services::stores::{self, Stores};
use crate::services::users::{Neighbours, Open, Users};

impl Base {
    pub(super) fn stores(&self, open: &Open, pictures: &Arc<KeptPictures>) -> Stores {
        let settings = stores::Settings {
            currency: self.config.market.currency,
            default_phone_country: self.config.market.phone_country.clone(),
        };
        let (db, sealer) = (self.db.clone(), self.sealer.clone());
        Stores::new(db, sealer, open.clone(), pictures.clone(), settings)
    }

    pub(super) fn users(
        &self,
        stores: &Stores,
        open: &Open,
        pictures: &Arc<KeptPictures>,
    ) -> Users {
        let neighbours = Neighbours {
            open: open.clone(),
            stores: Arc::new(stores.clone()),
            sessions: Arc::new(EndSessions),
            pictures: pictures.clone(),
            farewells: vec![
                Arc::new(EndSessions),
                Arc::new(ForgetCredentials),
                Arc::new(stores.clone()),
                Arc::new(DeleteReels),
                Arc::new(ForgetComments),
                Arc::new(EmptyCarts),
                Arc::new(ForgetBuyers),
                Arc::new(TakeLikesBack),
                Arc::new(ForgetTraders),
            ],
        };
        let phone_country = self.config.market.phone_country.clone();
        let (db, sealer) = (self.db.clone(), self.sealer.clone());
        Users::new(db, sealer, neighbours, phone_country)
    }

    pub(super) fn auth(&self, open: &Open, pictures: &Arc<KeptPictures>) -> Auth {
        let outside = auth::Outside {
            sms: self.sms.clone(),
            mail: self.mail.clone(),
            clerk: self.clerk.clone(),
            tally: Some(self.tally.clone()),
        };
        Auth::new(
            self.db.clone(),
            self.sealer.clone(),
            outside,
            open.clone(),
            pictures.clone(),
            of_auth(&self.config),
        )
    }

    pub(super) fn catalog(&self, stores: &Stores, pictures: &Arc<KeptPictures>) -> Catalog {
        let settings = catalog::Settings {
            currency: self.config.market.currency,
            strict_tiers: self.config.market.strict_tiers,
        };
        Catalog::new(
            self.db.clone(),
            self.sealer.clone(),
            stores.clone(),
            Arc::new(StockOfProducts),
            pictures.clone(),
            settings,
            self.cache.as_ref(),
        )
    }

    pub(super) fn inventory(&self, stores: &Stores, catalog: &Catalog) -> Inventory {
        Inventory::new(
            self.db.clone(),
            self.sealer.clone(),
            self.events.clone(),
            stores.clone(),
            catalog.clone(),
        )
    }

    pub(super) fn media(&self, stores: &Stores, catalog: &Catalog) -> Media {
        let bounds = media::Bounds {
            upload_lasts: self.config.media.upload_lasts,
            owner_bytes_max: self.config.media.owner_bytes_max,
        };
        Media::new(
            self.db.clone(),
            self.blobs.clone(),
            stores.clone(),
            catalog.clone(),
            vec![Arc::new(ReelsOfFiles)],
            bounds,
        )
    }

    pub(super) fn reels(&self, stores: &Stores, catalog: &Catalog, media: &Media) -> Reels {
        Reels::new(
            self.db.clone(),
            self.sealer.clone(),
            self.events.clone(),
            stores.clone(),
            catalog.clone(),
            media.clone(),
            &self.tasks,
        )
    }

    pub(super) fn analytics(&self, stores: &Stores, catalog: &Catalog) -> Analytics {
        Analytics::new(
            self.db.clone(),
            self.sealer.clone(),
            stores.clone(),
            catalog.clone(),
            self.config.market.currency,
            self.cache.as_ref(),
        )
    }

    pub(super) fn shipping(&self, stores: &Stores) -> Shipping {
        let settings = shipping::Settings {
            mode: match self.config.market.shipping {
                config::ShippingMode::Flat => shipping::Mode::Flat,
                config::ShippingMode::Table => shipping::Mode::Zones,
            },
            currency: self.config.market.currency,
        };
        Shipping::new(self.db.clone(), stores.clone(), settings)
    }

    pub(super) fn delivery(&self, stores: &Stores, shipping: &Shipping) -> Delivery {
        let (db, sealer) = (self.db.clone(), self.sealer.clone());
        Delivery::new(db, sealer, stores.clone(), shipping.clone())
    }

    pub(super) fn carts(&self, stores: &Stores, catalog: &Catalog) -> Carts {
        let currency = self.config.market.currency;
        Carts::new(self.db.clone(), stores.clone(), catalog.clone(), currency)
    }

    pub(super) fn orders(&self, stores: &Stores, catalog: &Catalog, shipping: &Shipping) -> Orders {
        let settings = orders::Settings {
            allow_adhoc_items: self.config.market.adhoc_items,
            currency: self.config.market.currency,
            default_phone_country: self.config.market.phone_country.clone(),
            confirm_within: self.config.market.confirm_within,
        };
        Orders::new(
            self.db.clone(),
            self.events.clone(),
            self.sealer.clone(),
            stores.clone(),
            catalog.clone(),
            shipping.clone(),
            settings,
        )
    }

    pub(super) fn b2b(&self, stores: &Stores, catalog: &Catalog, media: &Media) -> B2b {
        let settings = b2b::Settings {
            currency: self.config.market.currency,
            strict_tiers: self.config.market.strict_tiers,
            auction_min: self.config.market.auction_min,
            auction_extension: self.config.market.auction_extension,
        };
        B2b::new(
            self.db.clone(),
            self.sealer.clone(),
            self.events.clone(),
            stores.clone(),
            catalog.clone(),
            media.clone(),
            settings,
        )
    }

    pub(super) fn ops(&self, health: &Health) -> Ops {
        let told = self.metrics.clone();
        let told = told.map(|metrics| -> Exposition { Arc::new(move || metrics.render()) });
        let environment = self.config.environment.as_str();
        let (db, sealer) = (self.db.clone(), self.sealer.clone());
        Ops::new(db, sealer, health.clone(), told, environment)
    }
}

fn of_auth(config: &Config) -> auth::Settings {
    auth::Settings {
        otp_secret: config.secrets.otp.clone(),
        otp_dev_code: config
            .auth
            .otp_dev_code
            .as_ref()
            .map(|code| code.expose().clone()),
        jwt_secret: config.secrets.jwt.clone(),
        signing_key: config.keys.private.clone(),
        previous_keys: config.keys.previous.clone(),
        issuer: "souk".to_owned(),
        audience: "souk".to_owned(),
        access_ttl: config.auth.access_ttl,
        session_ttl: config.auth.refresh_ttl,
        session_policy: match config.auth.sessions {
            config::SessionPolicy::Single => auth::SessionPolicy::Single,
            config::SessionPolicy::Multi => auth::SessionPolicy::Multi,
        },
        sms_daily_limit: config.sms.daily_limit,
        phone_country: config.market.phone_country.clone(),
        accounts: of_accounts(&config.auth),
    }
}

fn of_accounts(config: &config::Auth) -> auth::EmailAccounts {
    auth::EmailAccounts {
        client_url: config.client_url.clone(),
        bootstrap_token: config.bootstrap_token.clone(),
        admin_signup: config.admin_signup,
        hashers: config.password_hashers,
    }
}
