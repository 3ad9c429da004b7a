//! Node-local events: a thermometer publishes, a heater and a display follow. `cargo run --example events`

use kista::events::{EventSource, Update};
use kista::{Cx, ExitReason, Node, gen_server};

/// Measures, and publishes what it measured. The display that comes late gets the last two values.
struct Thermometer {
    degrees: EventSource<i32>,
}

#[gen_server(local)]
impl Thermometer {
    #[init]
    fn new(cx: &mut Cx<Self>) -> Result<Self, ExitReason> {
        let degrees = cx.node().register_event("degrees", 2);
        let degrees = degrees.map_err(|error| ExitReason::from(error.to_string()))?;
        Ok(Thermometer { degrees })
    }

    #[call]
    fn measure(&mut self, value: i32) {
        // An error would mean that this process has ended.
        if let Ok(followers) = self.degrees.publish(value) {
            println!("thermometer: {value} degrees, told to {followers}");
        }
    }
}

/// A server gets the values as messages of its own type.
struct Heater {
    on: bool,
}

#[gen_server(local)]
impl Heater {
    #[init]
    fn new(cx: &mut Cx<Self>) -> Result<Self, ExitReason> {
        let me = cx.server_ref();
        cx.node()
            .subscribe_server("degrees", &me, HeaterMsg::Degrees)
            .map_err(|error| ExitReason::from(error.to_string()))?;
        Ok(Heater { on: false })
    }

    #[cast]
    fn degrees(&mut self, update: Update<i32>) {
        match update {
            Update::Event(value) => self.on = value < 20,
            Update::Ended(reason) => {
                println!("heater: no thermometer any more ({reason}), off");
                self.on = false;
            }
            _ => {}
        }
    }

    #[call]
    fn is_on(&self) -> bool {
        self.on
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder("events@127.0.0.1")
        .no_network()
        .start()
        .await?;
    let thermometer = node.spawn(Thermometer::spec()).await?;
    let heater = node.spawn(Heater::spec()).await?;

    for value in [22, 21, 19] {
        thermometer.measure(value).await?;
        println!("heater on: {}", heater.is_on().await?);
    }

    // Anything that is no process follows an event as a stream.
    let mut display = node.subscribe::<i32>("degrees")?;
    thermometer.stop().await?;
    while let Some(update) = display.next().await {
        match update {
            Update::Event(value) => println!("display: {value}"),
            Update::Ended(reason) => println!("display: the end ({reason})"),
            _ => {}
        }
    }
    println!("heater on: {}", heater.is_on().await?);
    node.stop().await;
    Ok(())
}
