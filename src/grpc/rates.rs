//! How often callers may call: the limits of each rate class.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::cache::Limit;
use crate::pb::policy::Rate;

macro_rules! classes {
    ($($(#[$doc:meta])* $class:ident $rate:ident $variable:literal $key:literal $calls:literal;)*) => {
        /// A class of calls that are counted together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Class { $($(#[$doc])* $class,)* }

        impl Class {
            /// Every class.
            pub const ALL: [Self; COUNT] = [$(Self::$class,)*];

            /// The environment variable of its limit, and the place in the file.
            pub const fn setting(self) -> (&'static str, &'static str) {
                match self { $(Self::$class => ($variable, $key),)* }
            }

            /// Whether calls of it guess at secrets or cost money: without a count, no call.
            pub const fn is_strict(self) -> bool {
                matches!(self, Self::Otp | Self::Login)
            }

            /// The limit of so many calls in so long.
            pub const fn limit(self, count: NonZeroU32, period: Duration) -> Limit {
                let (_, class) = self.setting();
                Limit { class, count, period }
            }

            /// What applies unless the settings say otherwise.
            fn standard(self) -> Option<Limit> {
                let per_minute = match self { $(Self::$class => $calls,)* };
                let count = NonZeroU32::new(per_minute)?;
                Some(self.limit(count, Duration::from_secs(60)))
            }

            /// The class that the contract names; nothing for calls that are not counted.
            pub const fn of(rate: Rate) -> Option<Self> {
                match rate {
                    $(Rate::$rate => Some(Self::$class),)*
                    Rate::Unlimited => None,
                }
            }
        }
    };
}

const COUNT: usize = 13;

classes! {
    /// Reads.
    Read Read "RATE_READ" "rates.read" 1200;
    /// Ordinary writes.
    Write Write "RATE_WRITE" "rates.write" 240;
    /// One-time passwords.
    Otp Otp "RATE_OTP" "rates.otp" 30;
    /// Sign-in and refresh.
    Login Login "RATE_LOGIN" "rates.login" 30;
    /// Orders and quotes.
    Checkout Checkout "RATE_CHECKOUT" "rates.checkout" 60;
    /// Opening of streams.
    Stream Stream "RATE_STREAM" "rates.stream" 120;
    /// Providers' webhooks.
    Webhook WebhookCalls "RATE_WEBHOOK_CALLS" "rates.webhook_calls" 600;
    /// Administration.
    Admin AdminCalls "RATE_ADMIN_CALLS" "rates.admin_calls" 240;
    /// Likes.
    Like Like "RATE_LIKE" "rates.like" 10;
    /// Comments.
    Comment Comment "RATE_COMMENT" "rates.comment" 5;
    /// Views.
    View View "RATE_VIEW" "rates.view" 60;
    /// Files.
    Upload Upload "RATE_UPLOAD" "rates.upload" 60;
    /// Bids and other responses to offers.
    Bid Bid "RATE_BID" "rates.bid" 300;
}

/// The limit of each class; nothing where calls are not counted.
#[derive(Debug, Clone)]
pub struct Rates([Option<Limit>; COUNT]);

impl Default for Rates {
    fn default() -> Self {
        Self(Class::ALL.map(Class::standard))
    }
}

impl Rates {
    /// No limits at all.
    pub const fn off() -> Self {
        Self([None; COUNT])
    }

    /// The limit of a class.
    pub const fn of(&self, class: Class) -> Option<&Limit> {
        self.0[class as usize].as_ref()
    }

    /// Changes the limit of a class.
    pub const fn set(&mut self, class: Class, limit: Option<Limit>) {
        self.0[class as usize] = limit;
    }
}
