//! Moderation: reports, and hiding what they are about. Each function works in the
//! caller's transaction.

use uuid::Uuid;

use super::comments::{self, Signed};
use super::reel::View;
use super::state::ReportStatus;
use super::store::{self, reports};
use super::{Reels, Report, access, life};
use crate::db::Tx;
use crate::kernel::id::{ReelCommentId, ReelId, ReelReportId, UserId};
use crate::kernel::page::{Page, PageRequest, cursor};
use crate::kernel::{Call, Error, Result};

/// What is reported, hidden or shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A reel.
    Reel(ReelId),
    /// A comment.
    Comment(ReelCommentId),
}

/// Why somebody reports something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The word of the reason.
    pub reason: &'static str,
    /// The reporter's own words.
    pub note: String,
}

impl Target {
    /// The id, of whatever kind.
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Reel(id) => id.uuid(),
            Self::Comment(id) => id.uuid(),
        }
    }
}

impl Reels {
    /// Reports a reel. While the caller's first report is open, a second one is that.
    ///
    /// # Errors
    /// NOT_FOUND, and FORBIDDEN for a reel of the caller's own store.
    pub(super) async fn complain_of_reel(
        &self,
        tx: &Tx,
        call: &Call,
        id: ReelId,
        complaint: &Complaint,
    ) -> Result<Report> {
        let reel = self.listed_in(tx, call, id).await?.reel;
        // Moderators are nobody's staff: they may report like anybody else.
        let (stores, is_moderator) = (&self.0.stores, call.caller.is_admin());
        if !is_moderator && stores.is_member(tx.conn(), call, reel.store()).await? {
            return Err(own_content());
        }
        let (target, reporter) = (Target::Reel(id), call.user()?);
        report(tx, target, id, reporter, complaint, &reel.caption).await
    }

    /// Reports a comment, as [`Self::complain_of_reel`].
    ///
    /// # Errors
    /// NOT_FOUND, and FORBIDDEN for a comment of the caller's own.
    pub(super) async fn complain_of_comment(
        &self,
        tx: &Tx,
        call: &Call,
        id: ReelCommentId,
        complaint: &Complaint,
    ) -> Result<Report> {
        let held = self.lock_comment(tx, call, id).await?;
        if held.is_own {
            return Err(own_content());
        }
        let (comment, target) = (held.comment, Target::Comment(id));
        let (reel, reporter) = (comment.reel_id.into(), call.user()?);
        report(tx, target, reel, reporter, complaint, &comment.content).await
    }

    /// A page of reports, the oldest first.
    pub(super) async fn reports(
        &self,
        status: Option<ReportStatus>,
        page: &PageRequest,
    ) -> Result<Page<Report>> {
        let db = &self.0.db;
        let (found, total) = reports::page(db.read(), db.dialect(), status, page).await?;
        Ok(page.finish(found, total, |report| cursor(report.id, &[])))
    }

    /// Hides a reel, or shows it again.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn set_reel_hidden(
        &self,
        tx: &Tx,
        call: &Call,
        id: ReelId,
        hidden: bool,
    ) -> Result<View> {
        let found = store::lock(tx, id).await?;
        let mut reel = found.ok_or_else(access::not_found)?.reel;
        if hidden {
            reports::uphold(tx, Target::Reel(id), call.caller.user_id()).await?;
        }
        if reel.hidden != hidden {
            reel.hidden = hidden;
            life::save(tx, &mut reel, "reel.updated").await?;
        }
        self.reload(tx, call, id).await
    }

    /// Hides a comment, or shows it again. A hidden one is not counted.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn set_comment_hidden(
        &self,
        tx: &Tx,
        call: &Call,
        id: ReelCommentId,
        hidden: bool,
    ) -> Result<Signed> {
        let mut comment = self.lock_comment(tx, call, id).await?.comment;
        if hidden {
            reports::uphold(tx, Target::Comment(id), call.caller.user_id()).await?;
        }
        if comment.hidden != hidden {
            comment.hidden = hidden;
            comments::count(tx, &comment, if hidden { -1 } else { 1 }).await?;
            comments::save(tx, &mut comment, "comment.updated").await?;
        }
        comments::sign(tx, comment).await
    }
}

/// Dismisses a report.
///
/// # Errors
/// NOT_FOUND; INVALID_STATUS_TRANSITION when it was upheld.
pub(super) async fn dismiss(tx: &Tx, call: &Call, id: ReelReportId) -> Result<Report> {
    let found = reports::lock(tx, id).await?;
    let mut report = found.ok_or_else(|| Error::not_found("report"))?;
    let status = ReportStatus::from_word(&report.status).unwrap_or(ReportStatus::Upheld);
    status.check_dismissal()?;
    if status == ReportStatus::Open {
        report.status = ReportStatus::Dismissed.as_str().to_owned();
        report.resolved_by = call.caller.user_id().map(UserId::uuid);
        report.resolved_at = Some(tx.now().micros());
        reports::save(tx, &report).await?;
    }
    Ok(report)
}

/// The reporter's open report, or a new one with what was to be seen.
async fn report(
    tx: &Tx,
    target: Target,
    reel: ReelId,
    reporter: UserId,
    complaint: &Complaint,
    content: &str,
) -> Result<Report> {
    if let Some(open) = reports::open_of(tx, target, reporter).await? {
        return Ok(open);
    }
    let now = tx.now();
    let new = Report {
        id: ReelReportId::new(now).uuid(),
        reel_id: reel.uuid(),
        comment_id: match target {
            Target::Reel(_) => None,
            Target::Comment(id) => Some(id.uuid()),
        },
        reporter_id: reporter.uuid(),
        reason: complaint.reason.to_owned(),
        note: complaint.note.trim().to_owned(),
        content: content.to_owned(),
        status: ReportStatus::Open.as_str().to_owned(),
        resolved_by: None,
        resolved_at: None,
        created_at: now.micros(),
    };
    if reports::insert(tx, &new).await? {
        return Ok(new);
    }
    // A twin of this call was faster.
    let open = reports::open_of(tx, target, reporter).await?;
    open.ok_or_else(|| Error::new(crate::kernel::Reason::Conflict, "report again"))
}

fn own_content() -> Error {
    Error::forbidden("one's own content cannot be reported")
}
