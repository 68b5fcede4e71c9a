import type { EncodedEvent } from "./encode.ts"

/** How many events' frames are remembered: about as many as come in one turn of the event loop. */
const EVENTS_MAX = 256
/** How many names of subscriptions; the frames of others are made for each client anew. */
const NAMES_MAX = 256

/** The frames of subscriptions that clients call alike: the same bytes go to all of them, and are made once. */
export class Frames {
  readonly #ending: string
  readonly #events: Array<EncodedEvent> = []
  readonly #frames: Array<Uint8Array> = []
  users = 1

  constructor(name: string) {
    this.#ending = `,"sub":${JSON.stringify(name)}}`
  }

  /** The frame of an event, as text. */
  textOf(event: EncodedEvent): string {
    return event.opening + this.#ending
  }

  /** The frame of an event, as bytes of UTF-8. */
  bytesOf(event: EncodedEvent): Uint8Array {
    // A frame that nobody shares need not be remembered.
    if (this.users < 2) return Buffer.from(this.textOf(event))
    const slot = event.sequence % EVENTS_MAX
    const known = this.#events[slot] === event ? this.#frames[slot] : undefined
    if (known !== undefined) return known
    const made = Buffer.from(this.textOf(event))
    this.#events[slot] = event
    this.#frames[slot] = made
    return made
  }
}

const shared = new Map<string, Frames>()

/** The frames of subscriptions with a name, shared with all that have it, until they are given back. */
export const takeFrames = (name: string): Frames => {
  const known = shared.get(name)
  if (known !== undefined) {
    known.users++
    return known
  }
  const made = new Frames(name)
  if (shared.size < NAMES_MAX) shared.set(name, made)
  return made
}

/** Whoever took them does not need them any more. */
export const giveBack = (name: string, frames: Frames): void => {
  if (--frames.users === 0 && shared.get(name) === frames) shared.delete(name)
}
