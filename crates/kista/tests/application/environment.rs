//! Values of an application, and what is loaded.

use super::*;

#[tokio::test]
async fn a_value_is_looked_up_in_the_process_then_its_application_then_the_node() {
    let seen = Seen::default();
    let node = Node::builder("application@127.0.0.1")
        .no_network()
        .env("key", "node")
        .env("other", "node")
        .start()
        .await
        .unwrap();
    let applications = node.applications();
    let one = app("one", &[], &seen).env("key", "application");
    applications.load(one).await.unwrap();
    applications.start("one").await.unwrap();
    let worker = node.server::<Worker>("one_a");
    let env = async |key: &str| worker.env(key.to_owned()).await.unwrap();
    assert_eq!(env("other").await.unwrap(), "<<\"node\">>");
    assert_eq!(env("key").await.unwrap(), "<<\"application\">>");
    applications.set_env("one", "key", 7).unwrap();
    assert_eq!(env("key").await.unwrap(), "7");
    worker.put("key".to_owned()).await.unwrap();
    assert_eq!(env("key").await.unwrap(), "<<\"process\">>");
    assert_eq!(env("nothing").await, None);
    // Only as long as it is loaded.
    applications.stop("one").await.unwrap();
    assert_eq!(applications.env("one", "key"), Some(Term::from(7)));
    applications.unload("one").await.unwrap();
    assert_eq!(applications.env("one", "key"), None);
    assert_eq!(
        applications.unload("one").await,
        Err(ApplicationError::NotLoaded(atom("one")))
    );
    node.stop().await;
}

#[tokio::test]
async fn what_is_loaded_or_runs_is_not_loaded_or_unloaded_again() {
    let node = node().await;
    let applications = node.applications();
    applications
        .load(library("lib").version("2.0").description("d"))
        .await
        .unwrap();
    assert_eq!(
        applications.load("lib").await,
        Err(ApplicationError::AlreadyLoaded(atom("lib")))
    );
    assert_eq!(
        applications.load("other").await,
        Err(ApplicationError::Unknown(atom("other")))
    );
    applications
        .start_as("lib", StartType::Permanent)
        .await
        .unwrap();
    assert_eq!(
        applications.unload("lib").await,
        Err(ApplicationError::Running(atom("lib")))
    );
    let which = applications.which();
    assert_eq!(which, applications.loaded());
    assert_eq!((&*which[0].version, &*which[0].description), ("2.0", "d"));
    assert_eq!(applications.start_type("lib"), Some(StartType::Permanent));
    applications.stop("lib").await.unwrap();
    applications.unload("lib").await.unwrap();
    assert!(applications.loaded().is_empty());
    // It stays known.
    applications.start("lib").await.unwrap();
    node.stop().await;
}
