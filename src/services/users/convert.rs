//! Accounts and address books on the wire.

use super::addresses::Parts;
use super::profile::Changes;
use super::{Address, User};
use crate::grpc::convert::time_to_pb;
use crate::kernel::id::{AddressId, StoreId};
use crate::kernel::{Result, Role, Time};
use crate::pb::souk::common::v1 as common;
use crate::pb::souk::users::v1 as pb;

/// An account, as its owner sees it.
pub fn user_to_pb(user: &User) -> pb::User {
    let role = user.role();
    let User {
        id: _,
        phone,
        phone_verified: _,
        email,
        email_verified,
        name,
        first_name,
        last_name,
        role: _,
        avatar_url,
        bio,
        wilaya,
        preferred_store_id,
        is_active: _,
        version: _,
        created_at: _,
        updated_at: _,
        deleted_at: _,
    } = user.clone();
    pb::User {
        id: user.user_id().to_string(),
        phone,
        name,
        role: role_to_pb(role).into(),
        email_verified: email.is_some().then_some(email_verified),
        email,
        first_name,
        last_name,
        avatar_url,
        bio,
        wilaya,
        preferred_store_id: preferred_store_id.map(|id| StoreId::from(id).to_string()),
        seller_category: None,
        is_verified: None,
    }
}

fn role_to_pb(role: Role) -> pb::user::Role {
    match role {
        Role::Customer => pb::user::Role::Customer,
        Role::StoreOwner => pb::user::Role::StoreOwner,
        Role::DeliveryPartner => pb::user::Role::DeliveryPartner,
        Role::Freelancer => pb::user::Role::Freelancer,
        Role::Admin => pb::user::Role::Admin,
    }
}

/// The role that a request names, if it names one.
pub fn role_from_pb(role: pb::user::Role) -> Option<Role> {
    match role {
        pb::user::Role::Unspecified => None,
        pb::user::Role::Customer => Some(Role::Customer),
        pb::user::Role::StoreOwner => Some(Role::StoreOwner),
        pb::user::Role::DeliveryPartner => Some(Role::DeliveryPartner),
        pb::user::Role::Freelancer => Some(Role::Freelancer),
        pb::user::Role::Admin => Some(Role::Admin),
    }
}

/// What everybody may know.
pub(super) fn profile_to_pb(user: User) -> pb::PublicProfile {
    pb::PublicProfile {
        id: user.user_id().to_string(),
        name: user.name,
        avatar_url: user.avatar_url,
        seller_category: None,
        is_verified: None,
    }
}

/// An entry of an address book.
pub(super) fn address_to_pb(entry: Address) -> pb::UserAddress {
    let Address {
        id,
        user_id: _,
        title,
        street,
        line2,
        city,
        commune,
        state,
        wilaya,
        postal_code,
        country,
        latitude,
        longitude,
        is_default,
        created_at,
        updated_at,
    } = entry;
    pb::UserAddress {
        id: AddressId::from(id).to_string(),
        title,
        address: Some(common::Address {
            street,
            line2,
            city,
            commune,
            state,
            wilaya,
            postal_code,
            country,
            latitude,
            longitude,
        }),
        is_default,
        created_at: Some(time_to_pb(Time::from_micros(created_at))),
        updated_at: Some(time_to_pb(Time::from_micros(updated_at))),
    }
}

pub(super) fn changes_from_pb(request: pb::UpdateMeRequest) -> Result<Changes> {
    let pb::UpdateMeRequest {
        name,
        first_name,
        last_name,
        email,
        avatar_url,
        bio,
        wilaya,
        preferred_store_id,
    } = request;
    let preferred_store = match preferred_store_id.as_deref() {
        None => None,
        Some("") => Some(None),
        Some(id) => Some(Some(crate::grpc::id("preferredStoreId", id)?)),
    };
    Ok(Changes {
        name,
        first_name,
        last_name,
        email,
        avatar_url,
        bio,
        wilaya,
        preferred_store,
    })
}

pub(super) fn parts_from_pb(title: Option<String>, address: Option<common::Address>) -> Parts {
    let common::Address {
        street,
        line2,
        city,
        commune,
        state,
        wilaya,
        postal_code,
        country,
        latitude,
        longitude,
    } = address.unwrap_or_default();
    Parts {
        title,
        street,
        line2,
        city,
        commune,
        state,
        wilaya,
        postal_code,
        country,
        latitude,
        longitude,
    }
}
