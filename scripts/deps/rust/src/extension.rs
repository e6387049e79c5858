// An extension made with the official Rust library, for the engine's tests.
use lambda_extension::{service_fn, Error, Extension, LambdaEvent, NextEvent, LambdaTelemetry, LambdaTelemetryRecord, SharedService};

fn say(line: String) {
    println!("heard: {line}");
}

async fn event(event: LambdaEvent) -> Result<(), Error> {
    match event.next {
        NextEvent::Invoke(_) => say("INVOKE".into()),
        NextEvent::Shutdown(e) => say(format!("SHUTDOWN {}", e.shutdown_reason)),
    }
    Ok(())
}

async fn telemetry(events: Vec<LambdaTelemetry>) -> Result<(), Error> {
    for event in events {
        match event.record {
            LambdaTelemetryRecord::Function(line) => say(format!("function {line}")),
            LambdaTelemetryRecord::PlatformRuntimeDone { status, .. } => say(format!("done {status:?}")),
            LambdaTelemetryRecord::PlatformReport { metrics, .. } => say(format!("report {}", metrics.memory_size_mb)),
            LambdaTelemetryRecord::PlatformInitStart { .. } => say("init".into()),
            _ => {}
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    Extension::new()
        .with_events_processor(service_fn(event))
        .with_telemetry_processor(SharedService::new(service_fn(telemetry)))
        .with_telemetry_buffering(lambda_extension::LogBuffering { timeout_ms: 25, max_bytes: 262144, max_items: 10000 })
        .run()
        .await
}
