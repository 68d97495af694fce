import { readMessage, type StreamMessage, writeMessage } from '@counterfoil/verifier'
import type { HubProcess } from './hub-process.ts'
import { stepHubProcess } from './hub-process.ts'
import { schedule } from './timeline.ts'
import { hear, lose, type VerifierProcess } from './verifier-process.ts'
import { travel, type World, wait, within } from './world.ts'

/** One connection from a verifier to a hub. */
export type Stream = {
  readonly link: number
  readonly hub: HubProcess
  readonly verifier: VerifierProcess
  /** Broken without a word, or closed: nothing comes through any more. */
  isBroken: boolean
  /** When the last message arrives: what is sent later arrives later. */
  floor: number
  /** Something in between collects what comes until then. */
  heldUntil: number
  heardAt: number
}

export function sendOn(world: World, stream: Stream, message: StreamMessage) {
  if (stream.isBroken) return
  const { chance, line, scene, isHealed } = world
  const { verifier } = stream
  const cutUntil = Math.max(verifier.cutFromFeedUntil, verifier.cutOffUntil)
  if (cutUntil > line.now) {
    // Sent again and again until the network is back, or until somebody gives up.
    if (chance.is(0.5)) return breakStream(world, stream)
    stream.heldUntil = Math.max(stream.heldUntil, cutUntil)
  }
  if (!isHealed && scene.breaks > 0 && chance.is(scene.breaks)) return breakStream(world, stream)
  const at = Math.max(line.now + travel(world), stream.heldUntil)
  const isLoose = !isHealed && scene.disorder > 0 && chance.is(scene.disorder)
  const arrival = isLoose ? at + chance.between(0, 300) : Math.max(at, stream.floor)
  if (!isLoose) stream.floor = arrival
  deliver(world, { stream, message, at: arrival })
  if (!isHealed && scene.repeats > 0 && chance.is(scene.repeats)) {
    deliver(world, { stream, message, at: arrival + chance.between(0, 3000) })
  }
}

function deliver(world: World, given: { stream: Stream; message: StreamMessage; at: number }): void {
  const { stream, at } = given
  const message = world.scene.isWritten ? rewritten(given.message) : given.message
  const arrive = () => {
    if (!stream.isBroken) hear(world, stream, message)
  }
  schedule(world.line, at, within(world, stream.verifier, arrive))
}

function rewritten(message: StreamMessage): StreamMessage {
  const { event, data } = writeMessage(message)
  const read = readMessage(event, data)
  if (read === null) throw new Error(`A message cannot be read back: ${data}`)
  return read
}

/** Either end finds out by itself, later. */
function breakStream(world: World, stream: Stream): void {
  stream.isBroken = true
  if (world.chance.is(0.5))
    wait(
      world,
      travel(world),
      within(world, stream.verifier, () => lose(world, stream)),
    )
  forgetStream(world, stream, world.chance.between(0, 5000))
}

/** The hub's end is gone. */
export function closeStream(world: World, stream: Stream, { isQuiet }: { isQuiet: boolean }): void {
  if (stream.isBroken) return
  if (isQuiet) stream.isBroken = true
  else {
    const at = Math.max(stream.floor, world.line.now + travel(world))
    schedule(
      world.line,
      at,
      within(world, stream.verifier, () => lose(world, stream)),
    )
  }
}

/** The verifier's end is gone. */
export function leaveStream(world: World, stream: Stream): void {
  stream.isBroken = true
  forgetStream(world, stream, travel(world))
}

function forgetStream(world: World, { hub, link }: Stream, delay: number): void {
  wait(
    world,
    delay,
    within(world, hub, () => {
      hub.streams.delete(link)
      stepHubProcess(world, hub, { kind: 'disconnected', link })
    }),
  )
}
