//! Typed identifiers: a prefix, an underscore and a UUIDv7 in the 26-character
//! base32 of the TypeID specification 0.3 (<https://github.com/jetify-com/typeid>).
//!
//! The prefix is part of the Rust type, so ids of two kinds cannot be mixed. The
//! database stores the plain UUID.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use uuid::Uuid;

use super::Time;
use super::random;

/// What an id identifies.
pub trait Kind {
    /// The part before the underscore, lower case.
    const PREFIX: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $prefix:literal => $alias:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}
        impl Kind for $kind { const PREFIX: &'static str = $prefix; }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    /// A person's account.
    User = "usr" => UserId;
    /// A signed-in device.
    Session = "ses" => SessionId;
    /// An entry of an address book.
    Address = "addr" => AddressId;
    /// A store.
    Store = "store" => StoreId;
    /// A node of the category tree.
    Category = "cat" => CategoryId;
    /// A product.
    Product = "prod" => ProductId;
    /// An image of a product.
    Image = "img" => ImageId;
    /// The stock of one product in one store.
    Stock = "stock" => StockId;
    /// One change of stock.
    Movement = "mov" => MovementId;
    /// Stock held for a buyer.
    Reservation = "res" => ReservationId;
    /// A line of a cart.
    CartLine = "line" => CartLineId;
    /// An order.
    Order = "ord" => OrderId;
    /// A line of an order.
    OrderItem = "item" => OrderItemId;
    /// The orders that one checkout made together.
    CheckoutGroup = "chk" => CheckoutGroupId;
    /// A file.
    Media = "media" => MediaId;
    /// A short video of a product.
    Reel = "reel" => ReelId;
    /// A comment to a reel.
    ReelComment = "cmt" => ReelCommentId;
    /// A complaint about a reel or a comment.
    ReelReport = "rpt" => ReelReportId;
    /// A word that no caption and no comment may hold.
    BlockedWord = "word" => BlockedWordId;
    /// An offer between businesses.
    Offer = "offer" => OfferId;
    /// What a buyer answered to an offer.
    OfferResponse = "resp" => OfferResponseId;
    /// A durable job.
    Job = "job" => JobId;
    /// An entry of the audit log.
    Audit = "aud" => AuditId;
}

/// An identifier of the kind `T`.
pub struct Id<T> {
    uuid: Uuid,
    kind: PhantomData<fn() -> T>,
}

/// The text is not an id of the expected kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("is not a valid id: it must look like {prefix}_01h455vb4pex5vsknk084sn02q")]
pub struct InvalidId {
    prefix: &'static str,
}

/// Crockford's base32 in lower case, as the TypeID specification demands.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ENCODED_LEN: usize = 26;

impl<T> Id<T> {
    /// A new id whose order follows `now`.
    pub fn new(now: Time) -> Self {
        let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
        let random: [u8; 10] = random::bytes();
        uuid::Builder::from_unix_timestamp_millis(millis, &random)
            .into_uuid()
            .into()
    }

    /// The plain UUID, as the database stores it.
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

impl<T: Kind> FromStr for Id<T> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { prefix: T::PREFIX };
        let suffix = text
            .strip_prefix(T::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'));
        suffix.and_then(decode).map(Self::from).ok_or(invalid)
    }
}

fn decode(suffix: &str) -> Option<Uuid> {
    // 26 characters carry 130 bits: the first may only use the lower three.
    if suffix.len() != ENCODED_LEN || suffix.as_bytes()[0] > b'7' {
        return None;
    }
    let mut value: u128 = 0;
    for byte in suffix.bytes() {
        let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
        value = (value << 5) | digit as u128;
    }
    Some(Uuid::from_u128(value))
}

impl<T: Kind> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.uuid.as_u128();
        f.write_str(T::PREFIX)?;
        f.write_str("_")?;
        (0..ENCODED_LEN).rev().try_for_each(|place| {
            let digit = (value >> (place * 5)) & 31;
            fmt::Write::write_char(f, char::from(ALPHABET[digit as usize]))
        })
    }
}

impl<T: Kind> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> From<Uuid> for Id<T> {
    fn from(uuid: Uuid) -> Self {
        Self {
            uuid,
            kind: PhantomData,
        }
    }
}

impl<T> From<Id<T>> for Uuid {
    fn from(id: Id<T>) -> Self {
        id.uuid
    }
}

// Derives would demand the same traits of `T`, which is only a name.
impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_typeid_specification_hold() {
        let cases = [
            (
                "00000000-0000-0000-0000-000000000000",
                "usr_00000000000000000000000000",
            ),
            (
                "00000000-0000-0000-0000-000000000020",
                "usr_00000000000000000000000010",
            ),
            (
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
                "usr_7zzzzzzzzzzzzzzzzzzzzzzzzz",
            ),
            (
                "0188bac7-4afa-78aa-bc3b-bd1eef28d881",
                "usr_01h2xcejqtf2nbrexx3vqjhp41",
            ),
        ];
        for (uuid, text) in cases {
            let uuid: Uuid = uuid.parse().unwrap();
            assert_eq!(UserId::from(uuid).to_string(), text);
            assert_eq!(text.parse::<UserId>().unwrap().uuid(), uuid);
        }
    }

    #[test]
    fn a_malformed_or_foreign_id_is_refused() {
        for text in [
            "",
            "usr",
            "usr_",
            "store_01h2xcejqtf2nbrexx3vqjhp41",
            "usr_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "usr_01H2XCEJQTF2NBREXX3VQJHP41",
            "usr_01h2xcejqtf2nbrexx3vqjhp4u",
            "usr_01h2xcejqtf2nbrexx3vqjhp411",
            "usr_é1h2xcejqtf2nbrexx3vqjhp4",
        ] {
            assert!(text.parse::<UserId>().is_err(), "{text}");
        }
    }
}
