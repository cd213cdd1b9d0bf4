//! The invariants of the trade between businesses, each as a query for its offenders.

use super::Invariant;

pub(super) const ALL: &[Invariant] = &[
    Invariant {
        name: "auction-bids",
        says: "the bids of an auction rise by its increment, one after the other, before its end",
        offenders: "
            SELECT b.offer_id AS id FROM b2b_bids b JOIN b2b_offers o ON o.id = b.offer_id
            JOIN b2b_responses r ON r.id = b.response_id
            LEFT JOIN b2b_bids p ON p.offer_id = b.offer_id AND p.number = b.number - 1
            WHERE b.amount < COALESCE(p.amount + o.bid_increment, o.base_price)
               OR b.created_at < COALESCE(p.created_at, o.starts_at)
               OR b.created_at >= b.ends_at OR b.ends_at > o.ends_at
               OR r.offer_id <> b.offer_id OR r.type <> 'BID' OR r.buyer_id = o.seller_id",
    },
    Invariant {
        name: "auction-leader",
        says: "an auction is led by its last bid, and counts all of them",
        offenders: "
            SELECT o.id FROM b2b_offers o
            LEFT JOIN (SELECT offer_id, count(*) AS bids, max(number) AS last FROM b2b_bids
                       GROUP BY offer_id) b ON b.offer_id = o.id
            LEFT JOIN b2b_bids l ON l.offer_id = o.id AND l.number = b.last
            LEFT JOIN b2b_responses r ON r.id = l.response_id
            WHERE o.bids_count <> COALESCE(b.bids, 0) OR o.bids_count <> COALESCE(b.last, 0)
               OR COALESCE(o.current_bid, 0) <> COALESCE(l.amount, 0)
               OR (o.bids_count > 0 AND (o.leader_id <> r.id OR o.leader_number <> r.number
                   OR r.amount <> l.amount OR r.quantity <> l.quantity OR (o.status = 'ACTIVE' AND r.status <> 'PENDING')))",
    },
    Invariant {
        name: "auction-end",
        says: "an auction's end moves only by its extensions, and it is not over before",
        offenders: "
            SELECT id FROM b2b_offers WHERE type = 'AUCTION' AND (
                ends_at - first_ends_at < extensions * 1000000
                OR ends_at - first_ends_at > extensions * 3600000000
                OR (extensions > 0 AND NOT anti_sniping)
                OR (status IN ('SOLD', 'EXPIRED') AND ended_at < ends_at))",
    },
    Invariant {
        name: "auction-winner",
        says: "an auction is sold to its highest bid when that reaches the reserve price, and else to nobody",
        offenders: "
            SELECT o.id FROM b2b_offers o
            LEFT JOIN b2b_responses w ON w.offer_id = o.id AND w.status = 'ACCEPTED'
            WHERE o.type = 'AUCTION' AND (
                (w.id IS NOT NULL) <> (o.status = 'SOLD')
                OR (w.id IS NOT NULL AND (w.id <> o.leader_id OR w.amount <> o.current_bid
                    OR w.amount < COALESCE(o.reserve_price, 0)))
                OR (o.status = 'CLOSED' AND o.bids_count > 0
                    AND o.outcome <> 'CLOSED_BY_ADMINISTRATOR')
                OR (o.status = 'EXPIRED' AND o.current_bid >= COALESCE(o.reserve_price, 0)
                    AND o.outcome NOT IN ('OUT_OF_STOCK', 'STORE_NOT_ACTIVE')))",
    },
    Invariant {
        name: "offer-told",
        says: "the end of an offer was told once to those who watch it",
        offenders: "
            SELECT o.id FROM b2b_offers o
            LEFT JOIN (SELECT aggregate, count(*) AS ends FROM events
                       WHERE topic LIKE 'offer/%' AND kind IN ('b2b.auction_won', 'b2b.offer_sold',
                           'b2b.offer_expired', 'b2b.offer_closed')
                       GROUP BY aggregate) e ON e.aggregate = o.id
            WHERE COALESCE(e.ends, 0) <> CASE WHEN o.ended_at IS NULL THEN 0 ELSE 1 END
              AND (o.ended_at IS NULL
                   OR o.ended_at >= (SELECT COALESCE(min(created_at), 0) FROM events))
              AND EXISTS (SELECT 1 FROM event_horizon WHERE id = 0)",
    },
    Invariant {
        name: "offer-due",
        says: "no offer begins or ends long after its time",
        offenders: "
            SELECT o.id FROM b2b_offers o
            WHERE o.status IN ('SCHEDULED', 'ACTIVE') AND o.deleted_at IS NULL
              AND CASE WHEN o.status = 'SCHEDULED' THEN o.starts_at ELSE o.ends_at END <
                (SELECT max(last_run_at) FROM job_schedules WHERE name = 'b2b.turn-overdue') - 60000000",
    },
    Invariant {
        name: "offer-quantity",
        says: "what is left of an offer is what its deals left over",
        offenders: "
            SELECT o.id FROM b2b_offers o
            LEFT JOIN (SELECT offer_id, sum(quantity) AS sold FROM b2b_responses
                       WHERE status = 'ACCEPTED' GROUP BY offer_id) s ON s.offer_id = o.id
            WHERE o.available_quantity <> o.initial_quantity - COALESCE(s.sold, 0)",
    },
    Invariant {
        name: "offer-deal",
        says: "a deal is an order of its offer, buyer, store, price and quantity, and the other way round",
        offenders: "
            SELECT r.id FROM b2b_responses r JOIN b2b_offers o ON o.id = r.offer_id
            LEFT JOIN orders d ON d.id = r.order_id AND d.offer_id = o.id AND d.store_id = o.store_id
                AND d.user_id = r.buyer_id AND d.currency = o.currency
            LEFT JOIN order_items i ON i.order_id = d.id AND i.unit_price = r.amount
                AND i.quantity = r.quantity
            WHERE r.status = 'ACCEPTED' AND i.order_id IS NULL
            UNION
            SELECT d.id FROM orders d WHERE d.offer_id IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM b2b_responses r WHERE r.order_id = d.id)",
    },
    Invariant {
        name: "offer-open",
        says: "nobody waits for an answer to an offer that is over",
        offenders: "
            SELECT r.id FROM b2b_responses r JOIN b2b_offers o ON o.id = r.offer_id
            WHERE r.status IN ('PENDING', 'OUTBID') AND (o.status <> 'ACTIVE' OR o.deleted_at IS NOT NULL)",
    },
    Invariant {
        name: "offer-responses",
        says: "an offer counts its responses, and all are of its kind and seller",
        offenders: "
            SELECT o.id FROM b2b_offers o
            LEFT JOIN (SELECT offer_id, count(*) AS responses, max(number) AS last
                       FROM b2b_responses GROUP BY offer_id) r ON r.offer_id = o.id
            WHERE o.responses_count <> COALESCE(r.responses, 0)
               OR o.responses_count <> COALESCE(r.last, 0)
            UNION
            SELECT r.id FROM b2b_responses r JOIN b2b_offers o ON o.id = r.offer_id
            WHERE r.seller_id <> o.seller_id OR (r.type = 'BID') <> (o.type = 'AUCTION')",
    },
    Invariant {
        name: "offer-rounds",
        says: "the rounds of a negotiation have no gap and end in its terms",
        offenders: "
            SELECT r.id FROM b2b_responses r
            LEFT JOIN (SELECT response_id, count(*) AS rounds, max(number) AS last FROM b2b_rounds
                       GROUP BY response_id) n ON n.response_id = r.id
            LEFT JOIN b2b_rounds l ON l.response_id = r.id AND l.number = n.last
            WHERE r.round <> COALESCE(n.rounds, 0) OR r.round <> COALESCE(n.last, 0)
               OR (l.number IS NOT NULL AND (l.amount <> r.amount OR l.quantity <> r.quantity
                   OR l.party <> r.proposed_by))",
    },
];
