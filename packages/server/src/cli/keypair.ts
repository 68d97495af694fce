import { writeFileSync } from 'node:fs'
import { systemSigning } from '../node/signing.ts'

/**
 * Makes a client's own key where the client runs: the private half into a file that its owner alone can read and that is never
 * replaced, the public half to standard output, for `clients add --jwks`. Needs no data folder and no server.
 */
export async function makeKeyPair(path: string): Promise<void> {
  const { publicJwk, privateJwk } = await systemSigning.generate('ES256')
  const { kid, alg } = publicJwk
  const secret = { ...JSON.parse(privateJwk), kid, alg }
  try {
    writeFileSync(path, `${JSON.stringify(secret)}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown'
    if (code === 'EEXIST')
      throw new Error(`${path} is there already. A key is never written over another file.`)
    throw new Error(`${path} cannot be written (${code}).`)
  }
  console.log(JSON.stringify({ keys: [publicJwk] }, null, 2))
}
