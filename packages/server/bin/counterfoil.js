#!/usr/bin/env node
import module from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 21)) {
  console.error(
    `Counterfoil needs Node 24.21 or newer; this is ${process.version}. In a checkout, "npm start" brings its own.`,
  )
  process.exit(1)
}
module.enableCompileCache?.()
const { main } = await import('#main')
await main(process.argv)
