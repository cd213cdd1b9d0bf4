//! Accounts and address books on the wire.

use super::addresses::Parts;
use super::admin::{Contact, Filter, NewAccount};
use super::profile::Changes;
use super::roles::SellerCategory;
use super::{Address, User};
use crate::grpc::convert::{address_from_pb, time_to_pb};
use crate::kernel::id::{AddressId, StoreId};
use crate::kernel::phone::Phone;
use crate::kernel::{Error, Result, Role, Time};
use crate::pb::souk::common::v1 as common;
use crate::pb::souk::users::v1 as pb;

/// An account, as its owner sees it.
pub fn user_to_pb(user: &User) -> pb::User {
    let (role, category) = (user.role(), user.seller_category());
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
        seller_category: _,
        former_category: _,
        is_verified,
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
        seller_category: category.map(|category| category_to_pb(category).into()),
        is_verified: category.map(|_| is_verified),
    }
}

/// An account, as administrators see it.
pub(super) fn account_to_pb(user: &User) -> pb::Account {
    pb::Account {
        user: Some(user_to_pb(user)),
        is_active: user.is_active,
        phone_verified: user.phone_verified,
        created_at: Some(time_to_pb(Time::from_micros(user.created_at))),
        updated_at: Some(time_to_pb(Time::from_micros(user.updated_at))),
    }
}

fn category_to_pb(category: SellerCategory) -> pb::user::SellerCategory {
    match category {
        SellerCategory::Importateur => pb::user::SellerCategory::Importateur,
        SellerCategory::Grossiste => pb::user::SellerCategory::Grossiste,
        SellerCategory::Fournisseur => pb::user::SellerCategory::Fournisseur,
    }
}

/// The tier that a request names, if it names one.
pub fn category_from_pb(category: pb::user::SellerCategory) -> Option<SellerCategory> {
    match category {
        pb::user::SellerCategory::Unspecified => None,
        pb::user::SellerCategory::Importateur => Some(SellerCategory::Importateur),
        pb::user::SellerCategory::Grossiste => Some(SellerCategory::Grossiste),
        pb::user::SellerCategory::Fournisseur => Some(SellerCategory::Fournisseur),
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
    let category = user.seller_category();
    pb::PublicProfile {
        id: user.user_id().to_string(),
        seller_category: category.map(|category| category_to_pb(category).into()),
        is_verified: category.map(|_| user.is_verified),
        name: user.name,
        avatar_url: user.avatar_url,
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
        phone: None,
        avatar_url,
        bio,
        wilaya,
        preferred_store,
    })
}

/// What an administrator changes; `country` is the calling code for phone numbers that
/// tell none.
pub(super) fn admin_changes_from_pb(
    request: pb::UpdateUserRequest,
    country: Option<&str>,
) -> Result<Changes> {
    let pb::UpdateUserRequest {
        id: _,
        phone,
        email,
        name,
        first_name,
        last_name,
        avatar_url,
        bio,
        wilaya,
    } = request;
    Ok(Changes {
        name,
        first_name,
        last_name,
        email,
        phone: phone_from_pb(phone, country)?,
        avatar_url,
        bio,
        wilaya,
        preferred_store: None,
    })
}

/// `country` is the calling code for phone numbers that tell none.
pub(super) fn new_account_from_pb(
    request: pb::CreateUserRequest,
    country: Option<&str>,
) -> Result<NewAccount> {
    let (role, category) = (request.role(), request.seller_category());
    let pb::CreateUserRequest {
        phone,
        email,
        role: _,
        seller_category: _,
        name,
        first_name,
        last_name,
        wilaya,
    } = request;
    Ok(NewAccount {
        role: role_from_pb(role).unwrap_or(Role::Customer),
        category: category_from_pb(category),
        changes: Changes {
            name,
            first_name,
            last_name,
            email,
            phone: phone_from_pb(phone, country)?,
            avatar_url: None,
            bio: None,
            wilaya,
            preferred_store: None,
        },
    })
}

fn phone_from_pb(phone: Option<String>, country: Option<&str>) -> Result<Option<Phone>> {
    phone.map(|text| Phone::parse(&text, country)).transpose()
}

/// Which accounts a request asks for; its paging is taken out already.
pub(super) fn filter_from_pb(
    request: &pb::ListUsersRequest,
    country: Option<&str>,
) -> Result<Filter> {
    Ok(Filter {
        role: role_from_pb(request.role()),
        category: category_from_pb(request.seller_category()),
        is_active: request.is_active,
        contact: contact_from_pb(&request.contact, country)?,
    })
}

fn contact_from_pb(text: &str, country: Option<&str>) -> Result<Option<Contact>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.contains('@') {
        return Ok(Some(Contact::Email(text.to_lowercase())));
    }
    let phone = Phone::parse(text, country).map_err(|error| {
        Error::field("contact", "must be a phone number or an e-mail address").caused_by(error)
    })?;
    Ok(Some(Contact::Phone(phone)))
}

pub(super) fn parts_from_pb(title: Option<String>, address: Option<common::Address>) -> Parts {
    Parts {
        title,
        address: address_from_pb(address.unwrap_or_default()),
    }
}
