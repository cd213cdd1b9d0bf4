//! Roles and tiers: what may become of an account. The rules are pure; [`choose_role`]
//! is what users do with their own account.

use super::{Open, User, save_in_tier, store};
use crate::db::Tx;
use crate::kernel::id::UserId;
use crate::kernel::{Error, Reason, Result, Role};

/// Where a seller stands in the supply chain: the tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SellerCategory {
    /// Brings goods into the country.
    Importateur,
    /// Sells in bulk.
    Grossiste,
    /// Sells to consumers.
    Fournisseur,
}

impl SellerCategory {
    /// Every tier, the first one first.
    pub const ALL: [Self; 3] = [Self::Importateur, Self::Grossiste, Self::Fournisseur];

    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Importateur => "IMPORTATEUR",
            Self::Grossiste => "GROSSISTE",
            Self::Fournisseur => "FOURNISSEUR",
        }
    }

    /// The tier of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|category| category.as_str() == word)
    }
}

/// The account in another role. Who stops selling has no tier any more; it is remembered,
/// since leaving is no way into another one.
pub(super) fn with_role(user: User, role: Role) -> User {
    let user = User {
        role: role.as_str().to_owned(),
        ..user
    };
    if role == Role::StoreOwner {
        return user;
    }
    let former = user.seller_category.clone();
    User {
        former_category: former.or_else(|| user.former_category.clone()),
        ..with_category(user, None)
    }
}

/// The account in another tier, or in none. Only the tier that it was verified for stays
/// verified.
pub(super) fn with_category(user: User, category: Option<SellerCategory>) -> User {
    User {
        is_verified: user.is_verified && user.seller_category() == category,
        seller_category: category.map(|category| category.as_str().to_owned()),
        ..user
    }
}

/// Whether a seller stops being one.
pub(super) fn stops_selling(user: &User, role: Role) -> bool {
    user.role() == Role::StoreOwner && role != Role::StoreOwner
}

/// The account as its owner wants it to be.
///
/// # Errors
/// ROLE_NOT_ALLOWED, SELLER_CATEGORY_REQUIRED, VALIDATION_ERROR for a tier of somebody
/// who does not sell.
fn chosen(user: User, role: Role, category: Option<SellerCategory>) -> Result<User> {
    if !is_free(role) {
        return Err(not_allowed("nobody gives this role to themselves").at("role"));
    }
    if !is_free(user.role()) {
        return Err(not_allowed("only an administrator changes your role"));
    }
    if role != Role::StoreOwner {
        return match category {
            None => Ok(with_role(user, role)),
            Some(_) => Err(only_sellers()),
        };
    }
    let known = user.seller_category().or_else(|| user.former_category());
    let category = match (known, category) {
        (None, None) => return Err(category_required("name the tier that you sell in")),
        (Some(kept), Some(named)) if kept != named => {
            return Err(not_allowed("only an administrator changes your tier").at("sellerCategory"));
        }
        (Some(kept), _) => kept,
        (None, Some(named)) => named,
    };
    Ok(with_category(with_role(user, role), Some(category)))
}

/// The roles that a user may take up and lay down without being asked.
const fn is_free(role: Role) -> bool {
    matches!(role, Role::Customer | Role::StoreOwner | Role::Freelancer)
}

fn not_allowed(message: &'static str) -> Error {
    Error::new(Reason::RoleNotAllowed, message)
}

/// There is no tier where one is needed.
pub(super) fn category_required(message: &'static str) -> Error {
    Error::new(Reason::SellerCategoryRequired, message).at("sellerCategory")
}

/// A tier was named for somebody who does not sell.
pub(super) fn only_sellers() -> Error {
    Error::field("sellerCategory", "is for the role STORE_OWNER alone")
}

/// Gives the user the role that the user wants; sessions stay.
///
/// # Errors
/// ROLE_NOT_ALLOWED, SELLER_CATEGORY_REQUIRED, VALIDATION_ERROR for a tier of somebody
/// who does not sell; USER_HAS_OPEN_ORDERS and USER_HAS_OPEN_OFFERS when a seller with
/// such would stop being one.
pub async fn choose_role(
    tx: &Tx,
    open: &Open,
    id: UserId,
    role: Role,
    category: Option<SellerCategory>,
) -> Result<User> {
    let before = store::lock(tx, id).await?;
    let after = chosen(before.clone(), role, category)?;
    if after == before {
        return Ok(before);
    }
    may_stop_selling(tx, open, &before, role).await?;
    save_in_tier(tx, after, before.seller_category()).await
}

