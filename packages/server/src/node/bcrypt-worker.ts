import { parentPort } from 'node:worker_threads'
import { hashSync } from 'bcryptjs'
import type { BcryptAnswer, BcryptQuestion } from './bcrypt.ts'

parentPort?.on('message', ({ id, password, setting }: BcryptQuestion) => {
  const answer: BcryptAnswer = { id, hash: compute(password, setting) }
  parentPort?.postMessage(answer)
})

/** The error is not told: it may quote what it was given. */
function compute(password: string, setting: string): string | null {
  try {
    return hashSync(password, setting)
  } catch {
    return null
  }
}
