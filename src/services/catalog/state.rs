//! The life of a product: which step leads from which status to which. Pure.

use crate::kernel::{Error, Reason, Result};

/// Where a product is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Being prepared; only the store sees it.
    Draft,
    /// On sale.
    Active,
    /// Taken off sale by the store; only the store sees it.
    Inactive,
    /// Gone for good. Past orders keep their own copy of its data.
    Deleted,
}

/// What can be done to a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Put on sale.
    Publish,
    /// Take off sale.
    Unpublish,
    /// Delete for good.
    Delete,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Active, Self::Inactive, Self::Deleted];

    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Deleted => "DELETED",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The status after a step. A step to where the product stands is no change.
    ///
    /// # Errors
    /// INVALID_STATUS_TRANSITION.
    pub fn after(self, step: Step) -> Result<Self> {
        match (self, step) {
            (Self::Draft | Self::Active | Self::Inactive, Step::Publish) => Ok(Self::Active),
            (Self::Active | Self::Inactive, Step::Unpublish) => Ok(Self::Inactive),
            (_, Step::Delete) => Ok(Self::Deleted),
            (Self::Draft, Step::Unpublish) => Err(refused(self, Self::Inactive)),
            (Self::Deleted, Step::Publish) => Err(refused(self, Self::Active)),
            (Self::Deleted, Step::Unpublish) => Err(refused(self, Self::Inactive)),
        }
    }
}

fn refused(from: Status, to: Status) -> Error {
    Error::new(
        Reason::InvalidStatusTransition,
        format!(
            "a product cannot go from {} to {}",
            from.as_str(),
            to.as_str()
        ),
    )
    .with("from", from.as_str())
    .with("to", to.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_from_every_status_leads_where_it_should() {
        use Status::{Active, Deleted, Draft, Inactive};
        let table = [
            (Draft, Step::Publish, Some(Active)),
            (Active, Step::Publish, Some(Active)),
            (Inactive, Step::Publish, Some(Active)),
            (Deleted, Step::Publish, None),
            (Draft, Step::Unpublish, None),
            (Active, Step::Unpublish, Some(Inactive)),
            (Inactive, Step::Unpublish, Some(Inactive)),
            (Deleted, Step::Unpublish, None),
            (Draft, Step::Delete, Some(Deleted)),
            (Active, Step::Delete, Some(Deleted)),
            (Inactive, Step::Delete, Some(Deleted)),
            (Deleted, Step::Delete, Some(Deleted)),
        ];
        for (from, step, to) in table {
            assert_eq!(from.after(step).ok(), to, "{from:?} {step:?}");
        }
    }
}
