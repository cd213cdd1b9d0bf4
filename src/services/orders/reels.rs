//! The reels that led a buyer to the products of an order.

use super::pricing::Line;
use crate::db::Conn;
use crate::kernel::Result;
use crate::kernel::id::ReelId;
use crate::services::cart;
use crate::services::reels::{self, Led};

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
    let lines = lines.iter().map(|line| &line.wanted);
    let led = lines.flat_map(|wanted| {
        let reels = wanted.reels.iter();
        reels.map(|(reel, field)| Led {
            reel: *reel,
            product: wanted.product,
            field: field.clone(),
        })
    });
    reels::check_led(conn, &led.collect::<Vec<_>>()).await
}
