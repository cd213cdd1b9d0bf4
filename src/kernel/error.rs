//! The one error type of souk: a status code, a machine-readable reason, a public
//! message, and a hidden source that never leaves the process.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The result of everything that can be refused or fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The gRPC status codes that souk answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The request is wrong, whatever the state.
    InvalidArgument,
    /// No valid proof of identity.
    Unauthenticated,
    /// Known, but not allowed.
    PermissionDenied,
    /// Does not exist, or the caller may not know of it.
    NotFound,
    /// Exists already.
    AlreadyExists,
    /// A concurrent call won; a retry may work.
    Aborted,
    /// The state does not allow it now.
    FailedPrecondition,
    /// Beyond what is kept.
    OutOfRange,
    /// A limit is reached.
    ResourceExhausted,
    /// A part of the system is away; a retry may work.
    Unavailable,
    /// The call's time is up.
    DeadlineExceeded,
    /// A fault of ours.
    Internal,
}

macro_rules! reasons {
    ($($reason:ident $word:literal $code:ident;)*) => {
        /// Why a call was refused, in a word that clients may depend on. The same
        /// words as `souk.common.v1.ErrorReason` in the contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $(#[doc = concat!("`", $word, "`")] $reason,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$reason,)*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$reason => $word,)* }
            }

            /// The status code that goes with it.
            pub const fn code(self) -> Code {
                match self { $(Self::$reason => Code::$code,)* }
            }
        }
    };
}

