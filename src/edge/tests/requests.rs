//! From path, query and body to the request message.

use crate::pb::souk::catalog::v1::{CreateProductRequest, GetProductRequest};
use crate::pb::souk::orders::v1::{
    CancelOrderRequest, ListSellerOrdersRequest, PlaceOrderRequest, UpdateOrderStatusRequest,
    order, order_payment,
};
use crate::pb::souk::stores::v1::{ListNearbyStoresRequest, SetOpeningHoursRequest};

use super::*;

#[tokio::test]
async fn a_path_variable_fills_its_field_decoded() {
    let reply = send(get("/api/products/prod_%31%C3%A9/")).await;
    let seen = reply.seen.as_ref().expect("called");
    assert_eq!(seen.path, "/souk.catalog.v1.CatalogService/GetProduct");
    assert_eq!(reply.seen::<GetProductRequest>().id, "prod_1é");
    let reply = send(get("/api/products/%ff")).await;
    assert_eq!(reply.errors(), ["id is not UTF-8 text"]);
}

#[tokio::test]
async fn query_parameters_come_in_both_spellings_and_every_kind() {
    let reply = send(get(
        "/api/seller/orders?storeId=store_1&status=preparing&limit=5&page_token=a%2Bb+c\
         &createdAfter=2026-11-20T10:00:00%2B01:00",
    ))
    .await;
    let seen: ListSellerOrdersRequest = reply.seen();
    assert_eq!(seen.store_id, "store_1");
    assert_eq!(seen.status(), order::Status::Processing);
    assert_eq!(seen.limit, 5);
    assert_eq!(seen.page_token, "a+b c");
    assert_eq!(
        seen.created_after.map(|time| time.seconds),
        Some(1_795_165_200)
    );

    let reply = send(get("/api/stores/nearby?latitude=-36.75&longitude=3e0")).await;
    let seen: ListNearbyStoresRequest = reply.seen();
    assert_eq!(seen.latitude, Some(-36.75));
    assert_eq!(seen.longitude, Some(3.0));
    assert_eq!(seen.radius, None);
}

#[tokio::test]
async fn every_wrong_parameter_is_named_at_once() {
    let reply = send(get(
        "/api/seller/orders?limit=many&limit=2&page=99999999999&colour=red&status=LOST&createdAfter=now",
    ))
    .await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["code"], "VALIDATION_ERROR");
    let errors = reply.errors();
    assert_eq!(errors[0], "limit must be a whole number");
    assert_eq!(errors[1], "limit is given twice");
    assert_eq!(errors[2], "page is out of range");
    assert_eq!(errors[3], "colour is not a known parameter");
    assert!(errors[4].starts_with("status must be one of PENDING, "));
    assert!(errors[5].starts_with("createdAfter must be a time"));
    let reply = send(get("/api/stores/nearby?latitude=NaN")).await;
    assert_eq!(reply.errors(), ["latitude must be a number"]);
    let reply = send(get("/api/seller/orders?storeId=%ff")).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("not UTF-8"));
}

#[tokio::test]
async fn a_body_is_the_request() {
    let reply = send(post(
        "/orders",
        r#"{"items":[{"productId":"prod_1","quantity":2},{"title":"Tea","price":100,"quantity":"1"}],
            "paymentMethod":"COD","expected_total":"300"}"#,
    ))
    .await;
    let seen: PlaceOrderRequest = reply.seen();
    assert_eq!(seen.items[0].product_id.as_deref(), Some("prod_1"));
    assert_eq!(seen.items[1].price, Some(100));
    assert_eq!(seen.items[1].quantity, 1);
    assert_eq!(seen.payment_method(), order_payment::Method::Cod);
    assert_eq!(seen.expected_total, Some(300));
}

#[tokio::test]
async fn an_empty_body_is_an_empty_request() {
    for body in ["", "  \n", "{}"] {
        let reply = send(post("/api/orders/ord_1/cancel", body)).await;
        assert_eq!(reply.seen::<CancelOrderRequest>().id, "ord_1", "{body:?}");
    }
    let mut bare = post("/api/orders/ord_1/cancel", "");
    bare.headers_mut().remove("content-type");
    assert_eq!(send(bare).await.seen::<CancelOrderRequest>().id, "ord_1");
}

