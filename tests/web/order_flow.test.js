// A seller opens a store; a buyer finds it, fills a cart, orders exactly once and watches the
// order change. The same story through gRPC-Web, as a browser speaks it, and through gRPC.
//
// SOUK_URL names the server, OTP_DEV_CODE the one-time password that it accepts.

import assert from "node:assert/strict";
import { randomInt, randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { AuthService } from "./gen/souk/auth/v1/auth_service_pb.js";
import { CartService } from "./gen/souk/cart/v1/cart_service_pb.js";
import { CatalogService } from "./gen/souk/catalog/v1/catalog_service_pb.js";
import { Order_DeliveryType, Order_Status } from "./gen/souk/orders/v1/order_pb.js";
import { OrderEvent_Type } from "./gen/souk/orders/v1/order_event_pb.js";
import { OrderPayment_Method } from "./gen/souk/orders/v1/order_payment_pb.js";
import { OrderService } from "./gen/souk/orders/v1/order_service_pb.js";
import { StoreService } from "./gen/souk/stores/v1/store_service_pb.js";
import { User_Role } from "./gen/souk/users/v1/user_pb.js";

const baseUrl = required("SOUK_URL");
const otp = required("OTP_DEV_CODE");

const transports = {
  "gRPC-Web": (interceptors) => createGrpcWebTransport({ baseUrl, interceptors }),
  gRPC: (interceptors) => createGrpcTransport({ baseUrl, interceptors }),
};

for (const [name, transport] of Object.entries(transports)) {
  describe(`the order flow over ${name}`, { timeout: 60_000 }, () => orderFlow(transport));
}

function orderFlow(transport) {
  // A place of its own in the Sahara, so that no other run's store is near.
  const place = { latitude: 23 + Math.random() * 3, longitude: 1 + Math.random() * 3 };
  const watching = new AbortController();
  let buyer, seller, store, product, order;

  before(async () => {
    seller = await signIn(transport, User_Role.STORE_OWNER);
    ({ store } = await seller(StoreService).createStore({
      name: "Oasis Market",
      description: "Dates and tea",
      address: { street: "1 Rue du Palmier", city: "Tamanrasset", wilaya: "11", ...place },
    }));
    ({ product } = await seller(CatalogService).createProduct({
      storeId: store.id,
      name: "Deglet Nour dates, 1 kg",
      price: 120_000n,
      stock: 10,
    }));
  });

  after(() => watching.abort());

  test("a wrong one-time password signs nobody in", async () => {
    const { auth, phone } = await requestOtp(transport);
    const wrong = otp === "000000" ? "000001" : "000000";
    await refused(auth.verifyOtp({ phone, otp: wrong }), Code.InvalidArgument);
  });

  test("a buyer signs in by phone", async () => {
    buyer = await signIn(transport, User_Role.CUSTOMER);
  });

  test("a caller without a token has no cart", async () => {
    const nobody = createClient(CartService, transport([]));
    await refused(nobody.getCart({}), Code.Unauthenticated);
  });

  test("the store is found nearby", async () => {
    const { stores } = await buyer(StoreService).listNearbyStores({ ...place, radius: 5 });
    assert.deepEqual(stores.map(({ id }) => id), [store.id]);
  });

  test("its product is listed with its price", async () => {
    const { products } = await buyer(CatalogService).listProducts({ storeId: store.id });
    assert.deepEqual(products.map(({ id, price }) => [id, price]), [[product.id, 120_000n]]);
  });

  test("the cart sums its lines", async () => {
    const { cart } = await buyer(CartService).addItem({ productId: product.id, quantity: 2 });
    assert.equal(cart.quantity, 2);
    assert.equal(cart.subtotal, 240_000n);
  });

  test("one key places one order, however often it is sent", async () => {
    const checkout = {
      storeId: store.id,
      customerName: "Amina Benali",
      customerWilaya: "11",
      shippingAddress: "12 Avenue de l'Indépendance",
      deliveryType: Order_DeliveryType.HOME,
      paymentMethod: OrderPayment_Method.COD,
    };
    const key = randomUUID();
    const first = await placeOrder(buyer, checkout, key);
    const again = await placeOrder(buyer, checkout, key);

    assert.deepEqual(again.answer, first.answer);
    assert.equal(first.replayed, null);
    assert.equal(again.replayed, "true");
    const { orders } = await buyer(OrderService).listMyOrders({});
    assert.deepEqual(orders.map(({ id }) => id), [first.answer.order.id]);
    order = first.answer.order;
    assert.equal(order.subtotal, 240_000n);
    assert.equal(order.status, Order_Status.PENDING);
  });

  test("the cart is empty after the order", async () => {
    const { cart } = await buyer(CartService).getCart({});
    assert.equal(cart.itemCount, 0);
  });

  test("the watching buyer sees the status change", async () => {
    const changes = watch(buyer, { id: order.id }, watching.signal);
    const snapshot = await next(changes);
    assert.equal(snapshot.type, OrderEvent_Type.SNAPSHOT);
    assert.equal(snapshot.order.status, Order_Status.PENDING);

    await moveTo(seller, order, Order_Status.CONFIRMED);
    const confirmed = await next(changes);
    assert.equal(confirmed.type, OrderEvent_Type.STATUS_CHANGED);
    assert.equal(confirmed.order.status, Order_Status.CONFIRMED);
    watching.abort();

    await moveTo(seller, order, Order_Status.PROCESSING);
    await moveTo(seller, order, Order_Status.SHIPPED);
    const resumed = new AbortController();
    const rest = watch(
      buyer,
      { id: order.id, resumeToken: confirmed.resumeToken },
      resumed.signal,
    );
    assert.equal((await next(rest)).order.status, Order_Status.PROCESSING);
    assert.equal((await next(rest)).order.status, Order_Status.SHIPPED);
    resumed.abort();
  });

  test("another buyer may not know of the order", async () => {
    const stranger = await signIn(transport, User_Role.CUSTOMER);
    await refused(stranger(OrderService).getOrder({ id: order.id }), Code.NotFound);
  });
}

async function requestOtp(transport) {
  const auth = createClient(AuthService, transport([]));
  const phone = `+2135${String(randomInt(100_000_000)).padStart(8, "0")}`;
  const { ttl } = await auth.requestOtp({ phone });
  assert.equal(ttl, 120);
  return { auth, phone };
}

// Signs a new user in and gives a function from a service to a client with the user's token.
async function signIn(transport, role) {
  const { auth, phone } = await requestOtp(transport);
  const { accessToken, user } = await auth.verifyOtp({ phone, otp, role });
  assert.equal(user.phone, phone);
  const withToken = (call) => (request) => {
    request.header.set("authorization", `Bearer ${accessToken}`);
    return call(request);
  };
  const signedIn = transport([withToken]);
  return (service) => createClient(service, signedIn);
}

// Places an order and tells whether the answer was a recorded one.
async function placeOrder(buyer, checkout, key) {
  let replayed = null;
  const answer = await buyer(OrderService).placeOrder(checkout, {
    headers: { "idempotency-key": key },
    onHeader: (headers) => {
      replayed = headers.get("idempotency-replayed");
    },
  });
  return { answer, replayed };
}

async function moveTo(seller, { id }, status) {
  await seller(OrderService).updateOrderStatus({ id, status });
}

function watch(buyer, request, signal) {
  return buyer(OrderService).watchOrder(request, { signal })[Symbol.asyncIterator]();
}

// The next message that is no heartbeat.
async function next(changes) {
  for (;;) {
    const { value, done } = await changes.next();
    assert.ok(!done, "the stream ended early");
    if (value.type !== OrderEvent_Type.HEARTBEAT) return value;
  }
}

async function refused(call, code) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ConnectError, String(error));
    assert.equal(Code[error.code], Code[code], error.message);
    return true;
  });
}

function required(name) {
  const value = process.env[name];
  assert.ok(value, `set ${name}`);
  return value;
}
