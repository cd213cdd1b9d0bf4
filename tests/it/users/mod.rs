//! Accounts, profiles, address books, roles and tiers.

mod addresses;
mod admin;
mod admins;
mod lists;
mod profile;
mod roles;
mod tiers;

use souk::pb::souk::users::v1::{GetMeRequest, User};
use tonic::Status;

use crate::support::Client;

/// The own account.
async fn me(client: &Client) -> Result<User, Status> {
    let answer = client.users().get_me(GetMeRequest {}).await?;
    Ok(answer.into_inner().user.unwrap())
}
