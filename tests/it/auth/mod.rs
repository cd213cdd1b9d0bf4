//! Sign-in: one-time passwords, passwords, mail links, sessions, tokens.

mod clerk;
mod clerk_forgeries;
mod clerk_keys;
mod clerk_sessions;
mod clerk_webhook;
mod counts;
mod email;
mod endings;
mod keys;
mod limits;
mod login;
mod mail;
mod otp;
mod password;
mod phone;
mod refresh;
mod register;
mod sessions;
mod sms;

use souk::pb::souk::auth::v1::{RequestOtpRequest, VerifyOtpRequest, VerifyOtpResponse};
use tonic::Status;

use crate::support::Client;
use crate::support::app::CODE;

const PHONE: &str = "0555000777";
/// Never the password of a test.
const WRONG: &str = "654321";

async fn request(guest: &Client, phone: &str) -> Result<(), Status> {
    let message = RequestOtpRequest {
        phone: phone.into(),
    };
    guest.auth().request_otp(message).await.map(drop)
}

fn attempt(phone: &str, otp: &str) -> VerifyOtpRequest {
    VerifyOtpRequest {
        phone: phone.into(),
        otp: otp.into(),
        ..Default::default()
    }
}

async fn verify(guest: &Client, phone: &str, otp: &str) -> Result<VerifyOtpResponse, Status> {
    let answer = guest.auth().verify_otp(attempt(phone, otp)).await?;
    Ok(answer.into_inner())
}

/// Asks for a password and signs in with it.
async fn sign_in(guest: &Client, phone: &str) -> VerifyOtpResponse {
    request(guest, phone).await.unwrap();
    verify(guest, phone, CODE).await.unwrap()
}
