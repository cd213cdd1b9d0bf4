//! Products, categories and brands on the wire.

use std::time::Duration;

use prost::Message;

use super::list::{Among, Brand, Filter, Sort};
use super::tree::Tree;
use super::write::{NewProduct, Update};
use super::{Category, Changes, Product, Sight, Status, categories};
use crate::grpc;
use crate::grpc::convert::{time_from_pb, time_to_pb};
use crate::kernel::id::{CategoryId, ImageId, ProductId, StoreId, UserId};
use crate::kernel::text::fold;
use crate::kernel::{Error, Result, Time};
use crate::pb::Timestamp;
use crate::pb::souk::catalog::v1 as pb;
use pb::list_products_request::Sort as PbSort;
use pb::product::Status as PbStatus;
use pb::update_product_request::Clearable;

/// How long a product counts as new.
const NEW_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A product as it is at `now`; `category` is the name of its category.
pub fn product_to_pb(product: &Product, category: &str, now: Time) -> pb::Product {
    let published = product.published_at.map(Time::from_micros);
    pb::Product {
        id: ProductId::from(product.id).to_string(),
        slug: product.slug.clone(),
        store_id: StoreId::from(product.store_id).to_string(),
        seller_id: UserId::from(product.seller_id).to_string(),
        name: product.name.clone(),
        description: product.description.clone(),
        brand: product.brand.clone(),
        category_id: product
            .category_id
            .map(|id| CategoryId::from(id).to_string())
            .unwrap_or_default(),
        category: category.to_owned(),
        r#type: product.kind.clone(),
        price: product.sale_price(),
        original_price: product.price_before(),
        currency: product.currency.clone(),
        sku: product.sku.clone(),
        weight: product.weight,
        min_order_quantity: product.min_order_quantity,
        tags: product.tags.0.clone(),
        specifications: product.specifications.0.clone(),
        images: images_to_pb(product),
        in_stock: product.in_stock,
        is_new: published.is_some_and(|since| now.since(since) < NEW_FOR),
        is_promo: product.is_promo(now),
        promo_ends_at: product.promo_ends_at.map(instant),
        featured: product.featured,
        rating: product.rating,
        views: product.views,
        benefits: product.benefits.clone(),
        ingredients: product.ingredients.clone(),
        usage: product.usage.clone(),
        delivery_note: product.delivery_note.clone(),
        returns_note: product.returns_note.clone(),
        payment_note: product.payment_note.clone(),
        status: status_to_pb(product.status()).into(),
        version: i32::try_from(product.version).unwrap_or(i32::MAX),
        created_at: Some(instant(product.created_at)),
        updated_at: Some(instant(product.updated_at)),
    }
}

fn images_to_pb(product: &Product) -> Vec<pb::ProductImage> {
    let images = product.images.0.iter().zip(0_i32..);
    images
        .map(|(image, position)| pb::ProductImage {
            id: ImageId::from(image.id).to_string(),
            url: image.url.clone(),
            primary: position == 0,
            position,
        })
        .collect()
}

/// What those who follow a product receive of a change.
pub fn event(product: &Product, now: Time) -> Vec<u8> {
    product_to_pb(product, "", now).encode_to_vec()
}

/// What those who follow a category receive of a change.
pub fn category_event(category: &Category) -> Vec<u8> {
    category_to_pb(category).encode_to_vec()
}

/// A category.
pub fn category_to_pb(category: &Category) -> pb::Category {
    pb::Category {
        id: CategoryId::from(category.id).to_string(),
        parent_id: category
            .parent_id
            .map(|id| CategoryId::from(id).to_string())
            .unwrap_or_default(),
        name: category.name.clone(),
        slug: category.slug.clone(),
        description: category.description.clone(),
        image_url: category.image_url.clone(),
        position: category.position,
        created_at: Some(instant(category.created_at)),
        updated_at: Some(instant(category.updated_at)),
    }
}

