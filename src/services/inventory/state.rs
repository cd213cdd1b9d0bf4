//! The life of a reservation. Pure.

/// Where a reservation is in its life. Every status but `Reserved` is final, which the
/// database guards too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The pieces are held.
    Reserved,
    /// The order took them.
    Used,
    /// Given back because the order was cancelled.
    Released,
    /// Given back because the time was over.
    Expired,
    /// Given back by its holder.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Reserved,
        Self::Used,
        Self::Released,
        Self::Expired,
        Self::Cancelled,
    ];

    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "RESERVED",
            Self::Used => "USED",
            Self::Released => "RELEASED",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether the pieces went back on sale.
    pub const fn is_given_back(self) -> bool {
        matches!(self, Self::Released | Self::Expired | Self::Cancelled)
    }
}

/// Why the pieces on hand changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The first entry of a record.
    Initial,
    /// Goods came in.
    Restock,
    /// An order took them.
    Sale,
    /// A cancelled order gave them back.
    Cancellation,
    /// A buyer sent them back.
    Return,
    /// Broken or spoiled.
    Damage,
    /// Missing.
    Loss,
    /// The count was wrong.
    Correction,
    /// An absolute number was set.
    Set,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Initial,
        Self::Restock,
        Self::Sale,
        Self::Cancellation,
        Self::Return,
        Self::Damage,
        Self::Loss,
        Self::Correction,
        Self::Set,
    ];

    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "INITIAL",
            Self::Restock => "RESTOCK",
            Self::Sale => "SALE",
            Self::Cancellation => "CANCELLATION",
            Self::Return => "RETURN",
            Self::Damage => "DAMAGE",
            Self::Loss => "LOSS",
            Self::Correction => "CORRECTION",
            Self::Set => "SET",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back_to_their_status() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
        }
        assert_eq!(Status::from_word("reserved"), None);
    }
}
