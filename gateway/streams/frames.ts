import type { EncodedEvent } from "./encode.ts"

/** How many events' frames are remembered: about as many as come in one turn of the event loop. */
const EVENTS_MAX = 256
/** How many names of subscriptions; the frames of others are made for each client anew. */
const NAMES_MAX = 256

/** How many bytes of UTF-8 the beginnings of events are: asked of each once, however many queues it is in. */
const sizes = new WeakMap<EncodedEvent, number>()
const sizeOf = (event: EncodedEvent): number => {
  const known = sizes.get(event)
  if (known !== undefined) return known
  const size = Buffer.byteLength(event.opening)
  sizes.set(event, size)
  return size
}

/** The frames of subscriptions that clients call alike: the same bytes go to all of them, and are made once. */
export class Frames {
  readonly #ending: string
  readonly #endingBytes: number
  readonly #events: Array<EncodedEvent> = []
  readonly #frames: Array<Uint8Array> = []
  users = 1

  constructor(name: string) {
    this.#ending = `,"sub":${JSON.stringify(name)}}`
    this.#endingBytes = Buffer.byteLength(this.#ending)
  }

  /**
   * The frame of an event, as text. As long as nobody looks into the text it is made of the event's own, which all queues
   * share, and takes next to nothing.
   */
  textOf(event: EncodedEvent): string {
    return event.opening + this.#ending
  }

  /** How many bytes the frame of an event is. */
  sizeOf(event: EncodedEvent): number {
    return sizeOf(event) + this.#endingBytes
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
