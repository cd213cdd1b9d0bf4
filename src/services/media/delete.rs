//! Deleting a file that nothing shows.

use super::upload::is_of;
use super::{Media, Status, jobs, not_found, store};
use crate::db::{Conn, Tx};
use crate::kernel::id::MediaId;
use crate::kernel::{Call, Error, Reason, Result};

use super::File;

impl Media {
    /// A file of the caller, by its id.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn get(&self, conn: &impl Conn, call: &Call, id: MediaId) -> Result<File> {
        let found = store::find(conn, id).await?;
        found.filter(|file| is_of(file, call)).ok_or_else(not_found)
    }

    /// Deletes a file of the caller, by its id or its key.
    ///
    /// # Errors
    /// NOT_FOUND; CONFLICT while something shows it.
    pub(super) async fn delete(&self, tx: &Tx, call: &Call, word: &str) -> Result<()> {
        let found = match word.parse::<MediaId>() {
            Ok(id) => store::find(tx.conn(), id).await?,
            Err(_) => store::find_by_key(tx.conn(), word).await?,
        };
        let is_gone = |file: &File| matches!(file.status(), Status::Aborted | Status::Deleted);
        let found = found.filter(|file| is_of(file, call) && !is_gone(file));
        let file = found.ok_or_else(not_found)?;
        let before = [
            Status::Pending,
            Status::Processing,
            Status::Ready,
            Status::Failed,
        ];
        if !store::end(tx, file.media_id(), &before, Status::Deleted).await? {
            let message = "something shows the file";
            return Err(Error::new(Reason::Conflict, message));
        }
        jobs::erase(tx, &file);
        Ok(())
    }
}
