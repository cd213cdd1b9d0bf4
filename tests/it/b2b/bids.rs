//! Bids: what is taken, in which order, and what everybody is told.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use souk::grpc::convert::time_to_pb;
use souk::pb::souk::b2b::v1::offer_response::{Status, Type};
use souk::pb::souk::b2b::v1::{
    Auction, Bid, CreateOfferRequest, GetBidHistoryRequest, GetResponseRequest, Offer,
    OfferResponse, SubmitResponseRequest, WithdrawResponseRequest, offer,
};
use tonic_types::StatusExt;

use crate::support::clients::is_replayed;
use crate::support::traders::{Traders, auction, negotiable, response};
use crate::support::{Client, TestApp, keyed, reason};

const MINUTE: Duration = Duration::from_secs(60);
/// Auctions may be short, and late bids move their end by five seconds.
pub const SHORT: [(&str, &str); 2] = [
    ("AUCTION_MIN_SECONDS", "1"),
    ("AUCTION_EXTENSION_SECONDS", "5"),
];

/// A marketplace with an auction of the grossiste's: from 1,000 upwards, by 50.
pub async fn sale(
    adjust: impl FnOnce(CreateOfferRequest) -> CreateOfferRequest,
) -> (TestApp, Traders, Offer) {
    let app = TestApp::with(&SHORT).await;
    let traders = Traders::new(&app).await;
    let request = adjust(auction(&app, MINUTE));
    let offer = traders.grossiste.client.offer(request).await;
    (app, traders, offer)
}

fn up_to(offer: &Offer, amount: i64, most: i64) -> SubmitResponseRequest {
    SubmitResponseRequest {
        max_amount: Some(most),
        ..response(&offer.id, amount, 10)
    }
}

/// Bids, which is taken.
async fn bid(by: &Client, request: SubmitResponseRequest) -> OfferResponse {
    let answer = by.b2b().submit_response(request).await.unwrap();
    answer.into_inner().response.unwrap()
}

/// The reason why a bid is refused.
async fn refused(by: &Client, request: SubmitResponseRequest) -> String {
    reason(&by.b2b().submit_response(request).await.unwrap_err())
}

/// How a response stands.
pub async fn response_of(by: &Client, id: &str) -> OfferResponse {
    let request = GetResponseRequest { id: id.into() };
    let found = by.b2b().get_response(request).await.unwrap();
    found.into_inner().response.unwrap()
}

/// The log of an auction, the first bid first: bidder, amount, and whether by itself.
async fn log(by: &Client, offer: &str) -> Vec<(i32, i64, bool)> {
    let bids = history(by, offer).await.into_iter().rev();
    bids.map(|bid| (bid.bidder, bid.amount, bid.automatic))
        .collect()
}

pub async fn history(by: &Client, offer: &str) -> Vec<Bid> {
    let request = GetBidHistoryRequest {
        offer_id: offer.into(),
    };
    let history = by.b2b().get_bid_history(request).await.unwrap();
    history.into_inner().bids
}

async fn standing(by: &Client, offer: &Offer) -> Auction {
    by.offer_of(&offer.id).await.unwrap().auction.unwrap()
}

/// How many events of a kind were told on topics of a kind.
pub async fn told(app: &TestApp, topic: &str, kind: &str) -> i64 {
    let sql =
        format!("SELECT count(*) FROM events WHERE topic LIKE '{topic}/%' AND kind = 'b2b.{kind}'");
    app.number(&sql).await
}

