//! The queries on the audit log.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{Column, Entity, Model};
use crate::db::Db;
use crate::kernel::id::UserId;
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::{Error, Result};

/// Which entries of the audit log.
#[derive(Debug, Clone, Default)]
pub(super) struct AuditFilter {
    /// Only what this administrator changed.
    pub actor: Option<UserId>,
    /// Only calls of this method.
    pub method: Option<String>,
}

/// A page of the audit log, the newest first.
pub(super) async fn audit_log(
    db: &Db,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<Model>> {
    let mut entries = Entity::find();
    if let Some(actor) = filter.actor {
        entries = entries.filter(Column::ActorId.eq(actor.uuid()));
    }
    if let Some(method) = &filter.method {
        entries = entries.filter(Column::Method.eq(method));
    }
    let total = match page.is_numbered() {
        true => Some(entries.clone().count(db.read()).await?),
        false => None,
    };
    if let Some(cursor) = page.cursor() {
        let last = uuid::Uuid::from_slice(cursor).map_err(Error::internal)?;
        entries = entries.filter(Column::Id.lt(last));
    }
    let rows = entries
        .order_by_desc(Column::Id)
        .offset(page.offset())
        .limit(page.limit + 1)
        .all(db.read())
        .await?;
    Ok(page.finish(rows, total, |last| last.id.as_bytes().to_vec()))
}
