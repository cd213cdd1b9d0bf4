//! What the contract promises about itself, read from its descriptors.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must stop, in its helpers too"
)]

#[path = "access/budgets.rs"]
mod budgets;
#[path = "access/coverage.rs"]
mod coverage;
#[path = "access/matrix/mod.rs"]
mod matrix;

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, MessageDescriptor};
use souk::kernel::Reason;
use souk::pb::policy::{self, Access, Idempotency};
use souk::pb::routes::ROUTES;
use souk::pb::{DESCRIPTOR_BYTES, methods};

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTOR_BYTES).unwrap()
}

fn message(name: &str) -> MessageDescriptor {
    pool().get_message_by_name(name).unwrap()
}

/// `OrderService/PlaceOrder` of `/souk.orders.v1.OrderService/PlaceOrder`.
fn short(path: &str) -> &str {
    path.rsplit_once('.').unwrap().1
}

/// Every RPC of the contract by its short name.
fn rpcs() -> impl Iterator<Item = &'static str> {
    policy::ALL.iter().map(|policy| short(policy.path))
}

#[test]
fn every_rpc_stands_in_the_access_matrix_once() {
    let problems = coverage::problems(rpcs(), matrix::rows().map(|row| row.rpc));
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn an_rpc_without_a_row_or_a_row_too_many_turns_the_build_red() {
    let rows = || matrix::rows().map(|row| row.rpc);
    let invented = rpcs().chain(["OrderService/ForgetOrder"]);
    assert_eq!(
        coverage::problems(invented, rows()),
        ["\"OrderService/ForgetOrder\" has no row"]
    );
    let stale = rows().chain(["OrderService/ForgetOrder"]);
    assert_eq!(
        coverage::problems(rpcs(), stale),
        ["\"OrderService/ForgetOrder\" is a row of nothing"]
    );
    let twice = rows().chain(["OrderService/PlaceOrder"]);
    assert_eq!(
        coverage::problems(rpcs(), twice),
        ["\"OrderService/PlaceOrder\" stands twice"]
    );
}

#[test]
fn every_rpc_has_a_budget_of_statements() {
    let unary = policy::ALL.iter().filter(|known| !known.server_streaming);
    let unary = unary.map(|known| short(known.path));
    let problems = coverage::problems(unary, budgets::BUDGETS.iter().map(|(rpc, _)| *rpc));
    assert!(problems.is_empty(), "{problems:?}");
    for (rpc, most) in budgets::BUDGETS {
        assert_eq!(budgets::of(rpc), Some(*most));
    }
}

#[test]
fn the_matrix_agrees_with_the_policies() {
    for row in matrix::rows() {
        let known = policy::ALL
            .iter()
            .find(|policy| short(policy.path) == row.rpc)
            .unwrap();
        let guest_may = row.allowed.contains(&matrix::Who::Guest);
        let open = matches!(
            known.access,
            Access::Public | Access::Development | Access::Network | Access::Webhook
        );
        assert!(
            open || !guest_may,
            "{}: the policy asks for sign-in, the matrix lets guests in",
            row.rpc
        );
        if known.access == Access::Role {
            assert!(row.allowed.contains(&matrix::Who::Admin), "{}", row.rpc);
        }
    }
}

/// Whether a text is a request of an RPC.
fn assert_request(rpc: &str, request: &str) {
    let method = methods::ALL.iter().find(|method| short(method.path) == rpc);
    let method = method.unwrap_or_else(|| panic!("there is no {rpc}"));
    // Bytes stand in base64, which no name of the matrix is.
    let request = request.replace("$picture", "");
    let decoded = (method.input.decode)(request.as_bytes());
    assert!(decoded.is_ok(), "{rpc}: {:?}", decoded.err());
}

#[test]
fn every_row_of_the_matrix_is_a_request_of_its_rpc() {
    for row in matrix::rows() {
        assert_request(row.rpc, row.request);
        let names_something = row.request.contains('$');
        assert!(
            (row.refusal != matrix::Refusal::Hidden && row.knowing.is_empty()) || names_something,
            "{} hides nothing",
            row.rpc
        );
    }
}

#[test]
fn every_row_of_the_matrix_speaks_of_its_callers() {
    for row in matrix::rows() {
        let rpc = row.rpc;
        let barred = matrix::BARRED.iter().any(|who| row.allowed.contains(who));
        assert!(!barred, "{rpc}: nothing lets in who is barred");
        assert!(
            row.knowing
                .iter()
                .all(|who| row.refused().any(|it| it == *who))
        );
        for (who, reason) in row.declined {
            assert!(
                row.allowed.contains(who),
                "{rpc}: {who:?} is refused anyway"
            );
            assert_eq!(row.declines(*who), Some(*reason), "{rpc}: {who:?} twice");
            assert!(Reason::ALL.iter().any(|known| known.as_str() == *reason));
        }
        for step in row.steps {
            match step {
                matrix::Step::Call(who, rpc, request) => {
                    assert_request(rpc, request);
                    assert!(matrix::EVERYONE.contains(who));
                }
                matrix::Step::Each(rpc, request) => assert_request(rpc, request),
                matrix::Step::Sql(sql) => assert!(sql.starts_with("UPDATE "), "{sql}"),
                matrix::Step::Mail => assert!(row.request.contains("$link")),
            }
        }
        assert!(!row.alone || row.allowed.len() == 1 || !rpc.contains("/Get"));
    }
}

#[test]
fn every_rpc_has_an_http_binding_and_its_own_messages() {
    let mut inputs = BTreeSet::new();
    let mut outputs = BTreeSet::new();
    for method in methods::ALL {
        let bound = ROUTES
            .iter()
            .filter(|route| route.grpc_path == method.path && route.primary);
        assert_eq!(bound.count(), 1, "{} needs one main binding", method.path);
        assert!(
            inputs.insert(method.input.full_name),
            "{} shares its request",
            method.path
        );
        assert!(
            outputs.insert(method.output.full_name),
            "{} shares its response",
            method.path
        );
        assert!(
            !method.client_streaming,
            "{}: clients do not stream",
            method.path
        );
    }
}

#[test]
fn every_list_pages() {
    for method in methods::ALL {
        let name = method.path.rsplit_once('/').unwrap().1;
        if !(name.starts_with("List") || name.starts_with("Search")) {
            continue;
        }
        let input = message(method.input.full_name);
        for field in ["limit", "page_token", "page"] {
            assert!(
                input.get_field_by_name(field).is_some(),
                "{name} lacks {field}"
            );
        }
        let meta = message(method.output.full_name).get_field_by_name("meta");
        let kind = meta.unwrap_or_else(|| panic!("{name} lacks meta")).kind();
        assert_eq!(
            kind.as_message().unwrap().full_name(),
            "souk.common.v1.PageMeta"
        );
    }
}

#[test]
fn reads_are_safe_and_writes_are_not() {
    for known in policy::ALL {
        let name = known.path.rsplit_once('/').unwrap().1;
        let reads = ["Get", "List", "Search", "Watch", "Check", "Quote"]
            .iter()
            .any(|verb| name.starts_with(verb));
        let writes = [
            "Create", "Update", "Delete", "Set", "Add", "Remove", "Place", "Cancel",
        ]
        .iter()
        .any(|verb| name.starts_with(verb));
        if reads {
            assert_eq!(known.idempotency, Idempotency::Safe, "{name}");
        }
        if writes {
            assert_eq!(known.idempotency, Idempotency::Keyed, "{name}");
        }
    }
}

/// Streams that tell how something is now, not every change of it: there is nothing to
/// resume, and the first message is the same as any other.
const LATEST: &[&str] = &["ReelService/WatchReel"];

#[test]
fn every_stream_of_changes_carries_a_resume_token_both_ways() {
    let streams = methods::ALL.iter().filter(|method| method.server_streaming);
    for method in streams.filter(|method| !LATEST.contains(&short(method.path))) {
        for name in [method.input.full_name, method.output.full_name] {
            assert!(
                message(name).get_field_by_name("resume_token").is_some(),
                "{name}"
            );
        }
        let output = message(method.output.full_name);
        let kind = output.get_field_by_name("type").unwrap().kind();
        let words = kind.as_enum().unwrap();
        for word in ["SNAPSHOT", "HEARTBEAT"] {
            assert!(
                words.get_value_by_name(word).is_some(),
                "{} lacks {word}",
                output.full_name()
            );
        }
    }
}

#[test]
fn the_kernel_knows_the_reasons_of_the_contract() {
    let words = pool()
        .get_enum_by_name("souk.common.v1.ErrorReason")
        .unwrap();
    let declared: BTreeSet<String> = words
        .values()
        .filter(|value| value.number() != 0)
        .map(|value| value.name().to_owned())
        .collect();
    for reason in Reason::ALL {
        assert!(
            declared.contains(reason.as_str()),
            "{} is not in the contract",
            reason.as_str()
        );
    }
    let known: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    // What only a transport can answer.
    let transport = BTreeSet::from(["METHOD_NOT_ALLOWED", "UNIMPLEMENTED"]);
    for word in &declared {
        let word = word.as_str();
        assert!(
            known.contains(word) || transport.contains(word),
            "nobody gives {word}"
        );
    }
}

#[test]
fn no_message_carries_floating_money() {
    for message in pool()
        .all_messages()
        .filter(|message| message.package_name().starts_with("souk."))
    {
        for field in message.fields() {
            let name = field.name().to_owned();
            let money = [
                "price", "total", "amount", "shipping", "discount", "tax", "subtotal",
            ]
            .iter()
            .any(|word| name.ends_with(word));
            if money && !field.is_list() {
                let floating = matches!(
                    field.kind(),
                    prost_reflect::Kind::Double | prost_reflect::Kind::Float
                );
                assert!(
                    !floating,
                    "{}.{name} is money in a float",
                    message.full_name()
                );
            }
        }
    }
}

#[test]
fn every_documented_path_is_bound() {
    let bound: BTreeSet<(&str, String)> = ROUTES
        .iter()
        .map(|route| (route.method, shape(route.pattern)))
        .collect();
    let missing: Vec<_> = DOCUMENTED
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.split_once(' ').unwrap())
        .filter(|(verb, path)| !bound.contains(&(*verb, shape(path))))
        .collect();
    assert!(missing.is_empty(), "not bound: {missing:?}");
}

