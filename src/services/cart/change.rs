//! Changes of a cart. Each holds the cart first, so that changes of one cart take turns.

use super::model::{Line, MAX_PIECES, Offer, View};
use super::{Parts, store};
use crate::db::Tx;
use crate::kernel::id::{CartLineId, ProductId, ReelId, StoreId, UserId};
use crate::kernel::{Call, Error, Reason, Result};
use crate::services::reels::{self, Led};

/// Lines of one cart at most: what one order can take.
const MAX_LINES: usize = 100;

/// A wish to add pieces of a product.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addition {
    pub product: ProductId,
    pub quantity: i32,
    /// The store that the client believes to sell it.
    pub store: Option<StoreId>,
    /// The reel that led to the product.
    pub reel: Option<ReelId>,
}

/// Adds pieces; a product that is there already gets that many more, and the reel that was
/// named last.
///
/// # Errors
/// PRODUCT_NOT_FOUND, STORE_NOT_ACTIVE, OWN_PRODUCT, VALIDATION_ERROR with the maximum.
pub(super) async fn add(
    parts: &Parts,
    tx: &Tx,
    call: &Call,
    wish: &Addition,
) -> Result<(CartLineId, View)> {
    let user = call.user()?;
    store::touch(tx, user).await?;
    let (_, mut lines) = store::read(tx.conn(), user, None).await?;
    let more = Some(wish.product);
    let offers = parts.offers(tx.conn(), call, &lines, more).await?;
    let offer = offers.get(&wish.product).filter(|offer| offer.is_on_sale());
    let offer = offer.ok_or_else(|| not_on_sale(wish.product))?;
    check_seller(parts, tx, user, wish, offer).await?;
    check_reel(tx, wish).await?;
    let there = lines.iter().position(|line| line.product == wish.product);
    let held = there.map_or(0, |place| lines[place].quantity);
    let quantity = check_quantity(held.saturating_add(wish.quantity), offer)?;
    let place = match there {
        Some(place) => {
            let line = &mut lines[place];
            (line.quantity, line.price_at_add) = (quantity, offer.item.price);
            line.reel = wish.reel.or(line.reel);
            store::save(tx, line).await?;
            place
        }
        None => {
            let line = Line {
                id: CartLineId::new(tx.now()),
                product: wish.product,
                store: offer.item.store,
                quantity,
                price_at_add: offer.item.price,
                added_at: tx.now(),
                reel: wish.reel,
            };
            check_room(&lines)?;
            store::insert(tx, user, &line).await?;
            lines.push(line);
            lines.len() - 1
        }
    };
    let id = lines[place].id;
    let view = parts.view(tx.conn(), lines, offers, Some(tx.now())).await?;
    Ok((id, view))
}

async fn check_seller(
    parts: &Parts,
    tx: &Tx,
    user: UserId,
    wish: &Addition,
    offer: &Offer,
) -> Result<()> {
    if wish.store.is_some_and(|store| store != offer.item.store) {
        return Err(Error::field("storeId", "does not sell this product"));
    }
    let store = parts.stores.get(tx.conn(), offer.item.store).await?;
    if !store.is_public() {
        return Err(not_on_sale(wish.product));
    }
    store.require_active()?;
    if store.owner == user {
        let message = "this is a product of your own store";
        return Err(Error::new(Reason::OwnProduct, message).with("productId", wish.product));
    }
    Ok(())
}

/// Demands that the reel shows the product.
async fn check_reel(tx: &Tx, wish: &Addition) -> Result<()> {
    let led = wish.reel.map(|reel| Led {
        reel,
        product: wish.product,
        field: "reelId".to_owned(),
    });
    reels::check_led(tx.conn(), led.as_slice()).await
}

/// Sets how many pieces a line asks for, and takes its price as seen.
///
/// # Errors
/// NOT_FOUND, PRODUCT_NOT_FOUND, VALIDATION_ERROR with the maximum.
pub(super) async fn update(
    parts: &Parts,
    tx: &Tx,
    call: &Call,
    id: CartLineId,
    quantity: i32,
) -> Result<View> {
    let user = call.user()?;
    store::touch(tx, user).await?;
    let (_, mut lines) = store::read(tx.conn(), user, None).await?;
    let offers = parts.offers(tx.conn(), call, &lines, None).await?;
    let line = lines
        .iter_mut()
        .find(|line| line.id == id)
        .ok_or_else(no_line)?;
    let offer = offers.get(&line.product).filter(|offer| offer.is_on_sale());
    let offer = offer.ok_or_else(|| not_on_sale(line.product))?;
    line.quantity = check_quantity(quantity, offer)?;
    line.price_at_add = offer.item.price;
    store::save(tx, line).await?;
    parts.view(tx.conn(), lines, offers, Some(tx.now())).await
}

/// Removes a line.
///
/// # Errors
/// NOT_FOUND.
pub(super) async fn remove(parts: &Parts, tx: &Tx, call: &Call, id: CartLineId) -> Result<View> {
    let user = call.user()?;
    store::touch(tx, user).await?;
    let (_, mut lines) = store::read(tx.conn(), user, None).await?;
    let place = lines
        .iter()
        .position(|line| line.id == id)
        .ok_or_else(no_line)?;
    lines.remove(place);
    store::remove(tx, user, &[id]).await?;
    let offers = parts.offers(tx.conn(), call, &lines, None).await?;
    parts.view(tx.conn(), lines, offers, Some(tx.now())).await
}

/// Removes all lines, or those of a store. Nothing to remove is no error.
///
/// # Errors
/// Those of the database.
pub(super) async fn clear(
    parts: &Parts,
    tx: &Tx,
    call: &Call,
    of: Option<StoreId>,
) -> Result<View> {
    let user = call.user()?;
    store::touch(tx, user).await?;
    store::clear(tx, user, of).await?;
    let (_, lines) = store::read(tx.conn(), user, None).await?;
    let offers = parts.offers(tx.conn(), call, &lines, None).await?;
    parts.view(tx.conn(), lines, offers, Some(tx.now())).await
}

fn check_room(lines: &[Line]) -> Result<()> {
    if lines.len() < MAX_LINES {
        return Ok(());
    }
    Err(Error::field(
        "productId",
        format!("the cart holds at most {MAX_LINES} products"),
    ))
}

fn check_quantity(quantity: i32, offer: &Offer) -> Result<i32> {
    let most = offer.most();
    if quantity <= most {
        return Ok(quantity);
    }
    let message = match most {
        0 => "nothing is left of this product".to_owned(),
        MAX_PIECES => format!("must be at most {MAX_PIECES} in the cart"),
        left => format!("must be at most {left} in the cart: no more are left"),
    };
    Err(Error::field("quantity", message).with("maximum", most))
}

fn not_on_sale(product: ProductId) -> Error {
    Error::new(Reason::ProductNotFound, "product not found").with("productId", product)
}

fn no_line() -> Error {
    Error::not_found("cart line")
}
