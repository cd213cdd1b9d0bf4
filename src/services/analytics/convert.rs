//! Numbers on the wire.

use std::collections::HashMap;

use uuid::Uuid;

use super::stats::Stats;
use super::store::{Reel, Sales};
use super::trade::Trade;
use crate::kernel::Currency;
use crate::kernel::id::{ProductId, ReelId};
use crate::pb::souk::analytics::v1 as pb;
use pb::seller_stats::{Orders, Products, Reels, Revenue};

pub fn stats_to_pb(stats: &Stats, currency: Currency) -> pb::SellerStats {
    let Stats {
        products,
        orders,
        reels,
        sold,
    } = stats;
    pb::SellerStats {
        products: Some(Products {
            total: count(products.total),
            active: count(products.active),
            out_of_stock: count(products.out_of_stock),
        }),
        orders: Some(Orders {
            total: count(orders.total),
            pending: count(orders.pending),
        }),
        revenue: Some(Revenue {
            total: orders.revenue,
            monthly: orders.monthly,
            avg_order_value: orders.average(),
            currency: currency.to_string(),
        }),
        reels: Some(Reels {
            total: count(reels.total),
            total_views: reels.views,
            total_likes: reels.likes,
            orders: count(sold.orders),
            revenue: sold.revenue,
        }),
    }
}

/// The numbers of the trade between businesses.
pub fn trade_to_pb(trade: &Trade, currency: Currency) -> pb::B2bStats {
    let Trade {
        offers,
        received,
        made,
    } = trade;
    pb::B2bStats {
        offers: Some(pb::b2b_stats::Offers {
            total: count(offers.total),
            active: count(offers.active),
            sold: count(offers.sold),
        }),
        received: Some(pb::b2b_stats::Received {
            total: count(received.total),
            pending: count(received.pending),
            response_rate: received.response_rate(),
        }),
        made: Some(pb::b2b_stats::Made {
            total: count(made.total),
            pending: count(made.pending),
            won: count(made.won),
            win_rate: made.win_rate(),
        }),
        volume: Some(pb::b2b_stats::Volume {
            sold: received.volume,
            bought: made.volume,
            currency: currency.to_string(),
        }),
    }
}

/// Reels with how often each was viewed, and what it sold.
pub fn sales_to_pb(
    reels: Vec<Reel>,
    views: &HashMap<ReelId, i64>,
    sales: Vec<Sales>,
) -> Vec<pb::ReelSales> {
    let sold: HashMap<Uuid, Sales> = sales.into_iter().map(|one| (one.reel_id, one)).collect();
    let reels = reels.into_iter();
    reels
        .map(|reel| {
            let (id, sold) = (ReelId::from(reel.id), sold.get(&reel.id));
            pb::ReelSales {
                reel_id: id.to_string(),
                product_id: ProductId::from(reel.product_id).to_string(),
                caption: reel.caption,
                views_count: views.get(&id).copied().map_or(0, count),
                orders: sold.map_or(0, |sold| count(sold.orders)),
                pieces: sold.map_or(0, |sold| count(sold.pieces)),
                revenue: sold.map_or(0, |sold| sold.revenue),
                currency: reel.currency,
            }
        })
        .collect()
}

/// Counts are shown as JSON numbers; none comes near the bound.
fn count(of: i64) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}
