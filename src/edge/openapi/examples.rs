//! Requests and answers as clients already send and read them. A test holds them
//! against the contract.

use serde_json::Value;

/// A documented call: the method, its body, its answer.
pub struct Example {
    /// The gRPC path of the method.
    pub method: &'static str,
    /// The JSON body; empty where the call has none.
    pub request: &'static str,
    /// The JSON answer with its envelope.
    pub response: &'static str,
}

/// The body that shows how a method is called.
pub fn request(method: &str) -> Option<Value> {
    parse(find(method)?.request)
}

/// The answer that shows what a method gives.
pub fn response(method: &str) -> Option<Value> {
    parse(find(method)?.response)
}

fn find(method: &str) -> Option<&'static Example> {
    EXAMPLES.iter().find(|example| example.method == method)
}

fn parse(json: &str) -> Option<Value> {
    serde_json::from_str(json).ok()
}

/// Every documented call.
pub const EXAMPLES: &[Example] = &[
    Example {
        method: "/souk.auth.v1.AuthService/RequestOtp",
        request: r#"{"phone": "9876543210"}"#,
        response: r#"{"success": true, "message": "OTP sent successfully", "ttl": 120}"#,
    },
    Example {
        method: "/souk.auth.v1.AuthService/VerifyOtp",
        request: r#"{"phone": "9876543210", "otp": "123456", "role": "CUSTOMER"}"#,
        response: r#"{
            "success": true,
            "accessToken": "eyJhbGciOiJIUzI1NiJ9.…",
            "refreshToken": "rt_…",
            "expires_in": 900,
            "user": {
                "id": "usr_01kasg2tz5e7evmqx5yt29nwqk",
                "phone": "9876543210",
                "name": null,
                "role": "CUSTOMER"
            }
        }"#,
    },
    Example {
        method: "/souk.users.v1.UserService/GetMe",
        request: "",
        response: r#"{
            "success": true,
            "user": {
                "id": "usr_01kasg2tz5e7evmqx5yt29nwqk",
                "phone": "9876543210",
                "name": null,
                "role": "CUSTOMER"
            }
        }"#,
    },
    Example {
        method: "/souk.stores.v1.StoreService/CreateStore",
        request: r#"{
            "name": "Épicerie du Port",
            "description": "Fruit, vegetables and bread",
            "phone": "0551234567",
            "address": {
                "street": "12 rue Didouche Mourad",
                "city": "Alger Centre",
                "state": "Alger",
                "postalCode": "16000",
                "country": "Algeria",
                "latitude": 36.7692,
                "longitude": 3.0549
            }
        }"#,
        response: r#"{
            "success": true,
            "store": {
                "id": "store_01kasg2tz5e7evmqx5yt29nwqk",
                "name": "Épicerie du Port",
                "description": "Fruit, vegetables and bread",
                "phone": "+213551234567",
                "ownerId": "usr_01kasg2tz5e7evmqx5yt29nwqk",
                "addressId": "addr_01kasg2tz5e7evmqx5yt29nwqk"
            }
        }"#,
    },
    Example {
        method: "/souk.cart.v1.CartService/AddItem",
        request: r#"{"productId": "prod_01kasg2tz5e7evmqx5yt29nwqk", "quantity": 2}"#,
        response: "",
    },
    Example {
        method: "/souk.orders.v1.OrderService/PlaceOrder",
        request: r#"{
            "items": [{"productId": "prod_01kasg2tz5e7evmqx5yt29nwqk", "quantity": 2}],
            "customerName": "Amina Benali",
            "customerPhone": "0551234567",
            "customerWilaya": "16",
            "shippingAddress": "12 rue Didouche Mourad, Alger Centre",
            "paymentMethod": "COD"
        }"#,
        response: "",
    },
    Example {
        method: "/souk.orders.v1.OrderService/UpdateOrderStatus",
        request: r#"{"status": "PROCESSING"}"#,
        response: "",
    },
];
