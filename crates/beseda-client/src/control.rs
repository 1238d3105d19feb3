//! The controls of a stand-in over the network: `/__admin`. Real services have nothing like it.

use beseda_api::Result;
use reqwest::Method;
use serde_json::Value;

use crate::send::{Call, Transport};

/// Clock, faults, journal and state of a stand-in, as JSON. Reads are repeated after a failure, nothing else is.
#[derive(Clone)]
pub struct ControlClient {
    pub(crate) transport: Transport,
}

impl std::fmt::Debug for ControlClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlClient").field("url", &self.transport.base.as_str()).finish()
    }
}

fn path(resource: &str) -> String {
    format!("/__admin/{resource}")
}

impl ControlClient {
    /// Reads a resource, such as `clock`.
    ///
    /// # Errors
    /// A refusal, or a failure of the network.
    pub async fn read(&self, resource: &str, query: &[(&'static str, String)]) -> Result<Value> {
        let mut call = Call::get(path(resource));
        for (name, value) in query {
            call = call.query(name, Some(value));
        }
        self.transport.result(&call).await
    }

    /// Reads a resource that has no envelope.
    ///
    /// # Errors
    /// As [`ControlClient::read`].
    pub async fn read_bare(&self, resource: &str) -> Result<Value> {
        self.transport.whole(&Call::get(path(resource))).await
    }

    /// Posts a document to a resource.
    ///
    /// # Errors
    /// As [`ControlClient::read`].
    pub async fn post(&self, resource: &str, body: &Value) -> Result<Value> {
        self.transport.whole(&Call::post(path(resource)).json(body)?).await
    }

    /// Posts a text as it is, so that what is wrong in it is told by its lines.
    ///
    /// # Errors
    /// As [`ControlClient::read`].
    pub async fn post_text(&self, resource: &str, text: Vec<u8>) -> Result<Value> {
        self.transport.whole(&Call::post(path(resource)).bytes(text)).await
    }

    /// Puts a document in the place of a resource.
    ///
    /// # Errors
    /// As [`ControlClient::read`].
    pub async fn put(&self, resource: &str, body: &Value) -> Result<Value> {
        self.transport.whole(&Call::new(Method::PUT, path(resource)).json(body)?).await
    }

    /// Takes a resource away.
    ///
    /// # Errors
    /// As [`ControlClient::read`].
    pub async fn delete(&self, resource: &str) -> Result<()> {
        self.transport.done(&Call::new(Method::DELETE, path(resource))).await
    }
}
