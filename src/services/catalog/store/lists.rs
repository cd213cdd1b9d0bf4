//! Lists of products and brands, each on an index of its order.

use sea_orm::{DbErr, FromQueryResult, Iden, Iterable, QueryResult, Statement, Value};
use uuid::Uuid;

use super::super::entity::product;
use super::super::list::{Among, Brand, Filter, Sort};
use super::super::{Product, Sight};
use crate::db::{Conditions, Conn, Dialect};
use crate::kernel::id::StoreId;
use crate::kernel::page::{PageRequest, read_cursor};
use crate::kernel::{Error, Result};

/// A listed product, and how well it matches the search words: 1 when its name holds
/// them all, else 0.
pub struct Listed {
    pub product: Product,
    pub rank: i32,
}

/// The products of a page and one more, and in page mode the number of all.
pub async fn products(
    conn: &impl Conn,
    dialect: Dialect,
    filter: &Filter,
    sort: Sort,
    page: &PageRequest,
) -> Result<(Vec<Listed>, Option<u64>)> {
    let all = conditions(dialect, filter);
    let total = count(conn, dialect, "SELECT count(*)", &all, page).await?;
    let statement = page_of(dialect, filter, sort, page)?;
    let rows = conn.query_all_raw(statement).await?;
    Ok((rows.iter().map(listed).collect::<Result<_>>()?, total))
}

/// The statement that reads a page.
pub fn page_of(
    dialect: Dialect,
    filter: &Filter,
    sort: Sort,
    page: &PageRequest,
) -> Result<Statement> {
    let mut conditions = conditions(dialect, filter);
    let order = order(dialect, filter, sort, &mut conditions);
    if let Some(bytes) = page.cursor() {
        let (id, key) = read_cursor(bytes)?;
        let beyond = if order.descending { "<" } else { ">" };
        match &order.key {
            Some(column) => {
                let (key, id) = (read_key(sort, key)?, id.into());
                let (key, id) = (conditions.bind(key), conditions.bind(id));
                conditions.always(format!("({column}, id) {beyond} (${key}, ${id})"));
            }
            None => conditions.with(&format!("id {beyond} ?"), [id.into()]),
        }
    }
    let sql = select(&order, &conditions, page);
    Ok(dialect.statement(sql, conditions.values()))
}

fn listed(row: &QueryResult) -> Result<Listed> {
    Ok(Listed {
        product: Product::from_query_result(row, "")?,
        rank: row.try_get("", "rank")?,
    })
}

/// What a list is ordered by, before the id.
struct Order {
    key: Option<String>,
    rank: String,
    descending: bool,
}

fn order(dialect: Dialect, filter: &Filter, sort: Sort, conditions: &mut Conditions) -> Order {
    let (key, descending) = match sort {
        Sort::Newest => (None, true),
        Sort::PriceUp => (Some("sale_price".to_owned()), false),
        Sort::PriceDown => (Some("sale_price".to_owned()), true),
        Sort::Name => (Some("name_key".to_owned()), false),
        Sort::Relevance => {
            let words = dialect.words_in("name_key", 'A', filter.words.as_deref().unwrap_or(""));
            let place = conditions.bind(words);
            let in_name = dialect.matches("products", place);
            (
                Some(format!("(CASE WHEN {in_name} THEN 1 ELSE 0 END)")),
                true,
            )
        }
    };
    let rank = match (sort, &key) {
        (Sort::Relevance, Some(key)) => key.clone(),
        _ => "0".to_owned(),
    };
    Order {
        key,
        rank,
        descending,
    }
}

fn select(order: &Order, conditions: &Conditions, page: &PageRequest) -> String {
    let direction = if order.descending { " DESC" } else { "" };
    let key = order.key.as_ref();
    let key = key
        .map(|key| format!("{key}{direction}, "))
        .unwrap_or_default();
    format!(
        "SELECT {}, {} AS rank FROM products WHERE {} ORDER BY {key}id{direction} \
         LIMIT {} OFFSET {}",
        columns(),
        order.rank,
        conditions.sql(),
        page.limit + 1,
        page.offset()
    )
}

/// The key in a cursor, as `list` wrote it.
fn read_key(sort: Sort, key: &[u8]) -> Result<Value> {
    Ok(match sort {
        Sort::PriceUp | Sort::PriceDown => {
            let price: [u8; 8] = key.try_into().map_err(Error::internal)?;
            i64::from_be_bytes(price).into()
        }
        Sort::Name => String::from_utf8_lossy(key).into_owned().into(),
        Sort::Relevance => i32::from(key.first() == Some(&1)).into(),
        Sort::Newest => Value::Int(None),
    })
}

