-- The statements of PlaceOrder for a guest who orders two products with an idempotency
-- key, as the server sends them once its caches are warm. {…} is filled in before the
-- run; payloads have the size that the server's own have.
\set order random(1, 9223372036854775806)
\set group random(1, 9223372036854775806)
\set change random(1, 9223372036854775806)
\set at 1800000000000000 + :client_id
BEGIN;
INSERT INTO idempotency_keys (scope, method, key, request_hash, created_at, expires_at)
VALUES ('anonymous', '/souk.orders.v1.OrderService/PlaceOrder', to_hex(:order::bigint),
        decode(repeat('75', 32), 'hex'), :at, :at + 86400000000)
ON CONFLICT DO NOTHING;
SELECT * FROM products WHERE id IN ('{first}', '{second}');
WITH want (store_id, product_id, on_hand, reserved, movement_id) AS (VALUES
       ('{store}'::uuid, '{first}'::uuid, -1, 0, gen_random_uuid()),
       ('{store}'::uuid, '{second}'::uuid, -1, 0, gen_random_uuid())),
     locked AS MATERIALIZED (
       SELECT stock.id, want.on_hand, want.reserved, want.movement_id
       FROM want JOIN stock ON stock.store_id = want.store_id
                           AND stock.product_id = want.product_id
       ORDER BY stock.id FOR UPDATE)
UPDATE stock
SET last_movement_id = locked.movement_id, last_reason = 'SALE',
    last_order_id = lpad(to_hex(:order::bigint), 32, '0')::uuid, last_actor = NULL,
    last_note = '', on_hand = stock.on_hand + locked.on_hand,
    reserved = stock.reserved + locked.reserved, version = stock.version + 1,
    updated_at = :at
FROM locked
WHERE stock.id = locked.id AND stock.enabled AND NOT stock.gone
  AND stock.on_hand + locked.on_hand - stock.reserved - locked.reserved >= 0
RETURNING stock.*;
INSERT INTO orders (id, order_number, checkout_group, user_id, store_id, store_name,
    seller_id, buyer_kind, source, status, payment_method, payment_status, delivery_type,
    customer_name, customer_phone, customer_email, wilaya_code, commune, address,
    postal_code, country, latitude, longitude, subtotal, shipping, tax, discount, total,
    currency, notes, tracking_number, estimated_delivery_at, delivered_at, cancelled_at,
    cancel_reason, return_requested_at, return_reason, version, created_at, updated_at)
VALUES (lpad(to_hex(:order::bigint), 32, '0')::uuid, to_hex(:order::bigint),
    lpad(to_hex(:group::bigint), 32, '0')::uuid, NULL, '{store}', 'Bowl', '{owner}', 'B2C',
    'DIRECT', 'PENDING', 'COD', 'PENDING', 'HOME', 'Amina Haddad', '+213661234567', '', '16',
    'Bab El Oued', '7 rue des Frères Bouadou', '', 'DZ', NULL, NULL, 2500, 50000, 0, 0, 52500,
    'DZD', 'load', '', NULL, NULL, NULL, '', NULL, '', 1, :at, :at);
INSERT INTO order_items (id, order_id, position, product_id, name, image, sku, unit_price,
    quantity, subtotal)
VALUES (gen_random_uuid(), lpad(to_hex(:order::bigint), 32, '0')::uuid, 0, '{first}',
        'Bowl 1', 'https://img.example.dz/products/bowl.jpg', '', 1250, 1, 1250),
       (gen_random_uuid(), lpad(to_hex(:order::bigint), 32, '0')::uuid, 1, '{second}',
        'Bowl 2', 'https://img.example.dz/products/bowl.jpg', '', 1250, 1, 1250);
INSERT INTO order_history (order_id, version, from_status, status, actor, actor_id, note,
    created_at)
VALUES (lpad(to_hex(:order::bigint), 32, '0')::uuid, 1, NULL, 'PENDING', 'BUYER', NULL, '', :at);
UPDATE idempotency_keys SET answer = decode(repeat('0a', 1280), 'hex')
WHERE scope = 'anonymous' AND method = '/souk.orders.v1.OrderService/PlaceOrder'
  AND key = to_hex(:order::bigint);
INSERT INTO events (topic, kind, aggregate, version, payload, created_at)
VALUES ('inventory/{store}', 'stock.changed', '{first}', :change,
        decode(repeat('10', 168), 'hex'), :at),
       ('inventory/{store}', 'stock.changed', '{second}', :change,
        decode(repeat('10', 168), 'hex'), :at),
       ('order/' || to_hex(:order::bigint), 'order.created',
        lpad(to_hex(:order::bigint), 32, '0')::uuid, 1, decode(repeat('08', 612), 'hex'), :at),
       ('store-orders/{store}', 'order.created',
        lpad(to_hex(:order::bigint), 32, '0')::uuid, 1, decode(repeat('08', 612), 'hex'), :at);
COMMIT;
