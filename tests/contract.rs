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
#[path = "contract/paths.rs"]
mod paths;
#[path = "contract/reasons.rs"]
mod reasons;

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
            "the kernel does not know {word}"
        );
    }
}

#[test]
fn every_reason_is_given_or_reserved() {
    let named = reasons::named();
    assert!(named.len() > 50, "the walk found only {named:?}");
    for reason in Reason::ALL {
        let (word, is_reserved) = (reason.as_str(), reasons::RESERVED.contains(reason));
        match named.contains(&format!("{reason:?}")) {
            true => assert!(!is_reserved, "{word} is given: it is reserved no more"),
            false => assert!(is_reserved, "nobody gives {word}"),
        }
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

/// The verb and path of every HTTP binding, with a star for each variable.
fn bound() -> BTreeSet<(&'static str, String)> {
    let routes = ROUTES.iter();
    routes
        .map(|route| (route.method, paths::shape(route.pattern)))
        .collect()
}

#[test]
fn every_documented_path_is_bound() {
    let bound = bound();
    let missing: Vec<_> = paths::of(paths::DOCUMENTED)
        .filter(|path| !bound.contains(path))
        .collect();
    assert!(missing.is_empty(), "not bound: {missing:?}");
}

#[test]
fn what_is_called_not_yet_bound_is_not() {
    let bound = bound();
    let met: Vec<_> = paths::of(paths::NOT_YET)
        .filter(|path| bound.contains(path))
        .collect();
    assert!(met.is_empty(), "bound by now, so documented: {met:?}");
    let mut listed = BTreeSet::new();
    for path in paths::of(paths::DOCUMENTED).chain(paths::of(paths::NOT_YET)) {
        assert!(listed.insert(path.clone()), "{path:?} stands twice");
    }
}
