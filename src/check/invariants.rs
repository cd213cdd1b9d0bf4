//! The invariants, each as a query for its offenders. The SQL means the same on both
//! databases.

use super::Invariant;

pub(super) const ALL: &[Invariant] = &[
    Invariant {
        name: "product-tier",
        says: "a product is in the tier of its seller",
        offenders: "
            SELECT p.id FROM products p JOIN users u ON u.id = p.seller_id
            WHERE p.tier <> COALESCE(u.seller_category, '')",
    },
    Invariant {
        name: "order-reel",
        says: "the reel that led to a product shows that product",
        offenders: "
            SELECT i.order_id AS id FROM order_items i JOIN reels r ON r.id = i.reel_id
            WHERE i.product_id IS NULL OR i.product_id <> r.product_id",
    },
    Invariant {
        name: "order-total",
        says: "an order's total is its lines plus shipping and tax minus discount",
        offenders: "
            SELECT o.id FROM orders o
            LEFT JOIN (SELECT order_id, sum(subtotal) AS lines FROM order_items GROUP BY order_id) i
                ON i.order_id = o.id
            WHERE i.lines IS NULL OR i.lines <> o.subtotal
               OR o.total <> o.subtotal + o.shipping + o.tax - o.discount",
    },
    Invariant {
        name: "order-history",
        says: "an order's history has no gap and ends in the order's status",
        offenders: "
            SELECT o.id FROM orders o
            LEFT JOIN (SELECT order_id, count(*) AS entries, min(version) AS first FROM order_history
                       GROUP BY order_id) h ON h.order_id = o.id
            LEFT JOIN order_history l ON l.order_id = o.id AND l.version =
                (SELECT max(version) FROM order_history WHERE order_id = o.id)
            WHERE h.entries IS NULL OR h.first <> 1 OR l.status <> o.status OR l.version > o.version
            UNION
            SELECT h.order_id AS id FROM order_history h
            JOIN order_history p ON p.order_id = h.order_id AND p.version =
                (SELECT max(version) FROM order_history WHERE order_id = h.order_id AND version < h.version)
            WHERE h.from_status <> p.status",
    },
    Invariant {
        name: "order-group",
        says: "the orders of one checkout have one buyer",
        offenders: "
            SELECT checkout_group AS id FROM orders GROUP BY checkout_group
            HAVING count(DISTINCT customer_phone) > 1 OR count(DISTINCT store_id) < count(store_id)
                OR count(DISTINCT user_id) > 1
                OR (count(user_id) > 0 AND count(user_id) < count(*))",
    },
    Invariant {
        name: "order-owner",
        says: "an order's store and seller belong together",
        offenders: "
            SELECT o.id FROM order_items i JOIN orders o ON o.id = i.order_id
            JOIN products p ON p.id = i.product_id WHERE p.store_id <> o.store_id",
    },
    Invariant {
        name: "order-stock",
        says: "what an order took from stock is what it holds, and comes back once at most",
        offenders: "
            SELECT o.id FROM orders o
            JOIN (SELECT order_id, sum(quantity) AS pieces FROM order_items
                  WHERE product_id IS NOT NULL GROUP BY order_id) i ON i.order_id = o.id
            LEFT JOIN (SELECT order_id, sum(delta) AS moved FROM stock_movements
                       WHERE order_id IS NOT NULL GROUP BY order_id) m ON m.order_id = o.id
            WHERE COALESCE(m.moved, 0) <>
                CASE WHEN o.status IN ('CANCELLED', 'FAILED', 'RETURNED', 'PAYMENT_PENDING')
                     THEN 0 ELSE -i.pieces END",
    },
    Invariant {
        name: "order-event",
        says: "every change of an order's status was told to those who watch it",
        offenders: "
            SELECT h.order_id AS id FROM order_history h
            LEFT JOIN (SELECT aggregate, version FROM events WHERE topic LIKE 'order/%') e
                ON e.aggregate = h.order_id AND e.version = h.version
            WHERE e.version IS NULL
              AND h.created_at >= (SELECT COALESCE(min(created_at), 0) FROM events)
              AND EXISTS (SELECT 1 FROM event_horizon WHERE id = 0)",
    },
    Invariant {
        name: "event-version",
        says: "the versions of a record's events follow one another without a gap, but where \
               a tier hears of an offer once it is made to it",
        offenders: "
            SELECT aggregate AS id FROM events WHERE topic NOT LIKE 'offers/%'
            GROUP BY topic, aggregate
            HAVING max(version) - min(version) + 1 <> count(*)",
    },
    Invariant {
        name: "stock-bounds",
        says: "nothing below zero is on hand or reserved, nor more reserved than on hand",
        offenders: "SELECT id FROM stock WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand",
    },
    Invariant {
        name: "stock-reserved",
        says: "what is reserved is the sum of the active reservations",
        offenders: "
            SELECT s.id FROM stock s
            LEFT JOIN (SELECT stock_id, sum(quantity) AS held FROM reservations
                       WHERE status = 'RESERVED' GROUP BY stock_id) r ON r.stock_id = s.id
            WHERE s.reserved <> COALESCE(r.held, 0)",
    },
    Invariant {
        name: "reservation-due",
        says: "no reservation is active long after its time",
        offenders: "
            SELECT r.id FROM reservations r
            WHERE r.status = 'RESERVED' AND r.expires_at <
                (SELECT max(last_run_at) FROM job_schedules WHERE name = 'inventory.expire_reservations') - 60000000",
    },
    Invariant {
        name: "product-in-stock",
        says: "a product is shown in stock exactly when it can be bought",
        offenders: "
            SELECT p.id FROM products p LEFT JOIN stock s ON s.product_id = p.id
            WHERE p.status <> 'DELETED' AND p.in_stock <> COALESCE(s.in_stock, FALSE)",
    },
    Invariant {
        name: "stock-movements",
        says: "what is on hand is the sum of the movements",
        offenders: "
            SELECT s.id FROM stock s
            LEFT JOIN (SELECT stock_id, sum(delta) AS moved FROM stock_movements GROUP BY stock_id) m
                ON m.stock_id = s.id
            WHERE s.on_hand <> COALESCE(m.moved, 0)",
    },
    Invariant {
        name: "reel-counts",
        says: "a reel's counts are those of its likes and of its comments that are shown",
        offenders: "
            SELECT r.id FROM reels r
            LEFT JOIN (SELECT reel_id, sum(liked) - sum(unliked) AS likes,
                           sum(commented) - sum(uncommented) AS comments
                       FROM (SELECT reel_id, liked, unliked, commented, uncommented FROM reel_stats
                             UNION ALL
                             SELECT reel_id, liked, unliked, commented, uncommented FROM reel_deltas) b
                       GROUP BY reel_id) c ON c.reel_id = r.id
            LEFT JOIN (SELECT reel_id, count(*) AS likes FROM reel_likes GROUP BY reel_id) l
                ON l.reel_id = r.id
            LEFT JOIN (SELECT reel_id, count(*) AS comments FROM reel_comments
                       WHERE deleted_at IS NULL AND NOT hidden GROUP BY reel_id) m ON m.reel_id = r.id
            WHERE COALESCE(c.likes, 0) <> COALESCE(l.likes, 0)
               OR COALESCE(c.comments, 0) <> COALESCE(m.comments, 0)",
    },
    Invariant {
        name: "media-checked",
        says: "a file that everybody may read was checked, and what is shown may be read",
        offenders: "
            SELECT id FROM media WHERE status IN ('PROCESSING', 'READY') AND checked_at IS NULL
            UNION
            SELECT id FROM media WHERE uses > 0 AND status NOT IN ('PROCESSING', 'READY', 'FAILED')",
    },
    Invariant {
        name: "media-due",
        says: "no file stays long after its time: unused for a day, or never come",
        offenders: "
            SELECT m.id FROM media m
            WHERE m.status IN ('PENDING', 'PROCESSING', 'READY', 'FAILED')
              AND CASE WHEN m.status = 'PENDING' THEN m.expires_at ELSE m.unused_since + 82800000000 END <
                (SELECT max(last_run_at) FROM job_schedules WHERE name = 'media.sweep') - 7260000000",
    },
    Invariant {
        name: "reel-owner",
        says: "a reel belongs to the store and the seller of its product",
        offenders: "
            SELECT r.id FROM reels r JOIN products p ON p.id = r.product_id
            WHERE p.store_id <> r.store_id OR p.seller_id <> r.seller_id",
    },
    Invariant {
        name: "session-single",
        says: "a user has at most one session where one is the policy",
        offenders: "
            SELECT user_id AS id FROM sessions WHERE exclusive AND ended_at IS NULL
            GROUP BY user_id HAVING count(*) > 1",
    },
    Invariant {
        name: "session-token",
        says: "an active session of souk's has one refresh token that works, any other none",
        offenders: "
            SELECT s.id FROM sessions s
            LEFT JOIN (SELECT session_id, count(*) AS live FROM refresh_tokens
                       WHERE consumed_at IS NULL AND revoked_at IS NULL GROUP BY session_id) t
                ON t.session_id = s.id
            WHERE COALESCE(t.live, 0) <>
                CASE WHEN s.ended_at IS NULL AND s.provider IS NULL THEN 1 ELSE 0 END",
    },
    Invariant {
        name: "session-provided",
        says: "a session that a provider keeps has no refresh token, and a user whom the provider knows",
        offenders: "
            SELECT s.id FROM sessions s WHERE s.provider IS NOT NULL AND (s.exclusive OR EXISTS
                (SELECT 1 FROM refresh_tokens t WHERE t.session_id = s.id))
            UNION
            SELECT s.id FROM sessions s WHERE s.provider IS NOT NULL AND s.ended_at IS NULL AND NOT EXISTS
                (SELECT 1 FROM external_identities i
                 WHERE i.user_id = s.user_id AND i.provider = s.provider)",
    },
    Invariant {
        name: "session-account",
        says: "only who may sign in is signed in",
        offenders: "
            SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
            WHERE s.ended_at IS NULL AND NOT u.is_active",
    },
    Invariant {
        name: "token-chain",
        says: "refresh tokens follow one another as a list, not as a tree",
        offenders: "
            SELECT successor_id AS id FROM refresh_tokens WHERE successor_id IS NOT NULL
            GROUP BY successor_id HAVING count(*) > 1
            UNION
            SELECT t.id FROM refresh_tokens t JOIN refresh_tokens n ON n.id = t.successor_id
            WHERE n.session_id <> t.session_id",
    },
    Invariant {
        name: "otp-tries",
        says: "a one-time password lives five minutes and five tries at the most",
        offenders: "
            SELECT id FROM otp_challenges
            WHERE attempts > 5 OR expires_at > created_at + 300000000",
    },
    Invariant {
        name: "secret-hashed",
        says: "passwords and tokens are stored as hashes alone",
        offenders: "
            SELECT user_id AS id FROM credentials
            WHERE NOT ((password_hash LIKE '$argon2id$v=19$m=%'
                        AND length(password_hash) BETWEEN 90 AND 200)
                    OR (password_hash LIKE '$2_$%' AND length(password_hash) = 60))
            UNION
            SELECT id FROM refresh_tokens WHERE length(token_hash) <> 32
            UNION
            SELECT id FROM mail_links WHERE length(token_hash) <> 32 OR length(address_key) <> 32
            UNION
            SELECT id FROM sign_in_failures WHERE length(account) <> 32",
    },
    Invariant {
        name: "link-address",
        says: "a link that was sent is tied to an account and forgets the address",
        offenders: "
            SELECT id FROM mail_links
            WHERE address IS NOT NULL AND (user_id IS NOT NULL OR token_hash IS NOT NULL)",
    },
    Invariant {
        name: "account-closed",
        says: "a closed account has neither password nor links nor live sessions, shows and says nothing",
        offenders: "
            SELECT u.id FROM users u WHERE u.deleted_at IS NOT NULL AND (
                EXISTS (SELECT 1 FROM credentials c WHERE c.user_id = u.id)
                OR EXISTS (SELECT 1 FROM mail_links l WHERE l.user_id = u.id)
                OR EXISTS (SELECT 1 FROM reels r WHERE r.seller_id = u.id AND r.deleted_at IS NULL)
                OR EXISTS (SELECT 1 FROM reel_comments c WHERE c.user_id = u.id AND c.deleted_at IS NULL)
                OR EXISTS (SELECT 1 FROM reel_likes l WHERE l.user_id = u.id)
                OR EXISTS (SELECT 1 FROM sessions s WHERE s.user_id = u.id AND s.ended_at IS NULL))",
    },
    Invariant {
        name: "address-default",
        says: "a user with addresses has exactly one default",
        offenders: "
            SELECT user_id AS id FROM user_addresses GROUP BY user_id
            HAVING sum(CASE WHEN is_default THEN 1 ELSE 0 END) <> 1",
    },
    Invariant {
        name: "job-dead",
        says: "a parked job tells why",
        offenders: "SELECT id FROM jobs WHERE state = 'DEAD' AND last_error IS NULL",
    },
    // Whoever begins a scheduled run has looked for abandoned jobs just before.
    Invariant {
        name: "job-lease",
        says: "no job is held long after its lease while workers are about",
        offenders: "
            SELECT id FROM jobs WHERE state = 'RUNNING' AND lease_until <
                (SELECT max(last_run_at) FROM job_schedules) - 30000000",
    },
    Invariant {
        name: "job-tries",
        says: "a job is tried no more often than it may be, and a done one was tried",
        offenders: "
            SELECT id FROM jobs WHERE attempts > max_attempts
                OR (state IN ('RUNNING', 'DONE') AND attempts = 0)",
    },
    Invariant {
        name: "job-order",
        says: "of the jobs of a key the first that waits or runs is free, the others are blocked",
        offenders: "
            SELECT j.id FROM jobs j WHERE j.blocked AND NOT EXISTS (
                SELECT 1 FROM jobs f WHERE f.order_key = j.order_key AND NOT f.blocked
                    AND f.state IN ('PENDING', 'RUNNING') AND f.order_number < j.order_number)",
    },
];
