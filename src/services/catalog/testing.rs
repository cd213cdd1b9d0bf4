//! Rows that the tests beside the code stand on.

use crate::db::{Conn, Db};
use crate::kernel::id::{AddressId, ProductId, StoreId, UserId};

/// A seller and an open store.
pub(crate) async fn insert_store(db: &Db, owner: UserId, store: StoreId) {
    let address = AddressId::new(db.clock().now());
    let values = [owner.uuid(), store.uuid(), address.uuid()];
    execute(
        db,
        "INSERT INTO users (id, phone, phone_verified, email_verified, role, is_active, version, \
         created_at, updated_at) \
         VALUES ($1, '+213550000000', TRUE, FALSE, 'STORE_OWNER', TRUE, 1, 0, 0)",
        &values,
    )
    .await;
    execute(
        db,
        "INSERT INTO stores (id, owner_id, address_id, status, name, name_key, description, \
         search_text, phone, city_key, country, latitude, longitude, cell_4, cell_6, cell_8, \
         unit_x, unit_y, unit_z, delivery_radius_km, currency, version, created_at, updated_at) \
         VALUES ($2, $1, $3, 'ACTIVE', 'Souk', 'souk', '', 'souk', '+213550000000', '', 'DZ', \
         36.7, 3.0, 0, 0, 0, 0, 0, 0, 10, 'DZD', 1, 0, 0)",
        &values,
    )
    .await;
}

/// A product on sale.
pub(crate) async fn insert_product(db: &Db, owner: UserId, store: StoreId, product: ProductId) {
    let sql = format!(
        "INSERT INTO products (id, store_id, seller_id, status, slug, name, name_key, \
         description, search_text, brand, brand_key, type, sku, price, currency, \
         min_order_quantity, images, tags, specifications, benefits, ingredients, usage, \
         delivery_note, returns_note, payment_note, in_stock, store_visible, featured, rating, \
         views, version, published_at, created_at, updated_at) \
         VALUES ($3, $2, $1, 'ACTIVE', '{product}', 'Argan oil', 'argan oil', '', 'argan oil', \
         '', '', '', '', 1000, 'DZD', 1, '[]', '[]', '{{}}', '', '', '', '', '', '', FALSE, \
         TRUE, FALSE, 0, 0, 1, 0, 0, 0)"
    );
    execute(db, &sql, &[owner.uuid(), store.uuid(), product.uuid()]).await;
}

async fn execute(db: &Db, sql: &str, values: &[uuid::Uuid]) {
    db.transact(|tx| async move {
        let values = values.iter().map(|value| (*value).into());
        let statement = tx.dialect().statement(sql, values);
        tx.conn().execute_raw(statement).await?;
        Ok(())
    })
    .await
    .unwrap();
}