#[tokio::test]
async fn bids_rise_from_the_base_price_and_who_is_outbid_is_told() {
    let (app, traders, offer) = sale(|request| request).await;
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    let low = one.respond(&offer.id, 999, 10).await.unwrap_err();
    assert_eq!(reason(&low), "BID_TOO_LOW");
    let details = low.get_details_error_info().unwrap().metadata;
    assert_eq!(details["nextBid"], "1000");
    assert!(!details.contains_key("currentBid"));

    let first = bid(one, response(&offer.id, 1_000, 20)).await;
    assert_eq!(
        (first.status(), first.response_type(), first.number),
        (Status::Pending, Type::Bid, 1)
    );
    let low = two.respond(&offer.id, 1_049, 10).await.unwrap_err();
    let details = low.get_details_error_info().unwrap().metadata;
    assert_eq!(
        (&*details["currentBid"], &*details["nextBid"]),
        ("1000", "1050")
    );
    let second = bid(two, response(&offer.id, 1_050, 10)).await;
    assert_eq!((second.status(), second.number), (Status::Pending, 2));
    assert_eq!(response_of(one, &first.id).await.status(), Status::Outbid);
    // The leader raises; the quantity stays without a word.
    let raised = SubmitResponseRequest {
        quantity: None,
        ..response(&offer.id, 1_200, 1)
    };
    let raised = bid(two, raised).await;
    assert_eq!(
        (raised.id.as_str(), raised.quantity, raised.version),
        (second.id.as_str(), 10, 2)
    );

    let seen = standing(one, &offer).await;
    assert_eq!(
        (seen.current_bid, seen.next_bid, seen.bids_count),
        (Some(1_200), 1_250, 3)
    );
    assert_eq!(
        (seen.bidders_count, seen.leader, seen.leading),
        (2, Some(2), false)
    );
    assert!(standing(two, &offer).await.leading);
    let bids = history(two, &offer.id).await;
    let mine: Vec<_> = bids.iter().map(|bid| (bid.number, bid.mine)).collect();
    assert_eq!(mine, [(3, true), (2, true), (1, false)]);
    assert_eq!(told(&app, "offer", "new_bid").await, 3);
    assert_eq!(told(&app, "my-responses", "outbid").await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_bid_binds_its_leader_and_who_is_outbid_may_leave_and_return() {
    let (app, traders, offer) = sale(|request| request).await;
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    let first = bid(one, response(&offer.id, 1_000, 10)).await;
    let withdraw = || WithdrawResponseRequest {
        id: first.id.clone(),
    };
    let bound = one.b2b().withdraw_response(withdraw()).await.unwrap_err();
    assert_eq!(reason(&bound), "INVALID_STATUS_TRANSITION");
    bid(two, response(&offer.id, 1_050, 10)).await;
    let left = one.b2b().withdraw_response(withdraw()).await.unwrap();
    let left = left.into_inner().response.unwrap();
    assert_eq!(left.status(), Status::Withdrawn);
    let back = bid(one, response(&offer.id, 1_100, 10)).await;
    assert_eq!(back.status(), Status::Pending);
    assert_eq!(back.id, first.id);
    app.assert_sound().await;
}

#[tokio::test]
async fn what_cannot_be_bid_is_refused_and_leaves_nothing() {
    let (app, traders, offer) = sale(|request| request).await;
    let (one, seller) = (&traders.fournisseur.client, &traders.grossiste.client);
    for quantity in [9, 101] {
        let wish = response(&offer.id, 1_000, quantity);
        assert_eq!(refused(one, wish).await, "QUANTITY_OUT_OF_RANGE");
    }
    let wish = || response(&offer.id, 1_000, 10);
    let negotiated = SubmitResponseRequest {
        response_type: Type::Negotiation.into(),
        ..wish()
    };
    assert_eq!(refused(one, negotiated).await, "WRONG_RESPONSE_TYPE");
    let elsewhere = SubmitResponseRequest {
        address_id: "addr_01h455vb4pex5vsknk084sn02q".into(),
        ..wish()
    };
    assert_eq!(refused(one, elsewhere).await, "VALIDATION_ERROR");
    assert_eq!(
        refused(one, up_to(&offer, 1_000, 999)).await,
        "VALIDATION_ERROR"
    );
    assert_eq!(refused(seller, wish()).await, "TIER_CANNOT_RESPOND");
    assert_eq!(refused(&traders.admin, wish()).await, "TIER_CANNOT_RESPOND");
    let stranger = &traders.importateur.client;
    assert_eq!(refused(stranger, wish()).await, "NOT_FOUND");
    assert_eq!(
        refused(&traders.customer, wish()).await,
        "NOT_A_TIER_SELLER"
    );
    let talk = seller.offer(negotiable()).await;
    let bid_on_talk = SubmitResponseRequest {
        response_type: Type::Bid.into(),
        ..response(&talk.id, 1_000, 10)
    };
    assert_eq!(refused(one, bid_on_talk).await, "WRONG_RESPONSE_TYPE");
    // Over, though no job has said so yet.
    app.advance(MINUTE);
    assert_eq!(refused(one, wish()).await, "AUCTION_ENDED");
    assert_eq!(app.number("SELECT count(*) FROM b2b_responses").await, 0);
}

#[tokio::test]
async fn nobody_bids_before_the_auction_starts() {
    let (app, traders, offer) = sale(|request| CreateOfferRequest {
        starts_at: request.starts_at.map(|mut start| {
            start.seconds += 10;
            start
        }),
        ..request
    })
    .await;
    assert_eq!(offer.status(), offer::Status::Scheduled);
    let one = &traders.fournisseur.client;
    let wish = || response(&offer.id, 1_000, 10);
    assert_eq!(refused(one, wish()).await, "NOT_FOUND");
    assert_eq!(
        refused(&traders.grossiste.client, wish()).await,
        "TIER_CANNOT_RESPOND"
    );
    app.advance(Duration::from_secs(10));
    app.run_jobs().await;
    assert_eq!(told(&app, "offer", "offer_opened").await, 1);
    assert_eq!(told(&app, "offers", "new_offer").await, 1);
    bid(one, wish()).await;
    app.assert_sound().await;
}

#[tokio::test]
async fn the_marketplace_bids_for_its_bidders_only_as_far_as_it_must() {
    let (app, traders, offer) = sale(|request| request).await;
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    let first = bid(one, up_to(&offer, 1_000, 1_500)).await;
    assert_eq!((first.amount, first.max_amount), (1_000, Some(1_500)));
    // The seller sees what is bid and not up to where.
    let shown = response_of(&traders.grossiste.client, &first.id).await;
    assert_eq!((shown.amount, shown.max_amount), (1_000, None));
    // Answered at once: the bid is outbid when it is taken.
    let beaten = bid(two, response(&offer.id, 1_100, 10)).await;
    assert_eq!((beaten.status(), beaten.amount), (Status::Outbid, 1_100));
    let beaten = bid(two, up_to(&offer, 1_200, 1_400)).await;
    assert_eq!((beaten.status(), beaten.amount), (Status::Outbid, 1_400));
    assert_eq!(response_of(one, &first.id).await.amount, 1_450);
    let ahead = bid(two, up_to(&offer, 1_500, 2_000)).await;
    assert_eq!((ahead.status(), ahead.amount), (Status::Pending, 1_500));
    // The leader changes the maximum alone, which is no bid.
    let lowered = bid(two, up_to(&offer, 1_500, 1_600)).await;
    assert_eq!(
        (lowered.status(), lowered.max_amount),
        (Status::Pending, Some(1_600))
    );
    let bids = [
        (1, 1_000, false),
        (2, 1_100, false),
        (1, 1_150, true),
        (2, 1_200, false),
        (2, 1_400, true),
        (1, 1_450, true),
        (2, 1_500, false),
    ];
    assert_eq!(log(one, &offer.id).await, bids);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_reserve_price_is_hidden_and_a_maximum_reaches_for_it() {
    let reserved = |request| CreateOfferRequest {
        reserve_price: Some(1_400),
        ..request
    };
    let (app, traders, offer) = sale(reserved).await;
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    bid(one, up_to(&offer, 1_000, 1_399)).await;
    let seen = standing(one, &offer).await;
    assert_eq!(
        (seen.has_reserve, seen.reserve_met, seen.reserve_price),
        (true, false, None)
    );
    let seller = standing(&traders.grossiste.client, &offer).await;
    assert_eq!(seller.reserve_price, Some(1_400));
    bid(two, up_to(&offer, 1_050, 1_450)).await;
    assert!(standing(one, &offer).await.reserve_met);
    let bids = [
        (1, 1_000, false),
        (2, 1_050, false),
        (1, 1_399, true),
        (2, 1_449, true),
    ];
    assert_eq!(log(one, &offer.id).await, bids);
    app.assert_sound().await;
}

#[tokio::test]
async fn late_bids_move_the_end_ten_times_at_the_most() {
    let (app, traders, offer) = sale(|request| request).await;
    let bidders = [&traders.fournisseur.client, &traders.rival.client];
    bid(bidders[0], response(&offer.id, 1_000, 10)).await;
    app.advance(Duration::from_millis(54_999));
    bid(bidders[1], response(&offer.id, 1_050, 10)).await;
    assert_eq!(standing(bidders[0], &offer).await.extensions_count, 0);
    app.advance(Duration::from_millis(1));
    let mut amount = 1_050;
    for round in 1..=10 {
        amount += 50;
        bid(bidders[round % 2], response(&offer.id, amount, 10)).await;
        let now = bidders[0].offer_of(&offer.id).await.unwrap();
        assert_eq!(now.auction.unwrap().extensions_count as usize, round);
        let end = app.clock.now() + Duration::from_secs(10);
        assert_eq!(now.ends_at, Some(time_to_pb(end)));
        app.advance(Duration::from_secs(5));
    }
    bid(bidders[1], response(&offer.id, amount + 50, 10)).await;
    let now = bidders[0].offer_of(&offer.id).await.unwrap();
    assert_eq!(
        now.ends_at,
        Some(time_to_pb(app.clock.now() + Duration::from_secs(5)))
    );
    assert_eq!(told(&app, "offer", "auction_extended").await, 10);
    // Jobs of ends that have moved do nothing.
    app.run_jobs().await;
    assert_eq!(now.status(), offer::Status::Active);
    app.advance(Duration::from_secs(5));
    app.run_jobs().await;
    let over = bidders[1].offer_of(&offer.id).await.unwrap();
    assert_eq!(over.status(), offer::Status::Sold);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_seller_may_let_late_bids_win() {
    let sniping = |request| CreateOfferRequest {
        anti_sniping: Some(false),
        ..request
    };
    let (app, traders, offer) = sale(sniping).await;
    app.advance(MINUTE - Duration::from_micros(1));
    let one = &traders.fournisseur.client;
    bid(one, response(&offer.id, 1_000, 10)).await;
    let now = one.offer_of(&offer.id).await.unwrap();
    assert_eq!(
        (now.ends_at, now.auction.unwrap().extensions_count),
        (offer.ends_at, 0)
    );
}

#[tokio::test]
async fn the_same_key_is_one_bid_whenever_it_comes() {
    let (app, traders, offer) = sale(|request| request).await;
    let beside = app.beside_with(&SHORT, |_| {}).await;
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    let there = &beside.recall(one);
    let wish = || response(&offer.id, 1_000, 10);
    let storm = (0..12).map(|nth| async move {
        let by = if nth % 3 == 0 { there } else { one };
        by.b2b().submit_response(keyed("bid-1", wish())).await
    });
    let answers: Vec<_> = join_all(storm)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let replayed = answers.iter().filter(|answer| is_replayed(answer)).count();
    assert_eq!(replayed, 11);
    let bodies: BTreeSet<String> = answers
        .iter()
        .map(|answer| format!("{:?}", answer.get_ref()))
        .collect();
    assert_eq!(bodies.len(), 1);
    // Outbid meanwhile, it is answered as it was then.
    bid(two, response(&offer.id, 1_050, 10)).await;
    let again = one
        .b2b()
        .submit_response(keyed("bid-1", wish()))
        .await
        .unwrap();
    assert!(is_replayed(&again));
    assert_eq!(
        again.into_inner().response.unwrap().status(),
        Status::Pending
    );
    // With another request it is refused, and what others bid with it is taken.
    let with_key = async |by: &Client, amount| {
        let request = keyed("bid-1", response(&offer.id, amount, 10));
        by.b2b().submit_response(request).await
    };
    let (other, same) = tokio::join!(with_key(one, 9_000), with_key(two, 1_100));
    assert_eq!(reason(&other.unwrap_err()), "IDEMPOTENCY_KEY_REUSED");
    same.unwrap();
    // A refusal is not kept.
    let low = || keyed("bid-2", response(&offer.id, 1_149, 10));
    let refused = one.b2b().submit_response(low()).await.unwrap_err();
    assert_eq!(reason(&refused), "BID_TOO_LOW");
    one.b2b()
        .submit_response(keyed("bid-2", response(&offer.id, 1_150, 10)))
        .await
        .unwrap();
    assert_eq!(app.number("SELECT count(*) FROM b2b_bids").await, 4);
    app.assert_sound().await;
}

#[tokio::test]
async fn of_equal_bids_at_once_one_is_taken_and_every_answer_is_that_of_the_log() {
    let (app, traders, offer) = sale(|request| request).await;
    let beside = app.beside_with(&SHORT, |_| {}).await;
    let mut bidders = vec![
        traders.fournisseur.client.clone(),
        traders.rival.client.clone(),
    ];
    for _ in 0..6 {
        bidders.push(app.tiered(&traders.admin, "FOURNISSEUR").await.client);
    }
    let offer = &offer;
    let bids = bidders.iter().enumerate().flat_map(|(nth, bidder)| {
        let bidder = match nth % 2 {
            0 => bidder.clone(),
            _ => beside.recall(bidder),
        };
        (0..10).map(move |step| {
            let (bidder, amount) = (bidder.clone(), 1_000 + 50 * step);
            async move { (amount, bidder.respond(&offer.id, amount, 10).await) }
        })
    });
    let mut taken = Vec::new();
    for (amount, outcome) in join_all(bids).await {
        match outcome {
            Ok(answer) => taken.push((answer.response.unwrap().number, amount)),
            Err(refused) => assert_eq!(reason(&refused), "BID_TOO_LOW"),
        }
    }
    taken.sort_by_key(|(_, amount)| *amount);
    let log = log(&bidders[0], &offer.id).await;
    let logged: Vec<_> = log
        .iter()
        .map(|(bidder, amount, _)| (*bidder, *amount))
        .collect();
    assert_eq!(taken, logged);
    assert_eq!(logged.last().unwrap().1, 1_450);
    app.assert_sound().await;
}
