use super::*;

#[tokio::test]
async fn a_call_that_gets_no_place_is_refused_soon_and_the_next_one_is_not() {
    let mut config = config();
    config.limits.calls = 1;
    config.limits.deadline = Duration::from_secs(60);
    let port = serve(config);
    let (mut first, mut second) = (port.client().await, port.client().await);
    let mut endless = tokio::task::JoinSet::new();
    endless.spawn(async move { first.ping_cache(PingCacheRequest {}).await });
    let refused = loop {
        let began = std::time::Instant::now();
        let refused = second.hello(HelloRequest {}).await.unwrap_err();
        // Until the endless call has its place, the puppet answers.
        if refused.code() == Code::ResourceExhausted {
            assert!(began.elapsed() < Duration::from_secs(5));
            break refused;
        }
    };
    let info = refused.get_details_error_info().unwrap();
    assert_eq!(info.reason, "RATE_LIMIT_EXCEEDED");
    assert!(refused.get_details_retry_info().is_some());
    // A caller who hangs up gives its place back.
    endless.abort_all();
    while second.hello(HelloRequest {}).await.unwrap_err().code() != Code::Unimplemented {}
}

#[tokio::test]
async fn messages_that_are_kept_back_take_no_place() {
    let mut config = config();
    config.limits.calls = 1;
    config.limits.deadline = Duration::from_secs(60);
    let port = serve(config);
    let socket = TcpStream::connect(port.address).await.unwrap();
    let (mut send, connection) = h2::client::handshake(socket).await.unwrap();
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(connection);
    let mut kept = Vec::new();
    for _ in 0..4 {
        let head = Request::post("http://souk/souk.ops.v1.OpsService/Hello")
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        send = send.ready().await.unwrap();
        kept.push(send.send_request(head.body(()).unwrap(), false).unwrap());
    }
    let mut honest = port.client().await;
    // The heads arrive while this one calls again and again.
    for _ in 0..50 {
        let answer = honest.hello(HelloRequest {}).await.unwrap_err();
        assert_eq!(answer.message(), "the puppet has no answer");
    }
    for (answer, mut body) in kept {
        body.send_data(bytes::Bytes::from_static(&[0; 5]), true)
            .unwrap();
        let answer = answer.await.unwrap();
        // 12 is UNIMPLEMENTED, the puppet's.
        assert_eq!(answer.headers()["grpc-status"], "12");
    }
}
