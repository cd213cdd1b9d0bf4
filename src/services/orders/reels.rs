//! The reels that led a buyer to the products of an order.

use super::pricing::Line;
use crate::db::Conn;
use crate::kernel::id::ReelId;
use crate::kernel::{Error, Result, Violation};
use crate::services::cart;
use crate::services::reels;

/// The reel that led to a cart line, which shows its product: the cart saw to it.
pub(super) fn of_cart(line: &cart::Line) -> Vec<(ReelId, String)> {
    let named = |reel| (reel, format!("cart[{}].reelId", line.id));
    line.reel.map(named).into_iter().collect()
}

/// Demands that every reel that the request names shows the product of its line. One
/// statement, and none where no reel is named.
///
/// # Errors
/// VALIDATION_ERROR that names each that does not.
pub(super) async fn check(conn: &impl Conn, lines: &[Line]) -> Result<()> {
    let named = || {
        let lines = lines.iter().map(|line| &line.wanted);
        lines.flat_map(|wanted| wanted.reels.iter().map(|reel| (wanted.product, reel)))
    };
    let ids: Vec<ReelId> = named().map(|(_, (reel, _))| *reel).collect();
    let shown = reels::products_of(conn, &ids).await?;
    let wrong = named().filter(|(product, (reel, _))| shown.get(reel) != Some(product));
    let violations: Vec<Violation> = wrong
        .map(|(_, (_, field))| Violation {
            field: field.clone(),
            message: "is no reel of this product".to_owned(),
        })
        .collect();
    match violations.is_empty() {
        true => Ok(()),
        false => Err(Error::fields(violations)),
    }
}
