import { type Client, createClientOn } from './client.ts'
import { browserMachine } from './machine.ts'
import { type ClientOptions, readOptions } from './options.ts'

/**
 * A client of this page. Make one and share it: it is cheap, touches nothing until it is used, and may be made where
 * a page is rendered on a server. Throws a `TypeError` for options that are not as expected.
 */
export function createClient(options: ClientOptions): Client {
  return createClientOn(browserMachine, readOptions(options))
}
