//! A product and what may change of it. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Product;
use super::state::Status;
use crate::db::JsonText;
use crate::kernel::id::{CategoryId, ImageId, ProductId, StoreId, UserId};
use crate::kernel::text::fold;
use crate::kernel::{Currency, Error, Result, Time};
use crate::services::users::SellerCategory;

/// A picture of a product. The first of a product's pictures stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its id.
    pub id: Uuid,
    /// Where it is.
    pub url: String,
}

/// What is to change; absent parts stay. An inner `None` empties the part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// The name, 3 to 200 characters.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The price of one piece in minor units.
    pub price: Option<i64>,
    /// The price before a reduction.
    pub original_price: Option<Option<i64>>,
    /// When the reduction ends.
    pub promo_ends_at: Option<Option<Time>>,
    /// The category, and its name for the search.
    pub category: Option<Option<(CategoryId, String)>>,
    /// The brand.
    pub brand: Option<String>,
    /// The kind of product in the seller's own words.
    pub kind: Option<String>,
    /// The seller's article number.
    pub sku: Option<String>,
    /// The weight of one piece in kilograms.
    pub weight: Option<Option<f64>>,
    /// The smallest quantity of one order.
    pub min_order_quantity: Option<i32>,
    /// Addresses of all pictures, in their order.
    pub images: Option<Vec<String>>,
    /// Free words that help to find it.
    pub tags: Option<Vec<String>>,
    /// Technical data by name.
    pub specifications: Option<BTreeMap<String, String>>,
    /// What it does for the buyer.
    pub benefits: Option<String>,
    /// What it is made of.
    pub ingredients: Option<String>,
    /// How it is used.
    pub usage: Option<String>,
    /// Note on delivery.
    pub delivery_note: Option<String>,
    /// Note on returns.
    pub returns_note: Option<String>,
    /// Note on payment.
    pub payment_note: Option<String>,
}

impl Product {
    /// A draft of which nothing is filled in yet.
    pub(super) fn blank(
        store: StoreId,
        seller: UserId,
        currency: Currency,
        store_visible: bool,
        now: Time,
    ) -> Self {
        Self {
            id: ProductId::new(now).uuid(),
            store_id: store.uuid(),
            seller_id: seller.uuid(),
            category_id: None,
            status: Status::Draft.as_str().to_owned(),
            slug: String::new(),
            name: String::new(),
            name_key: String::new(),
            description: String::new(),
            search_text: String::new(),
            brand: String::new(),
            brand_key: String::new(),
            kind: String::new(),
            sku: String::new(),
            price: 0,
            price_override: None,
            original_price: None,
            currency: currency.to_string(),
            promo_ends_at: None,
            weight: None,
            min_order_quantity: 1,
            images: JsonText::default(),
            tags: JsonText::default(),
            specifications: JsonText::default(),
            benefits: String::new(),
            ingredients: String::new(),
            usage: String::new(),
            delivery_note: String::new(),
            returns_note: String::new(),
            payment_note: String::new(),
            in_stock: false,
            store_visible,
            tier: String::new(),
            featured: false,
            rating: 0.0,
            views: 0,
            version: 1,
            published_at: None,
            created_at: now.micros(),
            updated_at: now.micros(),
            deleted_at: None,
        }
    }

    /// The typed id.
    pub fn product_id(&self) -> ProductId {
        self.id.into()
    }

    /// The store that sells it.
    pub fn store(&self) -> StoreId {
        self.store_id.into()
    }

    /// The owner of that store.
    pub fn seller(&self) -> UserId {
        self.seller_id.into()
    }

    /// The tier of its seller when the row was read. A cached product may be older than
    /// a change of it.
    pub fn tier(&self) -> Option<SellerCategory> {
        SellerCategory::from_word(&self.tier)
    }

    /// Where it is in its life. The table knows no other word; if it did, it would not be
    /// for sale.
    pub fn status(&self) -> Status {
        Status::from_word(&self.status).unwrap_or(Status::Inactive)
    }

    /// Whether it is on sale, to those who see the products of its seller.
    pub fn is_on_sale(&self) -> bool {
        self.status() == Status::Active && self.store_visible
    }

    /// What a buyer pays for one piece, in minor units: the store's own price when its
    /// stock record has one.
    pub fn sale_price(&self) -> i64 {
        self.price_override.unwrap_or(self.price)
    }

    /// The price before the reduction, when there is one.
    pub fn price_before(&self) -> Option<i64> {
        self.original_price
            .filter(|before| *before >= self.sale_price())
    }

    /// Whether it is sold below its former price now.
    pub fn is_promo(&self, now: Time) -> bool {
        let reduced = self
            .price_before()
            .is_some_and(|before| before > self.sale_price());
        reduced && self.promo_ends_at.is_none_or(|end| now.micros() < end)
    }

    /// Makes the changes.
    ///
    /// # Errors
    /// VALIDATION_ERROR that names every field at fault.
    pub(super) fn change(&mut self, changes: &Changes, category: &str, now: Time) -> Result<()> {
        self.change_texts(changes);
        self.change_offer(changes);
        if let Some(urls) = &changes.images {
            self.change_images(urls, now);
        }
        if let Some(category) = &changes.category {
            self.category_id = category.as_ref().map(|(id, _)| id.uuid());
        }
        let category = match &changes.category {
            Some(chosen) => chosen.as_ref().map_or("", |(_, name)| name),
            None => category,
        };
        self.name_key = fold(&self.name);
        self.brand_key = fold(&self.brand);
        let words = [
            &self.brand,
            &self.tags.0.join(" "),
            category,
            &self.description,
        ];
        self.search_text = fold(&words.join(" "));
        self.check()
    }