#[tokio::test]
async fn the_body_may_repeat_what_the_path_says_but_not_contradict_it() {
    let reply = send(post("/api/orders/ord_1/cancel", r#"{"id":"ord_1"}"#)).await;
    assert_eq!(reply.seen::<CancelOrderRequest>().id, "ord_1");
    let reply = send(post("/api/orders/ord_1/cancel", r#"{"id":"ord_2"}"#)).await;
    assert_eq!(reply.errors(), ["id must equal the value in the path"]);
}

#[tokio::test]
async fn words_of_enums_come_in_any_case_and_by_their_aliases() {
    for word in ["PROCESSING", "processing", "Preparing"] {
        let body = format!(r#"{{"status":"{word}"}}"#);
        let reply = send(with_body("PUT", "/api/orders/ord_1/status", body)).await;
        let seen: UpdateOrderStatusRequest = reply.seen();
        assert_eq!(seen.status(), order::Status::Processing, "{word}");
        assert_eq!(seen.id, "ord_1");
    }
    let table = crate::pb::enums::table("souk.orders.v1.Order.Status").expect("the table");
    for word in table.words {
        for alias in word.aliases {
            let body = format!(r#"{{"status":"{}"}}"#, alias.to_lowercase());
            let reply = send(with_body("PATCH", "/orders/ord_1/status", body)).await;
            let seen: UpdateOrderStatusRequest = reply.seen();
            assert_eq!(seen.status, word.number, "{alias}");
        }
    }
    let reply = send(with_body(
        "PUT",
        "/api/orders/ord_1/status",
        r#"{"status":"lost"}"#,
    ))
    .await;
    assert!(
        reply.errors()[0].starts_with("status must be one of PENDING, "),
        "{}",
        reply.text
    );
    assert!(!reply.text.contains("UNSPECIFIED"));
}

#[tokio::test]
async fn everything_wrong_with_a_body_is_named_with_its_path() {
    let reply = send(post(
        "/api/orders",
        r#"{"items":[{"quantity":"x"},{"quantity":3000000000,"price":1.5,"colour":1}],
            "storeId":7,"paymentFlow":"SIDEWAYS","expectedTotal":1e300,"deliveryAddress":[],
            "customerName":null,"customer_phone":"1","customerPhone":"2"}"#,
    ))
    .await;
    let mut errors = reply.errors();
    errors.sort();
    assert_eq!(
        errors,
        [
            "customer_phone is given twice, in two spellings",
            "deliveryAddress must be an object",
            "expectedTotal is out of range",
            "items[0].quantity must be a whole number",
            "items[1].colour is not a known field",
            "items[1].price must be a whole number",
            "items[1].quantity is out of range",
            "paymentFlow must be one of REGULAR, FRONTEND, BACKEND",
            "storeId must be a string",
        ]
    );
    assert_eq!(reply.json()["code"], "VALIDATION_ERROR");
    assert_eq!(
        send(post("/api/orders", "[]")).await.errors(),
        ["body must be an object"]
    );
}

#[tokio::test]
async fn whole_numbers_in_any_json_form_and_nulls_are_taken() {
    let reply = send(post(
        "/api/orders",
        r#"{"items":[{"title":"Tea","price":1e2,"quantity":2.0}],"notes":null,"storeId":null}"#,
    ))
    .await;
    let seen: PlaceOrderRequest = reply.seen();
    assert_eq!(seen.items[0].price, Some(100));
    assert_eq!(seen.items[0].quantity, 2);
    assert_eq!(seen.notes, None);
}

#[tokio::test]
async fn a_key_given_twice_is_refused_also_in_maps_and_after_null() {
    for (body, field) in [
        (r#"{"storeId":"a","storeId":"b"}"#, "storeId"),
        (r#"{"notes":null,"notes":"b"}"#, "notes"),
        (r#"{"items":[{"title":"a","title":"a"}]}"#, "items[0].title"),
    ] {
        let reply = send(post("/api/orders", body)).await;
        assert_eq!(reply.errors(), [format!("{field} is given twice")]);
    }
    let reply = send(post(
        "/api/products",
        r#"{"specifications":{"size":"1","size":"2"}}"#,
    ))
    .await;
    assert_eq!(reply.errors(), ["specifications.size is given twice"]);
    let reply = send(post("/api/products", r#"{"specifications":{"size":"1"}}"#)).await;
    let seen: CreateProductRequest = reply.seen();
    assert_eq!(seen.specifications["size"], "1");
}

#[tokio::test]
async fn a_body_may_be_one_field_of_the_request() {
    let reply = send(with_body(
        "PUT",
        "/api/stores/store_1/hours",
        r#"{"timeZone":"Africa/Algiers"}"#,
    ))
    .await;
    let seen: SetOpeningHoursRequest = reply.seen();
    assert_eq!(seen.id, "store_1");
    assert!(seen.opening_hours.is_some());
    let reply = send(with_body(
        "PUT",
        "/api/stores/store_1/hours",
        r#"{},"id":"store_2""#,
    ))
    .await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    let reply = send(with_body("PUT", "/api/stores/store_1/hours", r#"{"x":1}"#)).await;
    assert_eq!(reply.errors(), ["openingHours.x is not a known field"]);
}

#[tokio::test]
async fn only_json_of_limited_size_and_depth_is_read() {
    let mut form = post("/api/orders", "items=1");
    form.headers_mut().insert(
        "content-type",
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    let reply = send(form).await;
    assert_eq!(reply.status, 415);
    assert_eq!(reply.json()["code"], "UNSUPPORTED_MEDIA");
    let mut charset = post("/api/orders", "{}");
    charset.headers_mut().insert(
        "content-type",
        HeaderValue::from_static("Application/JSON; charset=utf-8"),
    );
    assert_eq!(send(charset).await.status, 201);

    let long = format!(r#"{{"notes":"{}"}}"#, "x".repeat(256 * 1024));
    let reply = send(post("/api/orders", long)).await;
    assert_eq!(reply.status, 413);
    assert_eq!(reply.json()["code"], "PAYLOAD_TOO_LARGE");

    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let reply = send(post("/api/orders", deep)).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("nested deeper than 64 levels"));

    let reply = send(post("/api/orders", &b"{\"notes\":\"\xff\"}"[..])).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("not UTF-8"));
}

#[tokio::test]
async fn headers_of_the_call_pass_and_those_of_the_hop_do_not() {
    let mut request = get("/api/orders");
    for (name, value) in [
        ("authorization", "Bearer a"),
        ("idempotency-key", "k"),
        ("x-request-id", "r-1"),
        ("user-agent", "test"),
        ("accept-language", "fr"),
        ("x-forwarded-for", "10.0.0.1"),
        ("host", "souk"),
        ("accept-encoding", "gzip"),
        ("grpc-timeout", "1n"),
        ("connection", "close"),
    ] {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    let reply = send(request).await;
    let headers = &reply.seen.as_ref().expect("called").headers;
    for name in [
        "authorization",
        "idempotency-key",
        "x-request-id",
        "user-agent",
        "accept-language",
        "x-forwarded-for",
    ] {
        assert!(headers.contains_key(name), "{name}");
    }
    for name in ["host", "accept-encoding", "grpc-timeout", "connection"] {
        assert!(!headers.contains_key(name), "{name}");
    }
    assert_eq!(headers["content-type"], "application/grpc");
    assert_eq!(headers["te"], "trailers");
}

#[tokio::test]
async fn a_parameter_beside_a_whole_body_is_unknown() {
    let reply = send(post("/api/orders?storeId=store_1", "{}")).await;
    assert_eq!(reply.errors(), ["storeId is not a known parameter"]);
}