reasons! {
    InvalidPhone "INVALID_PHONE" InvalidArgument;
    OtpInvalidOrExpired "OTP_INVALID_OR_EXPIRED" InvalidArgument;
    OtpRateLimited "OTP_RATE_LIMITED" ResourceExhausted;
    OtpRequired "OTP_REQUIRED" Unauthenticated;
    InvalidCredentials "INVALID_CREDENTIALS" Unauthenticated;
    TokenMissing "TOKEN_MISSING" Unauthenticated;
    TokenInvalid "TOKEN_INVALID" Unauthenticated;
    TokenExpired "TOKEN_EXPIRED" Unauthenticated;
    SessionRevoked "SESSION_REVOKED" Unauthenticated;
    RefreshReused "REFRESH_REUSED" Unauthenticated;
    AccountInactive "ACCOUNT_INACTIVE" PermissionDenied;
    EmailTaken "EMAIL_TAKEN" AlreadyExists;
    PhoneTaken "PHONE_TAKEN" AlreadyExists;
    RoleNotAllowed "ROLE_NOT_ALLOWED" PermissionDenied;
    SellerCategoryRequired "SELLER_CATEGORY_REQUIRED" InvalidArgument;
    UserHasOpenOrders "USER_HAS_OPEN_ORDERS" FailedPrecondition;
    AddressLimit "ADDRESS_LIMIT" FailedPrecondition;
    LastAdmin "LAST_ADMIN" FailedPrecondition;
    LinkInvalidOrExpired "LINK_INVALID_OR_EXPIRED" InvalidArgument;
    NothingToVerify "NOTHING_TO_VERIFY" FailedPrecondition;
    UserHasOpenOffers "USER_HAS_OPEN_OFFERS" FailedPrecondition;

    ValidationError "VALIDATION_ERROR" InvalidArgument;
    Forbidden "FORBIDDEN" PermissionDenied;
    NotFound "NOT_FOUND" NotFound;
    Conflict "CONFLICT" Aborted;
    RateLimitExceeded "RATE_LIMIT_EXCEEDED" ResourceExhausted;
    IdempotencyKeyReused "IDEMPOTENCY_KEY_REUSED" AlreadyExists;
    IdempotencyInProgress "IDEMPOTENCY_IN_PROGRESS" Aborted;
    PayloadTooLarge "PAYLOAD_TOO_LARGE" ResourceExhausted;
    InternalError "INTERNAL_ERROR" Internal;
    Unavailable "UNAVAILABLE" Unavailable;
    DeadlineExceeded "DEADLINE_EXCEEDED" DeadlineExceeded;
    PageTokenInvalid "PAGE_TOKEN_INVALID" InvalidArgument;
    ResumeTokenInvalid "RESUME_TOKEN_INVALID" InvalidArgument;
    ResumeTokenExpired "RESUME_TOKEN_EXPIRED" OutOfRange;
    StreamTooSlow "STREAM_TOO_SLOW" ResourceExhausted;
    StreamLimitExceeded "STREAM_LIMIT_EXCEEDED" ResourceExhausted;

    StoreNotActive "STORE_NOT_ACTIVE" FailedPrecondition;
    StoreHasOpenOrders "STORE_HAS_OPEN_ORDERS" FailedPrecondition;
    StoreOwnerFixed "STORE_OWNER_FIXED" FailedPrecondition;
    ProductNotFound "PRODUCT_NOT_FOUND" NotFound;
    ProductNotVisible "PRODUCT_NOT_VISIBLE" NotFound;
    CategoryNotEmpty "CATEGORY_NOT_EMPTY" FailedPrecondition;
    SlugTaken "SLUG_TAKEN" AlreadyExists;
    SkuTaken "SKU_TAKEN" AlreadyExists;
    CmsManaged "CMS_MANAGED" PermissionDenied;
    FileTooLarge "FILE_TOO_LARGE" InvalidArgument;
    UnsupportedMedia "UNSUPPORTED_MEDIA" InvalidArgument;
    UploadNotFound "UPLOAD_NOT_FOUND" NotFound;

    OutOfStock "OUT_OF_STOCK" FailedPrecondition;
    MinQuantity "MIN_QUANTITY" FailedPrecondition;
    CartEmpty "CART_EMPTY" FailedPrecondition;
    PriceChanged "PRICE_CHANGED" Aborted;
    PromoInvalid "PROMO_INVALID" FailedPrecondition;
    PromoExpired "PROMO_EXPIRED" FailedPrecondition;
    PromoMinOrder "PROMO_MIN_ORDER" FailedPrecondition;
    ReservationExpired "RESERVATION_EXPIRED" Aborted;
    InvalidStatusTransition "INVALID_STATUS_TRANSITION" FailedPrecondition;
    CancelNotAllowed "CANCEL_NOT_ALLOWED" FailedPrecondition;
    UnknownWilaya "UNKNOWN_WILAYA" InvalidArgument;
    StopDeskUnavailable "STOP_DESK_UNAVAILABLE" FailedPrecondition;
    ShippingUnavailable "SHIPPING_UNAVAILABLE" FailedPrecondition;
    MinOrderAmount "MIN_ORDER_AMOUNT" FailedPrecondition;
    OutOfDeliveryArea "OUT_OF_DELIVERY_AREA" FailedPrecondition;
    OwnProduct "OWN_PRODUCT" FailedPrecondition;
    MixedItems "MIXED_ITEMS" InvalidArgument;
    MixedCurrencies "MIXED_CURRENCIES" FailedPrecondition;

    PaymentMethodUnsupported "PAYMENT_METHOD_UNSUPPORTED" InvalidArgument;
    PaymentFailed "PAYMENT_FAILED" FailedPrecondition;
    PaymentAlreadyDone "PAYMENT_ALREADY_DONE" AlreadyExists;
    RefundExceeds "REFUND_EXCEEDS" FailedPrecondition;
    CurrencyUnsupported "CURRENCY_UNSUPPORTED" InvalidArgument;
    PaymentProviderUnavailable "PAYMENT_PROVIDER_UNAVAILABLE" Unavailable;
    SignatureInvalid "SIGNATURE_INVALID" InvalidArgument;
    SignatureExpired "SIGNATURE_EXPIRED" InvalidArgument;

    AlreadyTaken "ALREADY_TAKEN" AlreadyExists;
    NotApproved "NOT_APPROVED" PermissionDenied;
    PartnerOffline "PARTNER_OFFLINE" FailedPrecondition;
    CodeMismatch "CODE_MISMATCH" InvalidArgument;
    JobLimit "JOB_LIMIT" FailedPrecondition;
    CodNotCollected "COD_NOT_COLLECTED" FailedPrecondition;

    NotATierSeller "NOT_A_TIER_SELLER" PermissionDenied;
    TierCannotTarget "TIER_CANNOT_TARGET" PermissionDenied;
    TierCannotRespond "TIER_CANNOT_RESPOND" PermissionDenied;
    OfferNotActive "OFFER_NOT_ACTIVE" FailedPrecondition;
    AuctionNotStarted "AUCTION_NOT_STARTED" FailedPrecondition;
    AuctionEnded "AUCTION_ENDED" FailedPrecondition;
    BidTooLow "BID_TOO_LOW" FailedPrecondition;
    QuantityOutOfRange "QUANTITY_OUT_OF_RANGE" InvalidArgument;
    ResponsePending "RESPONSE_PENDING" AlreadyExists;
    WrongResponseType "WRONG_RESPONSE_TYPE" InvalidArgument;
    OfferLocked "OFFER_LOCKED" FailedPrecondition;

    ReelNotReady "REEL_NOT_READY" Aborted;
    CommentLength "COMMENT_LENGTH" InvalidArgument;
    TierUnavailable "TIER_UNAVAILABLE" InvalidArgument;
    OwnService "OWN_SERVICE" FailedPrecondition;
    AlreadyReviewed "ALREADY_REVIEWED" AlreadyExists;
    NotCompleted "NOT_COMPLETED" FailedPrecondition;
    Blocked "BLOCKED" PermissionDenied;
    RestrictedContent "RESTRICTED_CONTENT" InvalidArgument;

    JobNotRetryable "JOB_NOT_RETRYABLE" FailedPrecondition;
    JobNotCancellable "JOB_NOT_CANCELLABLE" FailedPrecondition;
}

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The JSON path of the field, such as `items[0].quantity`.
    pub field: String,
    /// What is wrong with it, as a sentence without the field's name.
    pub message: String,
}

