//! Who may call what of sign-in and sessions.

use super::Refusal::{Denied, Hidden};
use super::Who::{Admin, Buyer, Guest, Rival, RivalStaff, Seller, Staff, Stranger};
use super::{EVERYONE, Row, SIGNED_IN, Step, row};

pub const ROWS: &[Row] = &[
    row(
        "AuthService/RequestOtp",
        r#"{"phone":"$fresh"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "AuthService/VerifyOtp",
        r#"{"phone":"$fresh","otp":"123456"}"#,
        EVERYONE,
        Denied,
    )
    .after(&[Step::Each(
        "AuthService/RequestOtp",
        r#"{"phone":"$fresh"}"#,
    )]),
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
    )
    .alone(),
    row(
        "AuthService/Register",
        r#"{"email":"n$fresh@example.dz","password":"rain on the tin roof"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "AuthService/Login",
        r#"{"email":"door@example.dz","password":"rain on the tin roof"}"#,
        EVERYONE,
        Denied,
    )
    .after(&[Step::Call(
        Guest,
        "AuthService/Register",
        r#"{"email":"door@example.dz","password":"rain on the tin roof"}"#,
    )]),
    row(
        "AuthService/ChangePassword",
        r#"{"newPassword":"rain on the tin roof"}"#,
        SIGNED_IN,
        Denied,
    ),
    row(
        "AuthService/RequestPasswordReset",
        r#"{"email":"n$fresh@example.dz"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "AuthService/ResetPassword",
        r#"{"token":"$link","newPassword":"rain on the tin roof"}"#,
        EVERYONE,
        Denied,
    )
    .after(&[
        Step::Each(
            "AuthService/Register",
            r#"{"email":"n$fresh@example.dz","password":"wind over the dunes"}"#,
        ),
        // The welcome goes out first, so that the last letter is the one that is meant.
        Step::Mail,
        Step::Each(
            "AuthService/RequestPasswordReset",
            r#"{"email":"n$fresh@example.dz"}"#,
        ),
        Step::Mail,
    ]),
    row(
        "AuthService/RequestEmailVerification",
        r#"{}"#,
        SIGNED_IN,
        Denied,
    )
    .after(&[Step::Each(
        "UserService/UpdateMe",
        r#"{"email":"n$fresh@example.dz"}"#,
    )]),
    row(
        "AuthService/VerifyEmail",
        r#"{"token":"$link"}"#,
        EVERYONE,
        Denied,
    )
    .after(&[
        Step::Each(
            "AuthService/Register",
            r#"{"email":"n$fresh@example.dz","password":"wind over the dunes"}"#,
        ),
        Step::Mail,
    ]),
    row(
        "AuthService/RequestPhoneChange",
        r#"{"phone":"$fresh"}"#,
        SIGNED_IN,
        Denied,
    ),
    row(
        "AuthService/ConfirmPhoneChange",
        r#"{"phone":"$fresh","otp":"123456"}"#,
        SIGNED_IN,
        Denied,
    )
    .after(&[Step::Each(
        "AuthService/RequestPhoneChange",
        r#"{"phone":"$fresh"}"#,
    )]),
    row("AuthService/SignInWithClerk", r#"{}"#, SIGNED_IN, Denied).declining(&[
        (Buyer, "TOKEN_INVALID"),
        (Stranger, "TOKEN_INVALID"),
        (Seller, "TOKEN_INVALID"),
        (Rival, "TOKEN_INVALID"),
        (Staff, "TOKEN_INVALID"),
        (RivalStaff, "TOKEN_INVALID"),
        (Admin, "TOKEN_INVALID"),
    ]),
    row(
        "AuthService/SyncRole",
        r#"{"role":"FREELANCER"}"#,
        SIGNED_IN,
        Denied,
    )
    .declining(&[
        (Seller, "USER_HAS_OPEN_ORDERS"),
        (Rival, "USER_HAS_OPEN_OFFERS"),
        (Admin, "ROLE_NOT_ALLOWED"),
    ]),
    row("AuthService/HandleClerkWebhook", r#"{}"#, EVERYONE, Denied).declining(&[
        (Guest, "SIGNATURE_INVALID"),
        (Buyer, "SIGNATURE_INVALID"),
        (Stranger, "SIGNATURE_INVALID"),
        (Seller, "SIGNATURE_INVALID"),
        (Rival, "SIGNATURE_INVALID"),
        (Staff, "SIGNATURE_INVALID"),
        (RivalStaff, "SIGNATURE_INVALID"),
        (Admin, "SIGNATURE_INVALID"),
    ]),
    row("AuthService/GetJwks", r#"{}"#, EVERYONE, Denied),
];
