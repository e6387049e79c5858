// A function made with the official Rust client, for the engine's tests.
use lambda_runtime::{run, service_fn, streaming::{channel, Body, Response}, Error, LambdaEvent};
use serde_json::{json, Value};
use std::time::Duration;

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    match event["do"].as_str().unwrap_or("") {
        "fail" => return Err("it failed".into()),
        "exit" => std::process::exit(9),
        "sleep" => tokio::time::sleep(Duration::from_secs(60)).await,
        _ => {}
    }
    Ok(json!({"id": event["ID"], "request": context.request_id}))
}

async fn stream(_: LambdaEvent<Value>) -> Result<Response<Body>, Error> {
    let (mut to, body) = channel();
    tokio::spawn(async move {
        for part in ["one", "two", "three"] {
            let _ = to.send_data(part.into()).await;
        }
    });
    Ok(Response::from(body))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var("_HANDLER").as_deref() == Ok("stream") {
        return run(service_fn(stream)).await;
    }
    run(service_fn(handle)).await
}