/// Refuses to let a seller go whose orders or offers are open.
///
/// # Errors
/// USER_HAS_OPEN_ORDERS, USER_HAS_OPEN_OFFERS.
pub(super) async fn may_stop_selling(tx: &Tx, open: &Open, user: &User, role: Role) -> Result<()> {
    if !stops_selling(user, role) {
        return Ok(());
    }
    let (id, waits) = (user.user_id(), "the role can change");
    open.require_no_orders(tx, id, waits).await?;
    open.require_no_offers(tx, id, waits).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Time;
    use crate::kernel::phone::Phone;
    use crate::services::users::profile;
    use SellerCategory::{Fournisseur, Grossiste};

    fn user(role: Role) -> User {
        let phone = Phone::parse("0551234567", None).unwrap();
        profile::new(Time::from_micros(1_000), &phone, role)
    }

    fn seller(category: SellerCategory) -> User {
        User {
            is_verified: true,
            ..with_category(user(Role::StoreOwner), Some(category))
        }
    }

    /// Sold once, in two other roles since.
    fn left(category: SellerCategory) -> User {
        with_role(
            with_role(seller(category), Role::Customer),
            Role::Freelancer,
        )
    }

    #[test]
    fn a_tier_goes_with_the_role_and_the_mark_with_the_tier() {
        let same = with_category(seller(Grossiste), Some(Grossiste));
        assert!(same.is_verified);
        let other = with_category(seller(Grossiste), Some(Fournisseur));
        assert_eq!(other.seller_category(), Some(Fournisseur));
        assert!(!other.is_verified);
        let before = seller(Grossiste);
        assert_eq!(with_role(before.clone(), Role::StoreOwner), before);
        let gone = with_role(seller(Grossiste), Role::Freelancer);
        assert_eq!((gone.seller_category(), gone.is_verified), (None, false));
    }

    #[test]
    fn a_user_chooses_among_the_free_roles_and_names_a_tier_once() {
        use Reason::{RoleNotAllowed, SellerCategoryRequired, ValidationError};
        use Role::{Admin, Customer, DeliveryPartner, Freelancer, StoreOwner};
        let some = Some(Grossiste);
        let cases = [
            (user(Customer), Freelancer, None, Ok((Freelancer, None))),
            (user(Freelancer), Customer, None, Ok((Customer, None))),
            (user(Customer), StoreOwner, some, Ok((StoreOwner, some))),
            (user(StoreOwner), StoreOwner, some, Ok((StoreOwner, some))),
            (seller(Grossiste), StoreOwner, None, Ok((StoreOwner, some))),
            (seller(Grossiste), StoreOwner, some, Ok((StoreOwner, some))),
            (seller(Grossiste), Customer, None, Ok((Customer, None))),
            (seller(Fournisseur), StoreOwner, some, Err(RoleNotAllowed)),
            (
                user(Customer),
                StoreOwner,
                None,
                Err(SellerCategoryRequired),
            ),
            (
                user(StoreOwner),
                StoreOwner,
                None,
                Err(SellerCategoryRequired),
            ),
            (left(Grossiste), StoreOwner, None, Ok((StoreOwner, some))),
            (left(Grossiste), StoreOwner, some, Ok((StoreOwner, some))),
            (left(Fournisseur), StoreOwner, some, Err(RoleNotAllowed)),
            (user(Customer), Freelancer, some, Err(ValidationError)),
            (user(Customer), Admin, None, Err(RoleNotAllowed)),
            (user(Customer), DeliveryPartner, None, Err(RoleNotAllowed)),
            (user(Admin), Customer, None, Err(RoleNotAllowed)),
            (user(DeliveryPartner), Customer, None, Err(RoleNotAllowed)),
        ];
        for (before, role, category, expected) in cases {
            let was = before.role();
            let after = chosen(before, role, category);
            let after = after.map(|user| (user.role(), user.seller_category()));
            let after = after.map_err(|error| error.reason());
            assert_eq!(after, expected, "{was:?} to {role:?} {category:?}");
        }
    }
}
