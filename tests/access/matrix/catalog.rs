//! Who may call what of the catalog.

use super::Refusal::{Denied, Hidden};
use super::{ADMIN, EVERYONE, Row, SIGNED_IN, STORE, row};

pub const ROWS: &[Row] = &[
    row("CatalogService/ListCategories", "{}", EVERYONE, Denied),
    row(
        "CatalogService/GetCategory",
        r#"{"id":"$category"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "CatalogService/CreateCategory",
        r#"{"name":"Spices"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "CatalogService/UpdateCategory",
        r#"{"id":"$category","name":"Tea"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "CatalogService/DeleteCategory",
        r#"{"id":"$category"}"#,
        ADMIN,
        Denied,
    ),
    row("CatalogService/ListBrands", "{}", EVERYONE, Denied),
    row(
        "CatalogService/ListProducts",
        r#"{"category":"$shelf"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "CatalogService/SearchProducts",
        r#"{"q":"couscous"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "CatalogService/ListFeaturedProducts",
        "{}",
        EVERYONE,
        Denied,
    ),
    row("CatalogService/ListMyProducts", "{}", SIGNED_IN, Denied),
    row(
        "CatalogService/GetProduct",
        r#"{"id":"$product"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "CatalogService/GetProductBySlug",
        r#"{"slug":"$slug"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "CatalogService/CreateProduct",
        r#"{"storeId":"$store","name":"Mint tea","price":100}"#,
        STORE,
        Hidden,
    ),
    row(
        "CatalogService/UpdateProduct",
        r#"{"id":"$product","name":"Couscous fin"}"#,
        STORE,
        Denied,
    ),
    row(
        "CatalogService/PublishProduct",
        r#"{"id":"$product"}"#,
        STORE,
        Denied,
    ),
    row(
        "CatalogService/UnpublishProduct",
        r#"{"id":"$product"}"#,
        STORE,
        Denied,
    ),
    row(
        "CatalogService/SetProductFeatured",
        r#"{"id":"$product","featured":true}"#,
        ADMIN,
        Denied,
    ),
    row(
        "CatalogService/DeleteProduct",
        r#"{"id":"$product"}"#,
        STORE,
        Denied,
    )
    .alone(),
    row(
        "CatalogService/RemoveProductImage",
        r#"{"id":"$product","imageId":"$image"}"#,
        STORE,
        Denied,
    )
    .alone(),
];
