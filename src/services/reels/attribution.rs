//! What reels sold: whose product a buyer was led to.

use super::store::attribution;
use crate::db::Conn;
use crate::kernel::id::{ProductId, ReelId};
use crate::kernel::{Error, Result, Violation};

/// What a request says of a reel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Led {
    /// The reel that led to a product.
    pub reel: ReelId,
    /// The product.
    pub product: ProductId,
    /// The field that names the reel.
    pub field: String,
}

/// Demands that each reel shows the product that it led to, or showed it before it was
/// hidden or deleted. One statement, and none for no reel.
///
/// # Errors
/// VALIDATION_ERROR that names each that does not, and what was never published.
pub async fn check_led(conn: &impl Conn, led: &[Led]) -> Result<()> {
    if led.is_empty() {
        return Ok(());
    }
    let reels: Vec<ReelId> = led.iter().map(|led| led.reel).collect();
    let shown = attribution::products_of(conn, &reels).await?;
    let wrong = led
        .iter()
        .filter(|led| shown.get(&led.reel) != Some(&led.product));
    let violations: Vec<Violation> = wrong
        .map(|led| Violation {
            field: led.field.clone(),
            message: "is no reel of this product".to_owned(),
        })
        .collect();
    match violations.is_empty() {
        true => Ok(()),
        false => Err(Error::fields(violations)),
    }
}
