import { readLog, readMessage, readSnapshot, type StreamMessage } from '@counterfoil/verifier'
import { blame } from './judge.ts'
import type { Fault } from './scene.ts'
import { hear, type VerifierProcess } from './verifier-process.ts'
import type { World } from './world.ts'

/** Answers of something that is not a hub of ours, or that are not what they were when they left. */
const texts = [
  '',
  '<html><body>Please sign in to the network</body></html>',
  '{"epoch":1,"entries":[[1,"session","short",0]],"wants_ack":false}',
  '{"epoch":1,"entries":[[1,"session","AAAAAAAAAAAAAAAAAAAAAA",-1]]}',
  '{"epoch":1,"entries":[[1.5,"everyone","AAAAAAAAAAAAAAAAAAAAAA",0]]}',
  '{"epoch":1,"entries":[[1,"nobody","AAAAAAAAAAAAAAAAAAAAAA",0]]}',
  '{"epoch":1,"position":3,"window":60,"entries":[[1,"session"]]}',
  '{"hub":"","nonce":"x","at":1,"epoch":1,"head":1}',
  '{"hub":"other","epoch":1,"head":-1,"a":1,"wall":1}',
  '{"epoch":1,"entries":[[1,"session","AAAAAAAAAAAAAAAAAAAAAA",0]',
]

/** What something between a verifier and its hubs does to it. */
export function disturb(world: World, verifier: VerifierProcess, { kind, length, size }: Fault): void {
  const { line, chance, hubs } = world
  const { stream, checker } = verifier
  if (stream === null || !verifier.isUp || verifier.pausedUntil > line.now) return
  if (kind === 'slow_proxy') {
    stream.heldUntil = line.now + length
    return
  }
  const { view } = checker
  const before = { ends: view.ends.size, version: view.version }
  if (kind === 'garbage') {
    for (const text of texts) {
      const read = [
        readMessage(chance.pick(['revoked', 'hello', 'heartbeat']), text),
        readSnapshot(text),
        readLog(text),
      ]
      if (read.some((one) => one !== null)) blame(world, 'garbage was read', text)
    }
    const { epoch, applied } = view
    const foreign: StreamMessage[] = [
      { kind: 'hello', hub: 'foreign', nonce: 'of somebody else', at: 5, epoch, head: applied },
      { kind: 'heartbeat', hub: 'foreign', epoch, head: applied, a: 1e15, wall: 1e13 },
      {
        kind: 'revoked',
        epoch: epoch - 1,
        entries: [{ position: applied + 1, kind: 'everyone', key: 'x'.repeat(22), age: 0 }],
        wantsAck: true,
      },
    ]
    hear(world, stream, chance.pick(foreign))
  } else {
    // The rest of the stream comes from another hub, whose clock is another one.
    const other = chance.pick(hubs)
    if (other === stream.hub) return
    const { instance, epoch, head } = other.hub
    const a = other.clocks.mono + size * 1e6
    hear(world, stream, {
      kind: 'heartbeat',
      hub: instance,
      epoch,
      head,
      a: Math.max(0, a),
      wall: verifier.clocks.wall,
    })
  }
  if (view.ends.size > before.ends || view.version > before.version)
    blame(world, 'foreign input ended something', kind)
}
