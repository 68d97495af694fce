import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { decodeBase64url, encodeBase64url } from '@counterfoil/verifier'
import { systemEntropy } from './entropy.ts'

/** The least that a root secret holds. */
export const rootSecretBytes = 32

/** Reads what `writeRootSecret` wrote. An `Error` that says what to do: missing, readable by others, too short. */
export function readRootSecret(path: string): Uint8Array {
  const file = openExisting(path)
  try {
    const { mode } = fstatSync(file)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new Error(`Others on this machine may read the root secret ${path}. Run: chmod 600 ${path}`)
    }
    return parseRootSecret(readFileSync(file, 'utf8'), path)
  } finally {
    closeSync(file)
  }
}

/** Creates the file with a fresh secret and returns the secret. Never overwrites: that would end every session and key. */
export function writeRootSecret(path: string): Uint8Array {
  const secret = systemEntropy.bytes(rootSecretBytes)
  const file = createNew(path)
  try {
    writeSync(file, `${encodeBase64url(secret)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  syncFolder(dirname(path))
  return secret
}

function parseRootSecret(text: string, path: string): Uint8Array {
  const secret = decodeBase64url(text.trim())
  if (secret === null || secret.byteLength < rootSecretBytes) {
    throw new Error(
      `The root secret ${path} is not one line of base64url with ${rootSecretBytes} bytes or more. Restore it from a backup; if this server never ran, delete the file and run \`counterfoil init\`.`,
    )
  }
  return secret
}

function openExisting(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (cause) {
    throw new Error(
      `The root secret ${path} cannot be read (${codeOf(cause)}). Run \`counterfoil init\` to make one, or set COUNTERFOIL_SECRET_FILE to where it lies.`,
      { cause },
    )
  }
}

function createNew(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (cause) {
    const code = codeOf(cause)
    const reason =
      code === 'EEXIST' ? 'It exists already and is never overwritten.' : `The system says ${code}.`
    throw new Error(`The root secret ${path} was not written. ${reason}`, { cause })
  }
}

/** A name that is not on disk when the power fails takes every session with it. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