/// A brand.
pub fn brand_to_pb(brand: Brand) -> pb::Brand {
    pb::Brand {
        name: brand.name,
        product_count: i32::try_from(brand.products).unwrap_or(i32::MAX),
    }
}

/// A product to be made, in an already found category.
pub fn new_product(
    request: pb::CreateProductRequest,
    category: Option<(CategoryId, String)>,
) -> Result<NewProduct> {
    let promo_ends_at = time("promoEndsAt", request.promo_ends_at.as_ref())?;
    let currency = request.currency.map(|code| code.parse()).transpose();
    Ok(NewProduct {
        slug: request.slug,
        currency: currency.map_err(|_| Error::field("currency", "must be an ISO 4217 code"))?,
        stock: request.stock,
        enabled: request.in_stock.unwrap_or(true),
        draft: request.draft,
        content: Changes {
            name: Some(request.name),
            description: Some(request.description),
            price: Some(request.price),
            original_price: Some(request.original_price),
            promo_ends_at: Some(promo_ends_at),
            category: Some(category),
            brand: Some(request.brand),
            kind: Some(request.r#type),
            sku: Some(request.sku),
            weight: Some(request.weight),
            min_order_quantity: request.min_order_quantity,
            images: Some(request.images),
            tags: Some(request.tags),
            specifications: Some(request.specifications),
            benefits: Some(request.benefits),
            ingredients: Some(request.ingredients),
            usage: Some(request.usage),
            delivery_note: Some(request.delivery_note),
            returns_note: Some(request.returns_note),
            payment_note: Some(request.payment_note),
        },
    })
}

/// What is to change of a product. Lists that are empty stay as they are, unless they are
/// among the fields to empty.
pub fn update(
    request: pb::UpdateProductRequest,
    category: Option<Option<(CategoryId, String)>>,
) -> Result<Update> {
    let promo_ends_at = time("promoEndsAt", request.promo_ends_at.as_ref())?;
    let cleared: Vec<Clearable> = request.clear().collect();
    let mut content = Changes {
        name: request.name,
        description: request.description,
        price: request.price,
        original_price: request.original_price.map(Some),
        promo_ends_at: promo_ends_at.map(Some),
        category,
        brand: request.brand,
        kind: request.r#type,
        sku: request.sku,
        weight: request.weight.map(Some),
        min_order_quantity: request.min_order_quantity,
        images: Some(request.images).filter(|images| !images.is_empty()),
        tags: Some(request.tags).filter(|tags| !tags.is_empty()),
        specifications: Some(request.specifications).filter(|data| !data.is_empty()),
        benefits: request.benefits,
        ingredients: request.ingredients,
        usage: request.usage,
        delivery_note: request.delivery_note,
        returns_note: request.returns_note,
        payment_note: request.payment_note,
    };
    for field in cleared {
        match field {
            Clearable::Unspecified => {}
            Clearable::OriginalPrice => content.original_price = Some(None),
            Clearable::PromoEndsAt => content.promo_ends_at = Some(None),
            Clearable::Weight => content.weight = Some(None),
            Clearable::Images => content.images = Some(Vec::new()),
            Clearable::Tags => content.tags = Some(Vec::new()),
            Clearable::Specifications => content.specifications = Some(Default::default()),
        }
    }
    Ok(Update {
        content,
        stock: request.stock,
        enabled: request.in_stock,
    })
}

/// A category to be made.
pub fn new_category(request: pb::CreateCategoryRequest) -> Result<categories::Changes> {
    Ok(categories::Changes {
        name: Some(request.name),
        parent: Some(grpc::optional_id("parentId", &request.parent_id)?),
        slug: request.slug,
        description: Some(request.description),
        image_url: Some(request.image_url),
        position: Some(request.position),
    })
}

/// What is to change of a category.
pub fn category_changes(request: pb::UpdateCategoryRequest) -> Result<categories::Changes> {
    let parent = request.parent_id.as_deref();
    Ok(categories::Changes {
        name: request.name,
        parent: parent
            .map(|id| grpc::optional_id("parentId", id))
            .transpose()?,
        slug: request.slug,
        description: request.description,
        image_url: request.image_url,
        position: request.position,
    })
}

/// The category that a word names; nothing for no word.
///
/// # Errors
/// NOT_FOUND for an unknown one.
pub fn category(word: &str, tree: &Tree) -> Result<Option<(CategoryId, String)>> {
    if word.trim().is_empty() {
        return Ok(None);
    }
    let found = tree.named(word).ok_or_else(categories::not_found)?;
    Ok(Some((found.id.into(), found.name.clone())))
}

/// The products on sale that a request asks for, of those that the caller sees. An unknown
/// category holds nothing.
pub fn filter(request: &pb::ListProductsRequest, tree: &Tree, sight: Sight) -> Result<Filter> {
    let (words, category) = (request.search.trim(), request.category.trim());
    let categories = (!category.is_empty()).then(|| {
        let found = tree.named(category);
        found
            .map(|found| tree.subtree(found.id.into()))
            .unwrap_or_default()
    });
    Ok(Filter {
        words: (!words.is_empty()).then(|| fold(words)),
        categories,
        brand: (!request.brand.is_empty()).then(|| fold(&request.brand)),
        seller: grpc::optional_id("sellerId", &request.seller_id)?,
        store: grpc::optional_id("storeId", &request.store_id)?,
        min_price: request.min_price,
        max_price: request.max_price,
        in_stock: request.in_stock,
        ..Filter::all(Among::OnSale {
            sight,
            featured: false,
        })
    })
}

/// A search is a list with words.
pub fn search_to_list(request: pb::SearchProductsRequest) -> pb::ListProductsRequest {
    pb::ListProductsRequest {
        search: request.q,
        category: request.category,
        brand: request.brand,
        seller_id: String::new(),
        store_id: request.store_id,
        min_price: request.min_price,
        max_price: request.max_price,
        in_stock: request.in_stock,
        sort: request.sort,
        limit: request.limit,
        page_token: request.page_token,
        page: request.page,
    }
}

/// The order that a request asks for; without one, that of relevance where words are
/// searched.
///
/// # Errors
/// VALIDATION_ERROR for relevance without words.
pub fn sort(sort: PbSort, words: &str) -> Result<Sort> {
    match sort {
        PbSort::Unspecified if words.is_empty() => Ok(Sort::Newest),
        PbSort::Relevance if words.is_empty() => {
            Err(Error::field("sort", "RELEVANCE needs search words"))
        }
        PbSort::Unspecified | PbSort::Relevance => Ok(Sort::Relevance),
        PbSort::Newest => Ok(Sort::Newest),
        PbSort::PriceAsc => Ok(Sort::PriceUp),
        PbSort::PriceDesc => Ok(Sort::PriceDown),
        PbSort::Name => Ok(Sort::Name),
    }
}

/// The status that a filter names; none for any.
pub const fn status(status: PbStatus) -> Option<Status> {
    match status {
        PbStatus::Unspecified => None,
        PbStatus::Draft => Some(Status::Draft),
        PbStatus::Active => Some(Status::Active),
        PbStatus::Inactive => Some(Status::Inactive),
        PbStatus::Deleted => Some(Status::Deleted),
    }
}

const fn status_to_pb(status: Status) -> PbStatus {
    match status {
        Status::Draft => PbStatus::Draft,
        Status::Active => PbStatus::Active,
        Status::Inactive => PbStatus::Inactive,
        Status::Deleted => PbStatus::Deleted,
    }
}

fn time(field: &str, time: Option<&Timestamp>) -> Result<Option<Time>> {
    let wrong = || Error::field(field, "is not a time");
    time.map(|time| time_from_pb(time).ok_or_else(wrong))
        .transpose()
}

fn instant(micros: i64) -> Timestamp {
    time_to_pb(Time::from_micros(micros))
}