    fn change_texts(&mut self, changes: &Changes) {
        set_trimmed(&mut self.name, changes.name.as_deref());
        set_trimmed(&mut self.description, changes.description.as_deref());
        set_trimmed(&mut self.brand, changes.brand.as_deref());
        set_trimmed(&mut self.kind, changes.kind.as_deref());
        set_trimmed(&mut self.sku, changes.sku.as_deref());
        set_trimmed(&mut self.benefits, changes.benefits.as_deref());
        set_trimmed(&mut self.ingredients, changes.ingredients.as_deref());
        set_trimmed(&mut self.usage, changes.usage.as_deref());
        set_trimmed(&mut self.delivery_note, changes.delivery_note.as_deref());
        set_trimmed(&mut self.returns_note, changes.returns_note.as_deref());
        set_trimmed(&mut self.payment_note, changes.payment_note.as_deref());
        if let Some(tags) = &changes.tags {
            self.tags = JsonText(tags.clone());
        }
        if let Some(specifications) = &changes.specifications {
            self.specifications = JsonText(specifications.clone());
        }
    }

    fn change_offer(&mut self, changes: &Changes) {
        self.price = changes.price.unwrap_or(self.price);
        self.weight = changes.weight.unwrap_or(self.weight);
        self.min_order_quantity = changes
            .min_order_quantity
            .unwrap_or(self.min_order_quantity);
        if let Some(original) = changes.original_price {
            self.original_price = original;
        }
        if let Some(end) = changes.promo_ends_at {
            self.promo_ends_at = end.map(Time::micros);
        } else if self.original_price.is_none() {
            self.promo_ends_at = None;
        }
    }

    /// Pictures that stay keep their id.
    fn change_images(&mut self, urls: &[String], now: Time) {
        let before = std::mem::take(&mut self.images.0);
        let image = |url: &String| Image {
            id: before
                .iter()
                .find(|image| image.url == *url)
                .map_or_else(|| ImageId::new(now).uuid(), |image| image.id),
            url: url.clone(),
        };
        self.images = JsonText(urls.iter().map(image).collect());
    }

    fn check(&self) -> Result<()> {
        let mut wrong = Vec::new();
        let mut add = |field: &str, message: &str| {
            wrong.push(crate::kernel::Violation {
                field: field.to_owned(),
                message: message.to_owned(),
            });
        };
        if self.name.chars().count() < 3 {
            add("name", "must have at least 3 characters");
        }
        if self
            .original_price
            .is_some_and(|before| before < self.price)
        {
            add("originalPrice", "must not be below the price");
        }
        if self.promo_ends_at.is_some() && self.original_price.is_none() {
            add("promoEndsAt", "needs a price before the reduction");
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Error::fields(wrong))
    }
}

fn set_trimmed(text: &mut String, new: Option<&str>) {
    if let Some(new) = new {
        *text = new.trim().to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_780_000_000_000_000);

    fn product() -> Product {
        let mut product = Product::blank(
            StoreId::new(NOW),
            UserId::new(NOW),
            Currency::DZD,
            true,
            NOW,
        );
        let changes = Changes {
            name: Some("  Huile d'Argan ".to_owned()),
            price: Some(1000),
            brand: Some("Éclat".to_owned()),
            tags: Some(vec!["bio".to_owned()]),
            images: Some(vec!["https://a".to_owned(), "https://b".to_owned()]),
            ..Changes::default()
        };
        product.change(&changes, "Soins", NOW).unwrap();
        product
    }

    #[test]
    fn words_are_folded_for_the_search() {
        let product = product();
        assert_eq!(product.name, "Huile d'Argan");
        assert_eq!(product.name_key, "huile d argan");
        assert_eq!(product.search_text, "eclat bio soins");
    }

    #[test]
    fn a_reduction_is_checked_against_the_price_and_ends_in_time() {
        let mut product = product();
        let wrong = Changes {
            original_price: Some(Some(999)),
            promo_ends_at: Some(Some(NOW)),
            ..Changes::default()
        };
        let refused = product.clone().change(&wrong, "", NOW).unwrap_err();
        assert_eq!(refused.violations()[0].field, "originalPrice");
        let right = Changes {
            original_price: Some(Some(1500)),
            promo_ends_at: Some(Some(NOW)),
            ..Changes::default()
        };
        product.change(&right, "", NOW).unwrap();
        assert!(!product.is_promo(NOW));
        assert!(product.is_promo(NOW - std::time::Duration::from_secs(1)));
        let cleared = Changes {
            original_price: Some(None),
            ..Changes::default()
        };
        product.change(&cleared, "", NOW).unwrap();
        assert_eq!(product.promo_ends_at, None);
    }

    #[test]
    fn the_stores_own_price_is_what_a_buyer_pays() {
        let mut product = product();
        product.original_price = Some(1200);
        for (own, pays, before) in [
            (None, 1000, Some(1200)),
            (Some(800), 800, Some(1200)),
            (Some(1300), 1300, None),
        ] {
            product.price_override = own;
            assert_eq!(
                (product.sale_price(), product.price_before()),
                (pays, before)
            );
        }
    }

    #[test]
    fn pictures_that_stay_keep_their_id() {
        let mut product = product();
        let second = product.images.0[1].clone();
        let changes = Changes {
            images: Some(vec!["https://b".to_owned(), "https://c".to_owned()]),
            ..Changes::default()
        };
        product.change(&changes, "", NOW).unwrap();
        assert_eq!(product.images.0[0], second);
        assert_ne!(product.images.0[1].id, second.id);
    }
}
