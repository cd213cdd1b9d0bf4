//! How many statements each RPC may run, begin and commit not counted, in the worst case
//! of the access matrix: caches cold, whoever calls, and two more for a session
//! or a store that a slow machine had to look up again. `tests/contract.rs` fails when an RPC
//! has no budget, `tests/it/access.rs` when one runs more. Tighter figures for warm caches
//! stand in the tests of each area.

/// RPC and statements at the most.
const BUDGETS: &[(&str, u32)] = &[
    ("AuthService/RequestOtp", 9),
    ("AuthService/RefreshToken", 7),
    ("AuthService/Logout", 7),
    ("AuthService/LogoutAll", 7),
    ("AuthService/ListSessions", 5),
    ("AuthService/RevokeSession", 5),
    ("UserService/GetMe", 5),
    ("UserService/UpdateMe", 7),
    ("UserService/DeleteMe", 17),
    ("UserService/GetPublicProfile", 5),
    ("UserService/ListAddresses", 5),
    ("UserService/GetAddress", 3),
    ("UserService/CreateAddress", 7),
    ("UserService/UpdateAddress", 5),
    ("UserService/DeleteAddress", 6),
    ("UserService/SetDefaultAddress", 4),
    ("StoreService/CreateStore", 8),
    ("StoreService/GetStore", 4),
    ("StoreService/UpdateStore", 6),
    ("StoreService/SetOpeningHours", 6),
    ("StoreService/PauseStore", 6),
    ("StoreService/ResumeStore", 6),
    ("StoreService/SuspendStore", 6),
    ("StoreService/AddManager", 8),
    ("StoreService/RemoveManager", 9),
    ("StoreService/ListManagers", 6),
    ("StoreService/SearchStores", 5),
    ("StoreService/ListNearbyStores", 5),
    ("StoreService/ListMyStores", 5),
    ("StoreService/GetStoreAvailability", 4),
    ("CatalogService/ListCategories", 4),
    ("CatalogService/GetCategory", 4),
    ("CatalogService/CreateCategory", 5),
    ("CatalogService/UpdateCategory", 5),
    ("CatalogService/DeleteCategory", 5),
    ("CatalogService/ListBrands", 5),
    ("CatalogService/ListProducts", 5),
    ("CatalogService/SearchProducts", 5),
    ("CatalogService/ListFeaturedProducts", 4),
    ("CatalogService/ListMyProducts", 6),
    ("CatalogService/GetProduct", 4),
    ("CatalogService/GetProductBySlug", 4),
    ("CatalogService/CreateProduct", 9),
    ("CatalogService/UpdateProduct", 5),
    ("CatalogService/PublishProduct", 5),
    ("CatalogService/UnpublishProduct", 5),
    ("CatalogService/SetProductFeatured", 5),
    ("CatalogService/DeleteProduct", 5),
    ("CatalogService/RemoveProductImage", 5),
    ("InventoryService/GetAvailability", 5),
    ("InventoryService/ListStock", 5),
    ("InventoryService/ListLowStock", 5),
    ("InventoryService/GetStock", 5),
    ("InventoryService/SetStock", 5),
    ("InventoryService/AdjustStock", 7),
    ("InventoryService/ListStockMovements", 6),
    ("InventoryService/Reserve", 5),
    ("InventoryService/Commit", 6),
    ("InventoryService/Release", 6),
    ("InventoryService/ListReservations", 5),
    ("CartService/GetCart", 5),
    ("CartService/AddItem", 9),
    ("CartService/UpdateItem", 7),
    ("CartService/RemoveItem", 5),
    ("CartService/ClearCart", 7),
    ("CartService/ValidateCart", 5),
    ("CartService/GetCartSummary", 5),
    ("CartService/GetCartCount", 5),
    ("OrderService/PlaceOrder", 10),
    ("OrderService/QuoteOrder", 6),
    ("OrderService/GetOrder", 7),
    ("OrderService/GetOrderByNumber", 7),
    ("OrderService/ListMyOrders", 5),
    ("OrderService/ListSellerOrders", 6),
    ("OrderService/ListOrderHistory", 7),
    ("OrderService/GetOrderSummary", 5),
    ("OrderService/UpdateOrderStatus", 8),
    ("OrderService/CancelOrder", 9),
    ("OrderService/TrackGuestOrder", 7),
    ("OrderService/ListGuestOrders", 4),
    ("DeliveryService/ListWilayas", 4),
    ("DeliveryService/QuoteShipping", 4),
    ("DeliveryService/SetStoreRates", 6),
    ("DeliveryService/SetDefaultRates", 4),
    ("OpsService/GetInfo", 4),
    ("OpsService/CheckHealth", 5),
    ("OpsService/CheckLiveness", 4),
    ("OpsService/CheckReadiness", 4),
    ("OpsService/Hello", 4),
    ("OpsService/PingCache", 4),
    ("OpsService/EnqueueTestJob", 5),
    ("OpsService/ListJobs", 3),
];

/// RPCs that the matrix cannot bring to success (a right password, a delivered order, a
/// dead job, a store without open orders are not in its market); their statements show
/// only in the tests of their areas.
pub const UNMEASURED: &[&str] = &[
    "AuthService/VerifyOtp",
    "StoreService/DeleteStore",
    "OrderService/RequestReturn",
    "OpsService/RetryJob",
];

/// The budget of an RPC.
pub fn of(rpc: &str) -> Option<u32> {
    BUDGETS
        .iter()
        .find(|(name, _)| *name == rpc)
        .map(|(_, budget)| *budget)
}
