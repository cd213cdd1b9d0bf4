//! The words of gRPC's status codes, for all who tell them in text: metrics, GraphQL.

/// The words in the order of the codes' numbers
/// (<https://grpc.io/docs/guides/status-codes/>).
pub const CODE_WORDS: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The word of a code's number; an unknown number is UNKNOWN.
pub fn code_word(number: usize) -> &'static str {
    CODE_WORDS.get(number).copied().unwrap_or("UNKNOWN")
}
