//! The life of a reel, and of a report. Pure.

use crate::kernel::{Error, Reason, Result};

/// Where a reel is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Has no video yet.
    Draft,
    /// Its video is being measured.
    Processing,
    /// Shown.
    Ready,
    /// Its video cannot be used.
    Failed,
}

/// What can happen to a reel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is given a video.
    TakeVideo,
    /// Its video is measured.
    Measure,
    /// Its video turns out to be of no use.
    Fail,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Processing, Self::Ready, Self::Failed];

    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Processing => "PROCESSING",
            Self::Ready => "READY",
            Self::Failed => "FAILED",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The status after a step. What has happened already is no change.
    ///
    /// # Errors
    /// INVALID_STATUS_TRANSITION.
    pub fn after(self, step: Step) -> Result<Self> {
        match (self, step) {
            (Self::Draft | Self::Failed, Step::TakeVideo) => Ok(Self::Processing),
            (Self::Processing | Self::Ready, Step::Measure) => Ok(Self::Ready),
            (Self::Processing | Self::Failed, Step::Fail) => Ok(Self::Failed),
            (Self::Processing | Self::Ready, Step::TakeVideo) => {
                Err(refused(self, Self::Processing))
            }
            (Self::Draft | Self::Failed, Step::Measure) => Err(refused(self, Self::Ready)),
            (Self::Draft | Self::Ready, Step::Fail) => Err(refused(self, Self::Failed)),
        }
    }
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportStatus {
    /// Nobody has looked at it.
    Open,
    /// What was reported is hidden.
    Upheld,
    /// What was reported stays.
    Dismissed,
}

impl ReportStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Open, Self::Upheld, Self::Dismissed];

    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Upheld => "UPHELD",
            Self::Dismissed => "DISMISSED",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Demands that the report may be dismissed; once it is, this changes nothing.
    ///
    /// # Errors
    /// INVALID_STATUS_TRANSITION when it was upheld.
    pub fn check_dismissal(self) -> Result<()> {
        match self {
            Self::Open | Self::Dismissed => Ok(()),
            Self::Upheld => Err(Error::new(
                Reason::InvalidStatusTransition,
                "the report was upheld",
            )
            .with("from", self.as_str())
            .with("to", Self::Dismissed.as_str())),
        }
    }
}

fn refused(from: Status, to: Status) -> Error {
    Error::new(
        Reason::InvalidStatusTransition,
        format!("a reel cannot go from {} to {}", from.as_str(), to.as_str()),
    )
    .with("from", from.as_str())
    .with("to", to.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_from_every_status_leads_where_it_should() {
        use Status::{Draft, Failed, Processing, Ready};
        let table = [
            (Draft, Step::TakeVideo, Some(Processing)),
            (Processing, Step::TakeVideo, None),
            (Ready, Step::TakeVideo, None),
            (Failed, Step::TakeVideo, Some(Processing)),
            (Draft, Step::Measure, None),
            (Processing, Step::Measure, Some(Ready)),
            (Ready, Step::Measure, Some(Ready)),
            (Failed, Step::Measure, None),
            (Draft, Step::Fail, None),
            (Processing, Step::Fail, Some(Failed)),
            (Ready, Step::Fail, None),
            (Failed, Step::Fail, Some(Failed)),
        ];
        for (from, step, to) in table {
            assert_eq!(from.after(step).ok(), to, "{from:?} {step:?}");
        }
    }

    #[test]
    fn an_upheld_report_cannot_be_dismissed() {
        for status in ReportStatus::ALL {
            assert_eq!(ReportStatus::from_word(status.as_str()), Some(status));
            let may = status.check_dismissal().is_ok();
            assert_eq!(may, status != ReportStatus::Upheld, "{status:?}");
        }
    }
}