fn conditions(dialect: Dialect, filter: &Filter) -> Conditions {
    let mut conditions = Conditions::default();
    match &filter.among {
        // In these words, so that the partial indexes are used.
        Among::OnSale { sight, featured } => {
            conditions.always("status = 'ACTIVE' AND store_visible");
            if *featured {
                conditions.always("featured");
            }
            sight.narrow(&mut conditions);
        }
        Among::OfStores { stores, status } => {
            conditions.always("status <> 'DELETED'");
            conditions.one_of("store_id", stores.iter().map(|store| store.uuid().into()));
            if let Some(status) = status {
                conditions.with("status = ?", [status.as_str().into()]);
            }
        }
    }
    if let Some(words) = &filter.words {
        if words.is_empty() {
            conditions.always("FALSE");
        } else {
            let place = conditions.bind(dialect.words(words));
            conditions.always(dialect.matches("products", place));
        }
    }
    if let Some(categories) = &filter.categories {
        let ids = categories.iter().map(|category| category.uuid().into());
        conditions.one_of("category_id", ids);
    }
    if let Some(brand) = &filter.brand {
        conditions.with("brand_key = ? AND brand_key <> ''", [brand.clone().into()]);
    }
    if let Some(seller) = filter.seller {
        conditions.with("seller_id = ?", [seller.uuid().into()]);
    }
    if let Some(store) = filter.store {
        conditions.with("store_id = ?", [store.uuid().into()]);
    }
    if let Some(least) = filter.min_price {
        conditions.with("sale_price >= ?", [least.into()]);
    }
    if let Some(most) = filter.max_price {
        conditions.with("sale_price <= ?", [most.into()]);
    }
    if let Some(in_stock) = filter.in_stock {
        conditions.with("in_stock = ?", [in_stock.into()]);
    }
    conditions
}

/// The stores of which a featured product on sale is not seen.
pub async fn hidden_featured(
    conn: &impl Conn,
    dialect: Dialect,
    sight: Sight,
) -> Result<Vec<StoreId>> {
    let mut seen = Conditions::default();
    sight.narrow(&mut seen);
    let sql = format!(
        "SELECT DISTINCT store_id FROM products WHERE status = 'ACTIVE' AND store_visible \
         AND featured AND NOT ({})",
        seen.sql()
    );
    let statement = dialect.statement(sql, seen.values());
    let rows = conn.query_all_raw(statement).await?;
    let stores = rows
        .iter()
        .map(|row| row.try_get::<Uuid>("", "store_id").map(StoreId::from));
    Ok(stores.collect::<Result<_, DbErr>>()?)
}

/// The brands of the products on sale by name, from those whose folded name begins with
/// `prefix`; each in the spelling that sorts first.
pub async fn brands(
    conn: &impl Conn,
    dialect: Dialect,
    sight: &Sight,
    prefix: &str,
    page: &PageRequest,
) -> Result<(Vec<Brand>, Option<u64>)> {
    let mut conditions = Conditions::default();
    conditions.always("status = 'ACTIVE' AND store_visible AND brand_key <> ''");
    sight.narrow(&mut conditions);
    if !prefix.is_empty() {
        // Folded names hold nothing beyond the letter z.
        let end = format!("{prefix}{{").into();
        conditions.with("brand_key >= ? AND brand_key < ?", [prefix.into(), end]);
    }
    let distinct = "SELECT count(DISTINCT brand_key)";
    let total = count(conn, dialect, distinct, &conditions, page).await?;
    if let Some(bytes) = page.cursor() {
        let after = String::from_utf8_lossy(bytes).into_owned();
        conditions.with("brand_key > ?", [after.into()]);
    }
    let sql = format!(
        "SELECT brand_key, min(brand) AS name, count(*) AS products FROM products WHERE {} \
         GROUP BY brand_key ORDER BY brand_key LIMIT {} OFFSET {}",
        conditions.sql(),
        page.limit + 1,
        page.offset()
    );
    let rows = conn
        .query_all_raw(dialect.statement(sql, conditions.values()))
        .await?;
    let brands = rows.iter().map(|row| {
        Ok(Brand {
            key: row.try_get("", "brand_key")?,
            name: row.try_get("", "name")?,
            products: row.try_get("", "products")?,
        })
    });
    Ok((brands.collect::<Result<_>>()?, total))
}

async fn count(
    conn: &impl Conn,
    dialect: Dialect,
    select: &str,
    conditions: &Conditions,
    page: &PageRequest,
) -> Result<Option<u64>> {
    if !page.is_numbered() {
        return Ok(None);
    }
    let sql = format!("{select} AS total FROM products WHERE {}", conditions.sql());
    let row = conn
        .query_one_raw(dialect.statement(sql, conditions.values()))
        .await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "total"))?;
    Ok(Some(count.unsigned_abs()))
}

/// The columns of a product without those that only the database needs.
fn columns() -> String {
    product::Column::iter()
        .map(|column| column.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
