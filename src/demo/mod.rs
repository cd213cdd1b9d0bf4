//! `souk demo`: a sample marketplace on an embedded database, the main job played
//! through the API with every call shown, and a server that stays for the reader.

mod call;
mod events;
mod market;
mod reels;
mod story;
mod trade;
mod video;

use anyhow::{Context, Result};
use serde_json::json;

use call::{Call, Client};

/// The one-time password that every phone gets in the demo.
pub const CODE: &str = "123456";

/// Fills the marketplace behind `base` and plays the story. `admin` is the access token
/// of an administrator.
///
/// # Errors
/// When a call of the story is refused: the demo promises that none is.
pub async fn run(base: &str, admin: &str) -> Result<()> {
    let client = Client::new(base.to_owned())?;
    println!("Opening stores in Algiers and Oran …");
    let market = market::fill(&client, admin)
        .await
        .context("the sample marketplace")?;
    println!("{} stores, {} products.", market.stores, market.products);
    let customer = story::play(&client, &market).await.context("the story")?;
    trade::play(&client).await.context("the trade")?;
    println!("\n\u{1b}[1mThe server keeps running; stop it with Ctrl-C.\u{1b}[0m");
    println!("  API page   {base}/api/docs");
    println!("  OpenAPI    {base}/openapi.json");
    println!("  sign in    any phone number, one-time password {CODE}");
    println!("  customer   export TOKEN={customer}");
    println!("  try        curl -s -H \"authorization: Bearer $TOKEN\" {base}/api/orders");
    Ok(())
}

/// Signs a phone in and gives its access token.
async fn sign_in(client: &Client, phone: &str, role: &str) -> Result<String> {
    let send = Call::new(
        "a one-time password",
        "AuthService/RequestOtp",
        json!({"phone": phone}),
    );
    client.quiet(send).await?;
    let verify = json!({"phone": phone, "otp": CODE, "role": role});
    let answer = client
        .quiet(Call::new("a sign-in", "AuthService/VerifyOtp", verify))
        .await?;
    answer["accessToken"]
        .as_str()
        .map(str::to_owned)
        .context("an access token")
}
