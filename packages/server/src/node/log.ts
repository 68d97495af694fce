import type { Clock, Log } from '../machine.ts'
import { isoInstant } from './clock.ts'

const hidden = '[redacted]'
const longest = 2000
const deepest = 5

/** Field names whose values are never written, wherever in the name the word stands. */
const secretName = /password|token|cookie|authori[sz]ation|secret|credential|private|wrapped|smtp/i

/** Values that open something, wherever in a text they stand: our carriers, JWTs, hashes, links, URLs with a password. */
const secretValues: [pattern: RegExp, replacement: string][] = [
  [/\bcfr_[\w-]+/g, hidden],
  [/(__Host-[\w-]+=)[^\s;,"]+/g, `$1${hidden}`],
  [/\b((?:Bearer|DPoP|Basic)\s+)[\w.~+/=-]+/gi, `$1${hidden}`],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, hidden],
  // The value of a session cookie by itself: 48 bytes. Ids and hashes are shorter.
  [/(?<![\w-])[\w-]{64}(?![\w-])/g, hidden],
  [/\$argon2[a-z]*\$[^\s"']+/g, hidden],
  [/([?&#](?:token|code|secret|password)=)[^\s&"'#]+/gi, `$1${hidden}`],
  [/(\b[a-z][a-z\d+.-]{0,20}:\/\/)[^\s/@]+@/gi, `$1${hidden}@`],
]

/**
 * One JSON object a line, on standard error. For operators only: nothing written here is ever part of an answer.
 * Redaction is the second line of defence; the first is to log no credential at all.
 */
export function createLog(given: { clock: Clock; write?: (line: string) => void }): Log {
  const { clock, write = (line: string) => void process.stderr.write(line) } = given
  const line = (level: string, message: string, fields: Record<string, unknown>) => {
    const entry = {
      ...cleanFields(fields, 0),
      at: isoInstant(clock.now()),
      level,
      message: cleanText(message),
    }
    write(`${JSON.stringify(entry)}\n`)
  }
  return {
    info: (message, fields = {}) => line('info', message, fields),
    error: (message, error, fields = {}) => line('error', message, { ...fields, error: errorFields(error) }),
  }
}

/** Own enumerable fields are left out: drivers hang whole rows and connections, with passwords, on their errors. */
function errorFields(error: unknown): Record<string, unknown> | string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? { code: error.code } : {}
  const detail = error.name === 'Refusal' && 'detail' in error ? { detail: error.detail } : {}
  const cause = error.cause instanceof Error ? { cause: errorFields(error.cause) } : {}
  return { name: error.name, message: error.message, ...code, ...detail, stack: framesOf(error), ...cause }
}

function framesOf(error: Error): string[] {
  const lines = error.stack?.split('\n') ?? []
  return lines.map((line) => line.trim()).filter((line) => line.startsWith('at '))
}

function cleanFields(fields: object, depth: number): Record<string, unknown> {
  const clean: [string, unknown][] = []
  for (const [name, value] of Object.entries(fields)) {
    clean.push([name, secretName.test(name) && value !== null ? hidden : cleanValue(value, depth)])
  }
  return Object.fromEntries(clean)
}

function cleanValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value)
  if (value === null || typeof value === 'number' || typeof value === 'boolean' || value === undefined)
    return value
  if (typeof value !== 'object') return cleanText(String(value))
  if (depth >= deepest) return '[too deep]'
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`
  if (value instanceof Error) return cleanFields(Object(errorFields(value)), depth + 1)
  if (Array.isArray(value)) return value.map((item) => cleanValue(item, depth + 1))
  return cleanFields(value, depth + 1)
}

function cleanText(text: string): string {
  // Cut to the final length only afterwards: half a token would no longer look like one.
  let clean = text.slice(0, 2 * longest)
  for (const [pattern, replacement] of secretValues) clean = clean.replace(pattern, replacement)
  return clean.length > longest ? `${clean.slice(0, longest)}…` : clean
}
