//! From gRPC answers and refusals to the envelope.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::json;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::super::problem::http_status;
use super::*;
use crate::kernel::Reason;
use crate::pb::souk::auth::v1::RequestOtpResponse;
use crate::pb::souk::orders::v1::PlaceOrderResponse;

fn otp_sent() -> Response<Body> {
    unary(&RequestOtpResponse {
        message: "OTP sent successfully".into(),
        ttl: 120,
    })
}

#[tokio::test]
async fn success_is_the_message_with_a_word_before() {
    let reply = send_to(otp_sent, post("/otp/send", r#"{"phone":"9876543210"}"#)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(
        reply.text,
        r#"{"success":true,"message":"OTP sent successfully","ttl":120}"#
    );
    let reply = send(post("/api/auth/logout", "{}")).await;
    assert_eq!(reply.text, r#"{"success":true}"#);
}

#[tokio::test]
async fn a_created_record_answers_201() {
    fn placed() -> Response<Body> {
        unary(&PlaceOrderResponse {
            checkout_group: "chk_1".into(),
            ..Default::default()
        })
    }
    let reply = send_to(placed, post("/api/orders", "{}")).await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.json()["checkoutGroup"], "chk_1");
    assert_eq!(reply.json()["orders"], json!([]));
}

#[tokio::test]
async fn an_answer_in_pieces_is_put_together() {
    fn pieces() -> Response<Body> {
        let frame = framed(&RequestOtpResponse {
            message: "x".repeat(1000),
            ttl: 1,
        });
        grpc(
            frame.chunks(7).map(<[u8]>::to_vec).collect(),
            Status::ok(""),
        )
    }
    let reply = send_to(pieces, post("/otp/send", "{}")).await;
    assert_eq!(reply.json()["message"], "x".repeat(1000));
}

#[tokio::test]
async fn a_refusal_tells_everything_that_the_status_holds() {
    fn sold_out() -> Response<Body> {
        let mut details = ErrorDetails::new();
        details.set_error_info(
            "OUT_OF_STOCK",
            "souk",
            HashMap::from([("available".to_owned(), "2".to_owned())]),
        );
        details.set_bad_request(vec![FieldViolation::new("items[0].quantity", "2 are left")]);
        details.set_retry_info(Some(Duration::from_millis(1500)));
        let mut response =
            Status::with_error_details(Code::FailedPrecondition, "sold out", details)
                .into_http::<Body>();
        response
            .headers_mut()
            .insert("x-ratelimit-remaining", HeaderValue::from_static("3"));
        response
    }
    let mut request = post("/api/orders", "{}");
    request
        .headers_mut()
        .insert("x-request-id", HeaderValue::from_static("req-7"));
    let reply = send_to(sold_out, request).await;
    assert_eq!(reply.status, 409);
    assert_eq!(
        reply.json(),
        json!({
            "success": false,
            "code": "OUT_OF_STOCK",
            "message": "sold out",
            "errors": [{"field": "items[0].quantity", "message": "2 are left"}],
            "metadata": {"available": "2"},
            "requestId": "req-7",
        })
    );
    assert_eq!(reply.headers["retry-after"], "2");
    assert_eq!(reply.headers["x-ratelimit-remaining"], "3");
    assert_eq!(reply.headers["x-request-id"], "req-7");
    assert_eq!(reply.headers["content-type"], "application/json");
    assert!(!reply.headers.contains_key("grpc-status"));
}

#[tokio::test]
async fn a_refusal_after_the_headers_and_one_without_details_are_told_too() {
    fn late() -> Response<Body> {
        grpc(vec![], Status::not_found("no such thing"))
    }
    let reply = send_to(late, get("/api/products/prod_1")).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["code"], "NOT_FOUND");
    fn missing() -> Response<Body> {
        Status::unimplemented("").into_http()
    }
    let reply = send_to(missing, get("/api/products/prod_1")).await;
    assert_eq!(reply.status, 501);
    assert_eq!(reply.json()["code"], "UNIMPLEMENTED");
    assert_ne!(reply.json()["message"], "");
    fn nothing() -> Response<Body> {
        grpc(vec![], Status::ok(""))
    }
    let reply = send_to(nothing, get("/api/products/prod_1")).await;
    assert_eq!(reply.status, 500);
    assert_eq!(reply.json()["code"], "INTERNAL_ERROR");
}

