//! Reading orders: by id, by number, as a guest, and whose orders a list shows.

use super::Orders;
use super::access;
use super::change::Told;
use super::model::Order;
use super::store::{self, Scope};
use crate::kernel::id::StoreId;
use crate::kernel::phone::Phone;
use crate::kernel::{Call, Error, Reason, Result};
use crate::services::stores::Needed;
use crate::services::users;

impl Orders {
    /// An order with its history, when the caller may see it.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn told(
        &self,
        call: &Call,
        found: Option<Order>,
        token: Option<&str>,
    ) -> Result<Told> {
        let conn = self.0.db.read();
        let (order, _) = access::visible(&self.0, conn, call, found, token).await?;
        let history = store::history(conn, order.id).await?;
        Ok((order, history))
    }

    /// A guest's order by its number and the phone it was placed with.
    ///
    /// # Errors
    /// NOT_FOUND, the same for a wrong number, a wrong phone and an order of an account.
    pub(super) async fn track(&self, number: &str, phone: &str) -> Result<Told> {
        let conn = self.0.db.read();
        let phone = self.phone(phone).ok();
        let found = store::find_by_number(conn, number).await?;
        let order = found
            .filter(|order| order.user.is_none())
            .filter(|order| {
                phone
                    .as_ref()
                    .is_some_and(|it| it.as_str() == order.receiver.phone)
            })
            .ok_or_else(access::not_found)?;
        let history = store::history(conn, order.id).await?;
        Ok((order, history))
    }

    /// The phone whose guest orders the caller may list: the caller's own, proven one.
    ///
    /// # Errors
    /// INVALID_PHONE; OTP_REQUIRED for everyone else, whoever they are.
    pub(super) async fn proven_phone(&self, call: &Call, phone: &str) -> Result<String> {
        let phone = self.phone(phone)?;
        let known = match call.caller.user_id() {
            Some(user) => users::find(self.0.db.read(), user).await?,
            None => None,
        };
        let proven = known
            .filter(|user| user.phone_verified)
            .and_then(|user| user.phone);
        if proven.as_deref() == Some(phone.as_str()) {
            return Ok(phone.as_str().to_owned());
        }
        let message = "prove this phone number by a one-time password first";
        Err(Error::new(Reason::OtpRequired, message))
    }

    fn phone(&self, text: &str) -> Result<Phone> {
        Phone::parse(text, self.0.settings.default_phone_country.as_deref())
    }

    /// Whose orders a seller's list shows: those of the named store, or of all the
    /// caller's stores; administrators see all.
    ///
    /// # Errors
    /// NOT_FOUND and FORBIDDEN for the named store.
    pub(super) async fn seller_scope(&self, call: &Call, store: Option<StoreId>) -> Result<Scope> {
        let conn = self.0.db.read();
        if let Some(id) = store {
            self.0
                .stores
                .require_member(conn, call, id, Needed::Staff)
                .await?;
            return Ok(Scope::Stores(vec![id]));
        }
        if call.caller.is_admin() {
            return Ok(Scope::All);
        }
        Ok(Scope::Stores(
            self.0.stores.stores_of_user(conn, call.user()?).await?,
        ))
    }
}

impl Scope {
    /// Demands that there is a store to speak of.
    ///
    /// # Errors
    /// FORBIDDEN for a caller without a store.
    pub(super) fn of_a_seller(self) -> Result<Self> {
        match self {
            Self::Stores(stores) if stores.is_empty() => {
                Err(Error::forbidden("only members of a store see its sums"))
            }
            scope => Ok(scope),
        }
    }
}
