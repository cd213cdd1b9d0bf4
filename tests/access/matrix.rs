//! Who may call what: one row for every RPC of the contract. `tests/contract.rs` fails
//! when a row is missing; `tests/it/access.rs` plays every row.
//!
//! The cast: `Guest` has no token; `Buyer` placed the order, owns the cart line, the
//! address and the session; `Stranger` is another customer; `Seller` owns the store with
//! its product and stock; `Rival` owns another store; `Staff` belongs to the seller's
//! store; `Admin` runs the marketplace.

use Refusal::{Denied, Hidden};
use Who::{Admin, Buyer, Guest, Rival, Seller, Staff, Stranger};

/// A kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Guest,
    Buyer,
    Stranger,
    Seller,
    Rival,
    Staff,
    Admin,
}

pub const EVERYONE: &[Who] = &[Guest, Buyer, Stranger, Seller, Rival, Staff, Admin];
const SIGNED_IN: &[Who] = &[Buyer, Stranger, Seller, Rival, Staff, Admin];
const STORE: &[Who] = &[Seller, Staff, Admin];
const OWNER: &[Who] = &[Seller, Admin];
const ADMIN: &[Who] = &[Admin];

/// What the others get. A guest gets UNAUTHENTICATED wherever the policy asks for
/// sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// NOT_FOUND, word for word as for an id that does not exist.
    Hidden,
    /// PERMISSION_DENIED: the thing is public, the act is not theirs.
    Denied,
}

/// One RPC.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Service and method, without the package.
    pub rpc: &'static str,
    /// The request as JSON; `$order`, `$store`, … stand for ids of the fixture.
    pub request: &'static str,
    /// Who may.
    pub allowed: &'static [Who],
    /// What the others get.
    pub refusal: Refusal,
    /// Of the others, who knows the thing and is told that the act is not theirs.
    pub knowing: &'static [Who],
}

impl Row {
    const fn knowing(self, knowing: &'static [Who]) -> Self {
        Self { knowing, ..self }
    }
}

const fn row(
    rpc: &'static str,
    request: &'static str,
    allowed: &'static [Who],
    refusal: Refusal,
) -> Row {
    Row {
        rpc,
        request,
        allowed,
        refusal,
        knowing: &[],
    }
}