/// A path without the names of its variables.
fn shape(path: &str) -> String {
    path.split('/')
        .map(|part| {
            if part.starts_with('{') || part.starts_with(':') {
                "*"
            } else {
                part
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// The paths that clients of the systems that souk replaces call.
const DOCUMENTED: &str = "
    POST /otp/send
    POST /otp/verify
    GET /user/me
    POST /store
    GET /
    GET /health
    GET /health/live
    GET /health/ready
    GET /metrics
    GET /api/metrics/metrics
    POST /api/auth/register
    POST /auth/register
    POST /api/auth/login
    POST /auth/login
    POST /api/auth/signin
    POST /api/auth/sync-role
    POST /api/webhooks/clerk
    GET /api/users
    POST /api/users
    GET /api/users/:id
    PUT /api/users/:id
    DELETE /api/users/:id
    PUT /api/admin/users/:id/seller-category
    PUT /api/admin/users/:id/verify
    GET /api/admin/audit-log
    POST /api/auth/refresh-token
    POST /api/auth/logout
    POST /api/auth/logout-all
    GET /api/sessions
    DELETE /api/sessions/:id
    GET /api/auth/profile
    PUT /api/auth/profile
    GET /api/auth/me
    GET /api/users/profile
    PUT /api/users/profile
    PATCH /api/users/me
    DELETE /api/users/me
    GET /api/users/:id/public
    GET /api/addresses
    POST /api/addresses
    GET /api/addresses/:id
    PUT /api/addresses/:id
    DELETE /api/addresses/:id
    PUT /api/addresses/:id/default
    POST /api/stores
    GET /api/stores/nearby
    GET /api/stores/search
    GET /api/stores/city
    GET /api/stores/mine
    GET /api/stores/:id
    PUT /api/stores/:id
    DELETE /api/stores/:id
    GET /api/stores/:id/availability
    PUT /api/stores/:id/hours
    PUT /api/stores/:id/pause
    PUT /api/stores/:id/resume
    GET /api/stores/:id/managers
    POST /api/stores/:id/managers
    DELETE /api/stores/:id/managers/:userId
    PUT /api/admin/stores/:id/suspend
    GET /api/products
    GET /api/products/search
    GET /api/products/featured
    GET /api/products/categories
    GET /api/products/category/:id
    GET /api/products/:id
    POST /api/products
    PUT /api/products/:id
    PATCH /api/products/:id
    DELETE /api/products/:id
    DELETE /api/products/:id/images/:imageId
    GET /api/seller/products
    PATCH /api/seller/products/:id
    GET /api/categories
    POST /api/categories
    GET /api/categories/:id
    PUT /api/categories/:id
    DELETE /api/categories/:id
    GET /api/inventory
    GET /api/inventory/low-stock
    GET /api/inventory/:id
    PUT /api/inventory/:id
    POST /api/inventory/:id/adjust
    GET /api/reservations
    POST /api/reservations
    POST /api/reservations/:id/commit
    POST /api/reservations/:id/release
    GET /api/cart
    DELETE /api/cart
    POST /api/cart/items
    PUT /api/cart/items/:id
    PATCH /api/cart/items/:id
    DELETE /api/cart/items/:id
    DELETE /api/cart/clear
    GET /api/cart/summary
    GET /api/cart/validate
    GET /api/cart/count
    POST /api/orders
    POST /orders
    GET /api/orders
    GET /orders
    GET /api/orders/user
    GET /api/orders/summary
    GET /api/orders/number/:number
    GET /api/orders/:id
    GET /api/orders/:id/history
    PUT /api/orders/:id/status
    PATCH /orders/:id/status
    PUT /api/orders/:id/cancel
    POST /api/orders/:id/cancel
    POST /api/orders/:id/return
    POST /api/orders/quote
    GET /api/seller/orders
    PUT /api/seller/orders/:id/status
    PATCH /api/seller/orders/:id/status
    POST /api/guest/orders/track
    GET /api/guest/orders/track/:phone
    GET /api/stream/orders
    GET /api/stream/orders/:id
    GET /api/stream/inventory/:storeId
    GET /api/wilayas
    POST /api/shipping/quote
    PUT /api/stores/:id/rates
    PUT /api/admin/shipping/rates
    GET /api/admin/jobs
    POST /api/admin/jobs/:id/retry
";
