//! One request to a registry, with the credentials that it asks for.

use http::header::HeaderMap;
use http::{Address, Client, Method, Request, Response, StatusCode, Url};

use super::answer;
use super::auth::Auth;
use super::error::Reason;
use super::failure::{Failure, Tries};
use super::options::Options;

/// The most that an answer may have when it is read into memory: a manifest at most registries.
pub(super) const ANSWER_LIMIT: usize = 4 << 20;

pub(super) struct Transport {
    client: Client,
    auth: Auth,
    /// The registry's own address: only there are credentials sent, and only its challenges count.
    base: Url,
    options: Options,
}

/// A request to a registry.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) request: Request,
    /// The rights that a token must give.
    pub(super) scope: String,
}

/// An answer that was read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) url: Url,
    /// True if it is the answer of the server that was asked, and of no other that a redirect leads to.
    pub(super) own: bool,
    pub(super) body: Vec<u8>,
}

impl Answer {
    async fn read(response: Response) -> Result<Answer, Failure> {
        let (status, headers) = (response.status(), response.headers().clone());
        let (url, own) = (response.url().clone(), response.is_own());
        let body = response.read(ANSWER_LIMIT).await?;
        Ok(Answer { status, headers, url, own, body })
    }
}

impl Transport {
    pub(super) fn new(client: Client, auth: Auth, base: Url, options: Options) -> Transport {
        Transport { client, auth, base, options }
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// The options of retries.
    pub(super) fn patience(&self) -> &http::Options {
        self.client.options()
    }

    /// Sends until there is an answer that says something about the request.
    pub(super) async fn call(&self, call: &Call) -> Result<Answer, Reason> {
        let mut tries = Tries::default();
        loop {
            match self.once(call, &|_| ()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => tries.again(failure, self.patience()).await?,
            }
        }
    }

    /// One attempt, read to its end. `sent` is called with the number of bytes of the payload that have been taken.
    pub(super) async fn once(&self, call: &Call, sent: &(dyn Fn(u64) + Sync)) -> Result<Answer, Failure> {
        let answer = Answer::read(self.open(call, sent).await?).await?;
        match Failure::of_status(answer.status, &answer.headers, &answer.body, self.patience()) {
            Some(failure) => Err(failure),
            None if answer.status == StatusCode::UNAUTHORIZED => {
                let message = answer::message(&answer.body);
                Err(Failure::fatal(self.auth.refused(message)))
            }
            None => Ok(answer),
        }
    }

    /// One attempt; the body of the answer is still to be read. Answers one challenge of the registry's own.
    pub(super) async fn open(&self, call: &Call, sent: &(dyn Fn(u64) + Sync)) -> Result<Response, Failure> {
        // A storage server elsewhere has its own secret in the address, and must not see ours.
        let to_registry = call.request.url.origin() == self.base.origin();
        let mut request = call.request.clone();
        let mut renewed = false;
        loop {
            if to_registry {
                request.authorization = self.auth.header(&self.client, &call.scope).await?;
            }
            let response = self.client.send_watched(&request, sent).await?;
            if response.status() != StatusCode::UNAUTHORIZED {
                return Ok(response);
            }
            if !(to_registry && response.is_own()) {
                // Whatever it asks for is not for it.
                let to = Address::from(response.url().clone());
                return Err(Failure::fatal(Reason::Protocol(format!(
                    "sent on to {to}, which wants credentials: those of the registry are for the registry alone"
                ))));
            }
            let used = request.authorization.as_ref();
            if renewed || !self.auth.challenged(response.headers(), &call.scope, used).await {
                return Ok(response);
            }
            renewed = true;
        }
    }

    /// One attempt at the registry's own address that shows no credentials and answers no challenge.
    pub(super) async fn ask(&self, method: Method) -> Result<Answer, Failure> {
        Answer::read(self.client.send(&Request::new(method, self.base.clone())).await?).await
    }

    /// Takes in a 401 that came before any request, so that the first one carries what is wanted.
    pub(super) async fn learn(&self, headers: &HeaderMap) {
        self.auth.challenged(headers, "", None).await;
    }
}
