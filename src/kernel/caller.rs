//! Who calls, and what every call carries besides its message.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::id::{SessionId, UserId};
use super::{Error, Reason, Result};

/// The primary role of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A buyer.
    Customer,
    /// Owns at least one store.
    StoreOwner,
    /// Delivers orders.
    DeliveryPartner,
    /// Sells services.
    Freelancer,
    /// Runs the marketplace.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [
        Self::Customer,
        Self::StoreOwner,
        Self::DeliveryPartner,
        Self::Freelancer,
        Self::Admin,
    ];

    /// The word of the contract, the database and the access token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::StoreOwner => "STORE_OWNER",
            Self::DeliveryPartner => "DELIVERY_PARTNER",
            Self::Freelancer => "FREELANCER",
            Self::Admin => "ADMIN",
        }
    }

    /// The role of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Nobody in particular.
    Anonymous,
    /// A signed-in user.
    User {
        /// The account.
        id: UserId,
        /// Its role.
        role: Role,
        /// The session that the access token belongs to.
        session: SessionId,
    },
    /// A part of souk itself: jobs, the demo, the command line.
    System,
}

impl Caller {
    /// The signed-in user, if any.
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::Anonymous | Self::System => None,
        }
    }

    /// Whether the caller may act on everything.
    pub const fn is_admin(&self) -> bool {
        matches!(
            self,
            Self::User {
                role: Role::Admin,
                ..
            } | Self::System
        )
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::User { id, .. } => id.fmt(f),
            Self::System => f.write_str("system"),
        }
    }
}

/// The caller's wish that this call takes effect at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// 1–255 visible characters chosen by the client.
    pub key: String,
    /// SHA-256 of the request message: the same key with another request is refused.
    pub request_hash: [u8; 32],
}

/// What every call carries besides its message.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// The full gRPC path, `/souk.orders.v1.OrderService/PlaceOrder`.
    pub method: &'static str,
    /// Correlates logs, errors and the caller's report.
    pub request_id: Arc<str>,
    /// The client's address, after trusted proxies.
    pub ip: Option<IpAddr>,
    /// The client's own words about itself, cut to 200 characters.
    pub user_agent: Option<Arc<str>>,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// Set when the caller sent an `Idempotency-Key`.
    pub idempotency: Option<Idempotency>,
    /// What an administrator asks to change, as JSON without secrets: the write path
    /// puts it into the audit log. Unset for reads and for everybody else.
    pub audit: Option<Arc<str>>,
}

impl Call {
    /// A call that souk makes itself.
    pub fn system(method: &'static str) -> Self {
        Self {
            caller: Caller::System,
            method,
            request_id: Arc::from("system"),
            ip: None,
            user_agent: None,
            deadline: None,
            idempotency: None,
            audit: None,
        }
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// UNAUTHENTICATED when nobody is signed in.
    pub fn user(&self) -> Result<UserId> {
        self.caller
            .user_id()
            .ok_or_else(|| Error::new(Reason::TokenMissing, "sign in to call this method"))
    }
}
