//! The life of a store: which step leads from which status to which. Pure.

use crate::kernel::{Error, Reason, Result};

/// Whether a store can be found and takes orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Being prepared: only its members see it.
    Draft,
    /// On the marketplace.
    Active,
    /// Taken off for a while by its members; it can still be read.
    Paused,
    /// Taken off by an administrator; only its members see it.
    Suspended,
    /// Closed for good; kept for the orders of the past.
    Deleted,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Draft,
        Self::Active,
        Self::Paused,
        Self::Suspended,
        Self::Deleted,
    ];

    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
            Self::Suspended => "SUSPENDED",
            Self::Deleted => "DELETED",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// What somebody does to a store's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Take it off for a while.
    Pause,
    /// Put it on the marketplace.
    Resume,
    /// Take it off until an administrator resumes it.
    Suspend,
    /// Close it for good.
    Delete,
}

impl Step {
    /// Where the step leads to.
    pub const fn target(self) -> Status {
        match self {
            Self::Pause => Status::Paused,
            Self::Resume => Status::Active,
            Self::Suspend => Status::Suspended,
            Self::Delete => Status::Deleted,
        }
    }
}

/// The status after `step`. A step to the present status is allowed and changes nothing.
///
/// # Errors
/// FORBIDDEN when only an administrator may take the step, INVALID_STATUS_TRANSITION when
/// nobody may.
pub fn after(from: Status, step: Step, by_admin: bool) -> Result<Status> {
    use Status::{Active, Deleted, Draft, Paused, Suspended};
    match (from, step) {
        (Suspended, Step::Resume) if !by_admin => Err(Error::forbidden(
            "only an administrator resumes a suspended store",
        )),
        (Active | Paused, Step::Pause)
        | (Draft | Active | Paused | Suspended, Step::Resume | Step::Suspend | Step::Delete) => {
            Ok(step.target())
        }
        (Draft | Suspended, Step::Pause) | (Deleted, _) => {
            let (from, to) = (from.as_str(), step.target().as_str());
            Err(Error::new(
                Reason::InvalidStatusTransition,
                format!("a store cannot go from {from} to {to}"),
            )
            .with("from", from)
            .with("to", to))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_status_and_step_has_its_answer() {
        use Reason::{Forbidden, InvalidStatusTransition as Illegal};
        use Status::{Active, Deleted, Draft, Paused, Suspended};
        use Step::{Delete, Pause, Resume, Suspend};
        // From, step, what a member gets, what an administrator gets.
        let table = [
            (Draft, Pause, Err(Illegal), Err(Illegal)),
            (Draft, Resume, Ok(Active), Ok(Active)),
            (Draft, Suspend, Ok(Suspended), Ok(Suspended)),
            (Draft, Delete, Ok(Deleted), Ok(Deleted)),
            (Active, Pause, Ok(Paused), Ok(Paused)),
            (Active, Resume, Ok(Active), Ok(Active)),
            (Active, Suspend, Ok(Suspended), Ok(Suspended)),
            (Active, Delete, Ok(Deleted), Ok(Deleted)),
            (Paused, Pause, Ok(Paused), Ok(Paused)),
            (Paused, Resume, Ok(Active), Ok(Active)),
            (Paused, Suspend, Ok(Suspended), Ok(Suspended)),
            (Paused, Delete, Ok(Deleted), Ok(Deleted)),
            (Suspended, Pause, Err(Illegal), Err(Illegal)),
            (Suspended, Resume, Err(Forbidden), Ok(Active)),
            (Suspended, Suspend, Ok(Suspended), Ok(Suspended)),
            (Suspended, Delete, Ok(Deleted), Ok(Deleted)),
            (Deleted, Pause, Err(Illegal), Err(Illegal)),
            (Deleted, Resume, Err(Illegal), Err(Illegal)),
            (Deleted, Suspend, Err(Illegal), Err(Illegal)),
            (Deleted, Delete, Err(Illegal), Err(Illegal)),
        ];
        for (from, step, member, admin) in table {
            for (by_admin, expected) in [(false, member), (true, admin)] {
                let answer = after(from, step, by_admin).map_err(|error| error.reason());
                assert_eq!(answer, expected, "{from:?} {step:?} admin: {by_admin}");
            }
        }
        assert_eq!(table.len(), Status::ALL.len() * 4);
    }

    #[test]
    fn every_status_has_its_word() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
        }
        assert_eq!(Status::from_word("OPEN"), None);
    }
}