pub const MATRIX: &[Row] = &[
    row(
        "AuthService/RequestOtp",
        r#"{"phone":"0551999999"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "AuthService/VerifyOtp",
        r#"{"phone":"0551999998","otp":"000000"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "AuthService/RefreshToken",
        r#"{"refreshToken":"$refresh"}"#,
        EVERYONE,
        Denied,
    ),
    row("AuthService/Logout", "{}", SIGNED_IN, Denied),
    row("AuthService/LogoutAll", "{}", SIGNED_IN, Denied),
    row("AuthService/ListSessions", "{}", SIGNED_IN, Denied),
    row(
        "AuthService/RevokeSession",
        r#"{"id":"$session"}"#,
        &[Buyer],
        Hidden,
    ),
    row(
        "AuthService/Register",
        r#"{"email":"new@example.dz","password":"rain on the tin roof"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "AuthService/Login",
        r#"{"email":"nobody@example.dz","password":"rain on the tin roof"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "AuthService/ChangePassword",
        r#"{"newPassword":"rain on the tin roof"}"#,
        SIGNED_IN,
        Denied,
    ),
    row(
        "AuthService/RequestPasswordReset",
        r#"{"email":"nobody@example.dz"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "AuthService/ResetPassword",
        r#"{"token":"wrong","newPassword":"rain on the tin roof"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "AuthService/RequestEmailVerification",
        r#"{}"#,
        SIGNED_IN,
        Denied,
    ),
    row(
        "AuthService/VerifyEmail",
        r#"{"token":"wrong"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "AuthService/RequestPhoneChange",
        r#"{"phone":"0551999997"}"#,
        SIGNED_IN,
        Denied,
    ),
    row(
        "AuthService/ConfirmPhoneChange",
        r#"{"phone":"0551999997","otp":"000000"}"#,
        SIGNED_IN,
        Denied,
    ),
    row("AuthService/SignInWithClerk", r#"{}"#, SIGNED_IN, Denied),
    row(
        "AuthService/SyncRole",
        r#"{"role":"FREELANCER"}"#,
        &[Buyer, Stranger, Seller, Rival, Staff],
        Denied,
    ),
    row("AuthService/HandleClerkWebhook", r#"{}"#, EVERYONE, Denied),
    row("AuthService/GetJwks", r#"{}"#, EVERYONE, Denied),
    row("UserService/GetMe", "{}", SIGNED_IN, Denied),
    row(
        "UserService/UpdateMe",
        r#"{"name":"Amine"}"#,
        SIGNED_IN,
        Denied,
    ),
    row("UserService/DeleteMe", "{}", SIGNED_IN, Denied),
    row(
        "UserService/GetPublicProfile",
        r#"{"id":"$buyer"}"#,
        EVERYONE,
        Hidden,
    ),
    row("UserService/ListAddresses", "{}", SIGNED_IN, Denied),
    row(
        "UserService/GetAddress",
        r#"{"id":"$address"}"#,
        &[Buyer],
        Hidden,
    ),
    row(
        "UserService/CreateAddress",
        r#"{"title":"Home","address":{"street":"1 Rue Didouche Mourad","city":"Alger"}}"#,
        SIGNED_IN,
        Denied,
    ),
    row(
        "UserService/UpdateAddress",
        r#"{"id":"$address","title":"Work"}"#,
        &[Buyer],
        Hidden,
    ),
    row(
        "UserService/DeleteAddress",
        r#"{"id":"$address"}"#,
        &[Buyer],
        Hidden,
    ),
    row(
        "UserService/SetDefaultAddress",
        r#"{"id":"$address"}"#,
        &[Buyer],
        Hidden,
    ),
    row("UserService/ListUsers", r#"{}"#, ADMIN, Denied),
    row("UserService/GetUser", r#"{"id":"$buyer"}"#, ADMIN, Denied),
    row(
        "UserService/CreateUser",
        r#"{"phone":"0551999996"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/UpdateUser",
        r#"{"id":"$stranger","name":"Yacine"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/SetUserRole",
        r#"{"id":"$stranger","role":"FREELANCER"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/DeactivateUser",
        r#"{"id":"$stranger"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/ActivateUser",
        r#"{"id":"$stranger"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/SetSellerCategory",
        r#"{"id":"$seller","sellerCategory":"GROSSISTE"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/VerifySeller",
        r#"{"id":"$seller","isVerified":true}"#,
        ADMIN,
        Denied,
    ),
    row(
        "StoreService/CreateStore",
        r#"{"name":"Another","address":{"latitude":36.7,"longitude":3.0}}"#,
        SIGNED_IN,
        Denied,
    ),
    row(
        "StoreService/GetStore",
        r#"{"id":"$store"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "StoreService/UpdateStore",
        r#"{"id":"$store","description":"New"}"#,
        STORE,
        Denied,
    ),
    row(
        "StoreService/SetOpeningHours",
        r#"{"id":"$store","openingHours":{}}"#,
        STORE,
        Denied,
    ),
    row(
        "StoreService/PauseStore",
        r#"{"id":"$store"}"#,
        STORE,
        Denied,
    ),
    row(
        "StoreService/ResumeStore",
        r#"{"id":"$store"}"#,
        STORE,
        Denied,
    ),
    row(
        "StoreService/DeleteStore",
        r#"{"id":"$store"}"#,
        OWNER,
        Denied,
    ),
    row(
        "StoreService/SuspendStore",
        r#"{"id":"$store"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "StoreService/AddManager",
        r#"{"storeId":"$store","userId":"$stranger","role":"STAFF"}"#,
        OWNER,
        Denied,
    ),
    row(
        "StoreService/RemoveManager",
        r#"{"storeId":"$store","userId":"$staff"}"#,
        &[Staff, Seller, Admin],
        Denied,
    ),
    row(
        "StoreService/ListManagers",
        r#"{"storeId":"$store"}"#,
        STORE,
        Denied,
    ),
    row("StoreService/SearchStores", "{}", EVERYONE, Denied),
    row(
        "StoreService/ListNearbyStores",
        r#"{"latitude":36.75,"longitude":3.05}"#,
        EVERYONE,
        Denied,
    ),
    row("StoreService/ListMyStores", "{}", SIGNED_IN, Denied),
    row(
        "StoreService/GetStoreAvailability",
        r#"{"id":"$store"}"#,
        EVERYONE,
        Hidden,
    ),
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
    row("CatalogService/ListProducts", "{}", EVERYONE, Denied),
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
    ),
    row(
        "CatalogService/RemoveProductImage",
        r#"{"id":"$product","imageId":"$image"}"#,
        STORE,
        Denied,
    ),
    row(
        "InventoryService/GetAvailability",
        r#"{"productId":"$product"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "InventoryService/ListStock",
        r#"{"storeId":"$store"}"#,
        STORE,
        Hidden,
    ),
    row(
        "InventoryService/ListLowStock",
        r#"{"storeId":"$store"}"#,
        STORE,
        Hidden,
    ),
    row(
        "InventoryService/GetStock",
        r#"{"id":"$stock"}"#,
        STORE,
        Hidden,
    ),
    row(
        "InventoryService/SetStock",
        r#"{"id":"$stock","onHand":7}"#,
        STORE,
        Hidden,
    ),
    row(
        "InventoryService/AdjustStock",
        r#"{"id":"$stock","delta":1,"reason":"RESTOCK"}"#,
        STORE,
        Hidden,
    ),
    row(
        "InventoryService/ListStockMovements",
        r#"{"id":"$stock"}"#,
        STORE,
        Hidden,
    ),
    row(
        "InventoryService/Reserve",
        r#"{"lines":[{"storeId":"$store","productId":"$product","quantity":1}]}"#,
        ADMIN,
        Denied,
    ),
    row(
        "InventoryService/Commit",
        r#"{"id":"$reservation"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "InventoryService/Release",
        r#"{"id":"$reservation"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "InventoryService/ListReservations",
        r#"{"storeId":"$store"}"#,
        STORE,
        Hidden,
    ),
    row(
        "InventoryService/WatchInventory",
        r#"{"storeId":"$store"}"#,
        STORE,
        Hidden,
    ),
    row("CartService/GetCart", "{}", SIGNED_IN, Denied),
    row(
        "CartService/AddItem",
        r#"{"productId":"$product","quantity":1}"#,
        SIGNED_IN,
        Denied,
    ),
    row(
        "CartService/UpdateItem",
        r#"{"id":"$line","quantity":2}"#,
        &[Buyer],
        Hidden,
    ),
    row(
        "CartService/RemoveItem",
        r#"{"id":"$line"}"#,
        &[Buyer],
        Hidden,
    ),
    row("CartService/ClearCart", "{}", SIGNED_IN, Denied),
    row("CartService/ValidateCart", "{}", SIGNED_IN, Denied),
    row("CartService/GetCartSummary", "{}", SIGNED_IN, Denied),
    row("CartService/GetCartCount", "{}", SIGNED_IN, Denied),
    row(
        "OrderService/PlaceOrder",
        r#"{"items":[{"productId":"$product","quantity":1}],"customerName":"Amine B","customerPhone":"0551000000","customerWilaya":"16","shippingAddress":"12 Rue Didouche Mourad"}"#,
        &[Guest, Buyer, Stranger, Rival, Staff, Admin],
        Denied,
    ),
    row(
        "OrderService/QuoteOrder",
        r#"{"items":[{"productId":"$product","quantity":1}],"customerWilaya":"16"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "OrderService/GetOrder",
        r#"{"id":"$order"}"#,
        &[Buyer, Seller, Staff, Admin],
        Hidden,
    ),
    row(
        "OrderService/GetOrderByNumber",
        r#"{"number":"$number"}"#,
        &[Buyer, Seller, Staff, Admin],
        Hidden,
    ),
    row("OrderService/ListMyOrders", "{}", SIGNED_IN, Denied),
    row(
        "OrderService/ListSellerOrders",
        r#"{"storeId":"$store"}"#,
        STORE,
        Denied,
    ),
    row(
        "OrderService/ListOrderHistory",
        r#"{"id":"$order"}"#,
        &[Buyer, Seller, Staff, Admin],
        Hidden,
    ),
    row(
        "OrderService/GetOrderSummary",
        r#"{"storeId":"$store"}"#,
        STORE,
        Denied,
    ),
    row(
        "OrderService/UpdateOrderStatus",
        r#"{"id":"$order","status":"CONFIRMED"}"#,
        &[Seller, Staff, Admin],
        Hidden,
    )
    .knowing(&[Buyer]),
    row(
        "OrderService/CancelOrder",
        r#"{"id":"$order"}"#,
        &[Buyer, Seller, Staff, Admin],
        Hidden,
    ),
    row(
        "OrderService/RequestReturn",
        r#"{"id":"$order","reason":"It is not what I ordered"}"#,
        &[Buyer],
        Hidden,
    )
    .knowing(&[Seller, Staff, Admin]),
    row(
        "OrderService/TrackGuestOrder",
        r#"{"orderNumber":"$guest_number","phone":"0662000002"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "OrderService/ListGuestOrders",
        r#"{"phone":"0551000001"}"#,
        &[Buyer],
        Denied,
    ),
    row(
        "OrderService/WatchOrder",
        r#"{"id":"$order"}"#,
        &[Buyer, Seller, Staff, Admin],
        Hidden,
    ),
    row("OrderService/WatchMyOrders", "{}", SIGNED_IN, Denied),
    row(
        "OrderService/WatchSellerOrders",
        r#"{"storeId":"$store"}"#,
        STORE,
        Denied,
    ),
    row("DeliveryService/ListWilayas", "{}", EVERYONE, Denied),
    row(
        "DeliveryService/QuoteShipping",
        r#"{"storeId":"$store","wilaya":"16"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "DeliveryService/SetStoreRates",
        r#"{"storeId":"$store","rates":[{"wilaya":"16","home":40000}]}"#,
        STORE,
        Denied,
    ),
    row(
        "DeliveryService/SetDefaultRates",
        r#"{"rates":[{"wilaya":"16","home":40000}]}"#,
        ADMIN,
        Denied,
    ),
    row("OpsService/GetInfo", "{}", EVERYONE, Denied),
    row("OpsService/CheckHealth", "{}", EVERYONE, Denied),
    row("OpsService/CheckLiveness", "{}", EVERYONE, Denied),
    row("OpsService/CheckReadiness", "{}", EVERYONE, Denied),
    row("OpsService/Hello", "{}", EVERYONE, Denied),
    row("OpsService/PingCache", "{}", EVERYONE, Denied),
    row(
        "OpsService/EnqueueTestJob",
        r#"{"message":"hello"}"#,
        EVERYONE,
        Denied,
    ),
    row("OpsService/ListJobs", "{}", ADMIN, Denied),
    row("OpsService/ListAuditLog", "{}", ADMIN, Denied),
    row("OpsService/RetryJob", r#"{"id":"$job"}"#, ADMIN, Denied),
];