/// A refusal or a failure.
///
/// The outward parts (reason, message, violations, metadata) reach the caller. The
/// source is for the log alone.
pub struct Error(Box<Inner>);

struct Inner {
    reason: Reason,
    message: Cow<'static, str>,
    violations: Vec<Violation>,
    metadata: BTreeMap<&'static str, String>,
    retry_after: Option<Duration>,
    is_permanent: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A refusal with a public message.
    pub fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            reason,
            message: message.into(),
            violations: Vec::new(),
            metadata: BTreeMap::new(),
            retry_after: None,
            is_permanent: false,
            source: None,
        }))
    }

    /// A refusal of one field: VALIDATION_ERROR that names it.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![Violation {
            field: field.into(),
            message: message.into(),
        }])
    }

    /// A refusal of several fields at once.
    pub fn fields(violations: Vec<Violation>) -> Self {
        let message = match violations.first() {
            Some(first) => format!("{} {}", first.field, first.message),
            None => "the request is not valid".to_owned(),
        };
        let mut error = Self::new(Reason::ValidationError, message);
        error.0.violations = violations;
        error
    }

    /// The named thing does not exist, or the caller may not know of it.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(Reason::NotFound, format!("{what} not found"))
    }

    /// Known, but the caller may not do this.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Reason::Forbidden, message)
    }

    /// A fault of ours; the source is logged, never shown.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Reason::InternalError, "internal error").caused_by(source)
    }

    /// Something souk depends on is away for now.
    pub fn unavailable(
        message: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::new(Reason::Unavailable, message)
            .caused_by(source)
            .retry_after(Duration::from_secs(1))
    }

    /// There is no room for it now: too much runs or arrives at once.
    pub fn busy() -> Self {
        Self::new(
            Reason::RateLimitExceeded,
            "the server is busy, try again in a moment",
        )
        .retry_after(Duration::from_secs(1))
    }

    /// Adds a violation, so that the refusal names the field at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        let message = self.0.message.to_string();
        self.0.violations.push(Violation {
            field: field.into(),
            message,
        });
        self
    }

    /// Adds a violation with words of its own, for refusals of several fields.
    #[must_use]
    pub fn because(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.0.violations.push(Violation {
            field: field.into(),
            message: message.into(),
        });
        self
    }

    /// Adds a fact that a program can read, such as the allowed maximum.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.metadata.insert(key, value.to_string());
        self
    }

    /// Says when a retry makes sense.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Says that the same work will never succeed: a job that fails so is not tried again.
    #[must_use]
    pub fn permanently(mut self) -> Self {
        self.0.is_permanent = true;
        self
    }

    /// The error for one of several callers who waited for the same thing.
    pub fn shared(error: Arc<Self>) -> Self {
        Arc::try_unwrap(error).unwrap_or_else(|shared| {
            let copy = Self::new(shared.reason(), shared.message().to_owned());
            let copy = match shared.retry_delay() {
                Some(wait) => copy.retry_after(wait),
                None => copy,
            };
            copy.caused_by(shared)
        })
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The status code.
    pub fn code(&self) -> Code {
        self.0.reason.code()
    }

    /// The machine-readable reason.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// The public message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fields at fault.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// The facts for programs.
    pub fn metadata(&self) -> &BTreeMap<&'static str, String> {
        &self.0.metadata
    }

    /// Whether the same work will never succeed.
    pub fn is_permanent(&self) -> bool {
        self.0.is_permanent
    }

    /// When a retry makes sense.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.reason.as_str(), self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        let mut source = StdError::source(self);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
