//! Downloads of attachments. The credential is sent to trusted origins only, whatever a link or a
//! redirect says.

use beseda_api::{FileStream, Result};
use futures::{StreamExt, TryStreamExt};
use reqwest::{
    Response,
    header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue, LOCATION, RANGE},
};
use url::Url;

use crate::{Client, ClientError, http};

/// Maximum number of redirects.
const REDIRECTS: usize = 5;

/// Attachment being downloaded.
pub struct AttachmentDownload {
    /// Size in bytes, if the server sent it.
    pub size: Option<u64>,
    /// Content; ends with an error if it is larger than the client accepts.
    pub content: FileStream,
}

impl std::fmt::Debug for AttachmentDownload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachmentDownload").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Client {
    /// Downloads an attachment by its `url`.
    ///
    /// The credential is sent to the service's own origin and to those of
    /// [`ClientBuilder::trust_files_from`](crate::ClientBuilder::trust_files_from), and to no other, also after a redirect.
    ///
    /// # Errors
    ///
    /// Errors of the file's server; [`ClientError::BadLink`], [`ClientError::Redirect`], [`ClientError::TooLarge`].
    pub async fn download(&self, link: &str) -> Result<AttachmentDownload> {
        let mut url = Url::parse(link).map_err(|_| ClientError::BadLink)?;
        if !is_http(&url) {
            return Err(ClientError::BadLink.into());
        }
        for _ in 0..=REDIRECTS {
            let response = self.visit(&url).await?;
            if !response.status().is_redirection() {
                return self.opened(response).await;
            }
            let next = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let next = next.and_then(|to| url.join(to).ok()).filter(is_http);
            url = next.ok_or(ClientError::Redirect("to nowhere"))?;
        }
        Err(ClientError::Redirect("too often").into())
    }

    /// Checks whether a link works without a credential, by requesting its first byte. Redirects
    /// are not followed.
    ///
    /// # Errors
    ///
    /// [`ClientError::BadLink`] and network failures; an error status returns `false`.
    pub async fn is_open_link(&self, link: &str) -> Result<bool> {
        let url = Url::parse(link).ok().filter(is_http).ok_or(ClientError::BadLink)?;
        let request = self.transport.http.get(url).header(RANGE, "bytes=0-0");
        let response = request.timeout(self.transport.timeout).send().await;
        let status = response.map_err(ClientError::of_transport)?.status().as_u16();
        Ok(matches!(status, 200 | 206))
    }

    async fn visit(&self, url: &Url) -> Result<Response> {
        let mut request =
            self.transport.http.get(url.clone()).timeout(self.transport.upload_timeout);
        // The size of a compressed response is unknown in advance.
        request = request.header(ACCEPT_ENCODING, "identity");
        if let Some((name, value)) = self.credential_for(url) {
            request = request.header(name, value);
        }
        request.send().await.map_err(ClientError::of_transport)
    }

    /// Returns the credential for this URL, or `None` if its origin is not trusted.
    fn credential_for(&self, url: &Url) -> Option<(HeaderName, HeaderValue)> {
        let origin = url.origin();
        if origin == self.transport.base.origin() {
            return self.transport.credential.clone();
        }
        if !self.trusted.contains(&origin) {
            return None;
        }
        match &self.file_token {
            Some(token) => Some((reqwest::header::AUTHORIZATION, token.clone())),
            None => self.transport.credential.clone(),
        }
    }

    async fn opened(&self, response: Response) -> Result<AttachmentDownload> {
        if !response.status().is_success() {
            return Err(http::error_of(response).await.error);
        }
        let limit = self.max_download;
        let size = response.headers().get(CONTENT_LENGTH).and_then(|size| size.to_str().ok());
        let size: Option<u64> = size.and_then(|size| size.parse().ok());
        if size.is_some_and(|size| size > limit) {
            return Err(ClientError::TooLarge { limit }.into());
        }
        let mut came: u64 = 0;
        let content = response
            .bytes_stream()
            .map_err(|error| std::io::Error::other(ClientError::of_transport(error)));
        let content = content.map(move |piece| {
            let piece = piece?;
            came += piece.len() as u64;
            if came > limit {
                return Err(std::io::Error::other(ClientError::TooLarge { limit }));
            }
            Ok(piece)
        });
        Ok(AttachmentDownload { size, content: content.boxed() })
    }
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}
