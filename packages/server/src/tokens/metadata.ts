/** What the server is and where (RFC 8414), with the addresses of the feed. All of it comes from settings. */
export function metadataOf(issuer: string): object {
  const clientMethods = ['client_secret_basic']
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    token_endpoint: `${issuer}/oauth/token`,
    // The one client that there is for tokens is public and built in (RFC 8414 2 requires the member all the same).
    token_endpoint_auth_methods_supported: ['none'],
    grant_types_supported: ['refresh_token'],
    response_types_supported: [],
    introspection_endpoint: `${issuer}/oauth/introspect`,
    introspection_endpoint_auth_methods_supported: clientMethods,
    feed_stream_endpoint: `${issuer}/feed/stream`,
    feed_snapshot_endpoint: `${issuer}/feed/snapshot`,
    feed_log_endpoint: `${issuer}/feed/log`,
    feed_ack_endpoint: `${issuer}/feed/ack`,
    feed_statement_endpoint: `${issuer}/feed/statement`,
    feed_endpoints_auth_methods_supported: clientMethods,
  }
}
