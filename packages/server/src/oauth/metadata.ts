import { proofAlgorithms } from '@counterfoil/verifier'
import { assertionAlgorithms, clientMethods } from '../clients/index.ts'

/** What the server is and where (RFC 8414), with the addresses of the feed. All of it comes from settings. */
export function metadataOf(
  issuer: string,
  offered: { grantTypes: readonly string[]; signingAlgorithm: string },
): object {
  const provenBy = [...clientMethods]
  const signedWith = [...assertionAlgorithms]
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    token_endpoint: `${issuer}/oauth/token`,
    token_endpoint_auth_methods_supported: ['none', ...provenBy],
    token_endpoint_auth_signing_alg_values_supported: signedWith,
    grant_types_supported: offered.grantTypes,
    // There is no authorization endpoint; RFC 8414 2 requires the member all the same.
    response_types_supported: [],
    revocation_endpoint: `${issuer}/oauth/revoke`,
    revocation_endpoint_auth_methods_supported: ['none', ...provenBy],
    revocation_endpoint_auth_signing_alg_values_supported: signedWith,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    introspection_endpoint_auth_methods_supported: provenBy,
    introspection_endpoint_auth_signing_alg_values_supported: signedWith,
    introspection_signing_alg_values_supported: [offered.signingAlgorithm],
    dpop_signing_alg_values_supported: [...proofAlgorithms],
    feed_stream_endpoint: `${issuer}/feed/stream`,
    feed_snapshot_endpoint: `${issuer}/feed/snapshot`,
    feed_log_endpoint: `${issuer}/feed/log`,
    feed_ack_endpoint: `${issuer}/feed/ack`,
    feed_statement_endpoint: `${issuer}/feed/statement`,
    feed_endpoints_auth_methods_supported: ['client_secret_basic'],
  }
}
