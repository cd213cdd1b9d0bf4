//! How people come in: what the sign-in asks of their accounts.

use async_trait::async_trait;

use super::{User, changed, profile, save, store};
use crate::db::{Conn, Tx};
use crate::kernel::id::UserId;
use crate::kernel::phone::Phone;
use crate::kernel::{Code, Error, Result, Role};

/// An account that begins with an e-mail address.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The address, in lower case. It counts as not proven.
    pub email: String,
    /// The full name.
    pub name: Option<String>,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The phone. It counts as not proven, so it signs nobody in.
    pub phone: Option<Phone>,
    /// What the user does.
    pub role: Role,
}

/// Who has a password: the sign-in's to know.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// Whether the user has one.
    async fn has_password(&self, tx: &Tx, user: UserId) -> Result<bool>;
}

/// The open account of an e-mail address, proven or not.
///
/// # Errors
/// Those of the database.
pub async fn find_by_email(conn: &impl Conn, email: &str) -> Result<Option<User>> {
    store::find_by_email(conn, email).await
}

/// The open account, held until commit.
///
/// # Errors
/// NOT_FOUND when it is closed.
pub async fn lock(tx: &Tx, id: UserId) -> Result<User> {
    store::lock(tx, id).await
}

/// The account, if it is open, held until commit.
///
/// # Errors
/// Those of the database.
pub async fn lock_open(tx: &Tx, id: UserId) -> Result<Option<User>> {
    match store::lock(tx, id).await {
        Ok(user) => Ok(Some(user)),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The account, if it is open, kept as it is until commit; others may keep it too.
///
/// # Errors
/// Those of the database.
pub async fn hold(tx: &Tx, id: UserId) -> Result<Option<User>> {
    store::hold(tx, id).await
}

/// Whether anybody runs the marketplace.
///
/// # Errors
/// Those of the database.
pub async fn has_admin(tx: &Tx) -> Result<bool> {
    store::has_role(tx, Role::Admin).await
}

/// Opens an account by e-mail address.
///
/// # Errors
/// EMAIL_TAKEN, PHONE_TAKEN.
pub async fn create(tx: &Tx, new: &NewAccount) -> Result<User> {
    let user = profile::by_email(tx.now(), new);
    if store::insert(tx, &user).await? {
        changed(tx, &user, "user.created");
        return Ok(user);
    }
    Err(match store::find_by_email(tx.conn(), &new.email).await? {
        Some(_) => email_taken(),
        None => store::phone_taken(),
    })
}

/// The refusal of an e-mail address that an account has.
pub fn email_taken() -> Error {
    store::email_taken()
}

/// Notes that the e-mail address of a held account is proven.
///
/// # Errors
/// Those of the database.
pub async fn prove_email(tx: &Tx, user: User) -> Result<User> {
    if user.email_verified {
        return Ok(user);
    }
    let proven = User {
        email_verified: true,
        ..user
    };
    save(tx, proven).await
}

/// The account of a phone that its owner has just proven, made with `role` when there is
/// none; an existing account keeps its role. Holds the account's row until commit.
///
/// # Errors
/// Those of the database.
pub async fn find_or_create_by_phone(
    tx: &Tx,
    phone: &Phone,
    role: Role,
    passwords: &dyn Passwords,
) -> Result<User> {
    // Each further round has met somebody who signed up with the same phone meanwhile.
    for _ in 0..3 {
        if let Some(user) = store::lock_by_phone(tx, phone).await?
            && let Some(own) = claim(tx, user, passwords).await?
        {
            return Ok(own);
        }
        let user = profile::new(tx.now(), phone, role);
        if store::insert(tx, &user).await? {
            changed(tx, &user, "user.created");
            return Ok(user);
        }
    }
    Err(Error::internal("a taken phone has no account"))
}

/// The held account of a phone, for who has just proven the phone.
///
/// Whoever registers may name any phone. Who owns the phone must neither be locked out by
/// that nor be led into an account that a stranger enters: so an account with a password,
/// or with a proven e-mail address, loses a phone that it never proved. One that nobody
/// has entered, as administrators open them, belongs to who proves the phone.
async fn claim(tx: &Tx, user: User, passwords: &dyn Passwords) -> Result<Option<User>> {
    if user.phone_verified {
        return Ok(Some(user));
    }
    let by_email = user.email.is_some()
        && (user.email_verified || passwords.has_password(tx, user.user_id()).await?);
    if !by_email {
        let proven = User {
            phone_verified: true,
            ..user
        };
        return save(tx, proven).await.map(Some);
    }
    tracing::info!(user.id = %user.user_id(), "an account loses a phone that another proved");
    let without = User {
        phone: None,
        ..user
    };
    save(tx, without).await?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::db::Db;
    use crate::db::testing::on_each;
    use crate::kernel::{Clock, Time};

    fn clock() -> Clock {
        Clock::manual(Time::default() + Duration::from_secs(1_800_000_000))
    }

    fn phone() -> Phone {
        Phone::parse("0551234567", None).unwrap()
    }

    /// Everybody has a password, or nobody.
    struct All(bool);

    #[async_trait]
    impl Passwords for All {
        async fn has_password(&self, _: &Tx, _: UserId) -> Result<bool> {
            Ok(self.0)
        }
    }

    async fn prove(db: &Db, passwords: &All) -> User {
        let phone = &phone();
        let find = |tx| async move {
            find_or_create_by_phone(&tx, phone, Role::Customer, passwords).await
        };
        db.transact(find).await.unwrap()
    }

    #[tokio::test]
    async fn an_account_that_is_nothing_but_a_phone_is_its_owners() {
        on_each(clock(), async |db: Db| {
            let phone = &phone();
            let insert = |tx: Tx| async move {
                let user = User {
                    phone_verified: false,
                    ..profile::new(tx.now(), phone, Role::DeliveryPartner)
                };
                store::insert(&tx, &user).await?;
                Ok(user)
            };
            let made = db.transact(insert).await.unwrap();
            assert!(find_by_phone_is_none(&db).await);
            let found = prove(&db, &All(true)).await;
            assert_eq!((found.id, found.role()), (made.id, Role::DeliveryPartner));
            assert!(found.phone_verified);
            assert!(!find_by_phone_is_none(&db).await);
        })
        .await;
    }

    async fn find_by_phone_is_none(db: &Db) -> bool {
        let found = super::super::find_by_phone(db.read(), &phone()).await;
        found.unwrap().is_none()
    }

    /// An account that somebody made and to which they named the phone, without a proof.
    async fn claim_phone(db: &Db) -> User {
        let account = &NewAccount {
            email: "amina@example.dz".to_owned(),
            name: None,
            first_name: None,
            last_name: None,
            phone: Some(phone()),
            role: Role::StoreOwner,
        };
        db.transact(|tx| async move { create(&tx, account).await })
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn an_account_with_a_password_loses_a_phone_that_another_proves() {
        on_each(clock(), async |db: Db| {
            let made = claim_phone(&db).await;
            assert!(find_by_phone_is_none(&db).await);
            let owner = prove(&db, &All(true)).await;
            assert_ne!(owner.id, made.id);
            assert_eq!(owner.role(), Role::Customer);
            let before = find_by_email(db.read(), "amina@example.dz").await.unwrap();
            let before = before.unwrap();
            assert_eq!(
                (before.id, before.phone, before.version),
                (made.id, None, 2)
            );
        })
        .await;
    }

    #[tokio::test]
    async fn an_account_that_nobody_has_entered_is_entered_by_its_phone() {
        on_each(clock(), async |db: Db| {
            let made = claim_phone(&db).await;
            let owner = prove(&db, &All(false)).await;
            assert_eq!((owner.id, owner.role()), (made.id, Role::StoreOwner));
            assert!(owner.phone_verified && !owner.email_verified);
        })
        .await;
    }
}
