//! Encrypted connections without a C compiler.
//!
//! rustls leaves the cryptography to a provider, and the usual ones (ring, aws-lc) are C. Graviola is Rust with verified
//! assembly inside, for x86-64 and AArch64 processors of about the last ten years; elsewhere only `http://` works.
//! What is downloaded is public, and its checksum is compared in any case.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::TlsConfig;

/// A client, and whether it can do `https://`.
pub(crate) fn client() -> (Agent, bool) {
    // A stalled connection is given up, a slow one is not: the limits are per step, not per file.
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("adact/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(Duration::from_secs(20)))
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_per_read(Some(Duration::from_secs(60)));
    match provider() {
        Some(provider) => {
            let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider).build();
            (config.tls_config(tls).build().into(), true)
        }
        // A redirection could lead to https.
        None => (config.max_redirects(0).build().into(), false),
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn provider() -> Option<Arc<rustls::crypto::CryptoProvider>> {
    graviola::util::is_cpu_supported().then(|| Arc::new(rustls_graviola::default_provider()))
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn provider() -> Option<Arc<rustls::crypto::CryptoProvider>> {
    None
}
