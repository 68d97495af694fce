import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import type { Compress } from '../machine.ts'

const run = promisify(deflate)

/** Off the event loop. */
export const systemCompress: Compress = (bytes) => run(bytes, { level: 9 })