#[tokio::test]
async fn headers_of_the_answer_pass_out() {
    fn replayed() -> Response<Body> {
        let mut response = otp_sent();
        for name in [
            "x-request-id",
            "idempotency-replayed",
            "x-ratelimit-limit",
            "x-db-statements",
        ] {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static("1"));
        }
        response
    }
    let reply = send_to(replayed, post("/otp/send", "{}")).await;
    for name in [
        "x-request-id",
        "idempotency-replayed",
        "x-ratelimit-limit",
        "x-db-statements",
    ] {
        assert_eq!(reply.headers[name], "1", "{name}");
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_in_the_envelope() {
    let reply = send(get("/nowhere")).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["code"], "NOT_FOUND");
    assert_eq!(
        reply.json()["requestId"],
        reply.headers["x-request-id"].to_str().expect("text")
    );
    let reply = send(with_body("DELETE", "/otp/send", "")).await;
    assert_eq!(reply.status, 405);
    assert_eq!(reply.json()["code"], "METHOD_NOT_ALLOWED");
    assert_eq!(reply.headers["allow"], "POST");
}

#[tokio::test]
async fn head_tells_the_headers_of_get() {
    fn product() -> Response<Body> {
        unary(&crate::pb::souk::catalog::v1::GetProductResponse::default())
    }
    let whole = send_to(product, get("/api/products/prod_1")).await;
    let mut request = get("/api/products/prod_1");
    *request.method_mut() = http::Method::HEAD;
    let reply = send_to(product, request).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text, "");
    assert_eq!(
        reply.headers["content-length"],
        whole.text.len().to_string()
    );
}

#[tokio::test]
async fn an_answer_of_some_size_is_compressed_for_who_accepts_it() {
    fn long() -> Response<Body> {
        unary(&RequestOtpResponse {
            message: "x".repeat(5000),
            ttl: 1,
        })
    }
    let compressed = async |answer: fn() -> Response<Body>, path: &str| {
        let mut request = match path {
            "/otp/send" => post(path, "{}"),
            path => get(path),
        };
        request
            .headers_mut()
            .insert("accept-encoding", HeaderValue::from_static("br, gzip"));
        let inner = service_fn(move |_: Request<Body>| async move {
            Ok::<_, std::convert::Infallible>(answer())
        });
        let edge = Edge::new(inner).expect("the contract fits itself");
        let response = edge.oneshot(request).await.expect("infallible");
        response.headers().contains_key("content-encoding")
    };
    assert!(compressed(long, "/otp/send").await);
    assert!(!compressed(otp_sent, "/otp/send").await);
    assert!(!compressed(long, "/api/stream/orders/ord_1").await);
}

#[tokio::test]
async fn a_request_id_is_taken_over_only_when_it_is_plain() {
    for bad in ["", "two words", &"x".repeat(129)] {
        let mut request = get("/nowhere");
        let value = HeaderValue::from_str(bad).expect("a header");
        request.headers_mut().insert("x-request-id", value);
        let reply = send(request).await;
        assert_eq!(reply.headers["x-request-id"].len(), 32, "{bad:?}");
    }
}

/// The comment of every reason ends in "HTTP nnn."; the status must be that one.
#[test]
fn every_reason_has_the_http_status_that_the_contract_states() {
    let pool = super::super::binding::descriptors().expect("descriptors");
    let file = pool
        .get_file_by_name("souk/common/v1/error.proto")
        .expect("the file");
    let reasons = pool
        .get_enum_by_name("souk.common.v1.ErrorReason")
        .expect("the enum");
    let comments: BTreeMap<Vec<i32>, String> = file
        .file_descriptor_proto()
        .source_code_info
        .as_ref()
        .expect("comments")
        .location
        .iter()
        .map(|place| (place.path.clone(), place.leading_comments().to_owned()))
        .collect();
    let mut checked = 0;
    for reason in Reason::ALL {
        let value = reasons.get_value_by_name(reason.as_str());
        let value = value.unwrap_or_else(|| panic!("{} is not in the contract", reason.as_str()));
        let comment = &comments[value.path()];
        let status = http_status(code(reason.code()), reason.as_str()).as_u16();
        assert!(
            comment.contains(&format!("HTTP {status}")),
            "{}: {status}, but {comment}",
            reason.as_str()
        );
        checked += 1;
    }
    assert!(checked > 50);
}

fn code(code: crate::kernel::Code) -> Code {
    use crate::kernel::Code as Kernel;
    match code {
        Kernel::InvalidArgument => Code::InvalidArgument,
        Kernel::Unauthenticated => Code::Unauthenticated,
        Kernel::PermissionDenied => Code::PermissionDenied,
        Kernel::NotFound => Code::NotFound,
        Kernel::AlreadyExists => Code::AlreadyExists,
        Kernel::Aborted => Code::Aborted,
        Kernel::FailedPrecondition => Code::FailedPrecondition,
        Kernel::OutOfRange => Code::OutOfRange,
        Kernel::ResourceExhausted => Code::ResourceExhausted,
        Kernel::Unavailable => Code::Unavailable,
        Kernel::DeadlineExceeded => Code::DeadlineExceeded,
        Kernel::Internal => Code::Internal,
    }
}
