import type { HttpResponse } from "uWebSockets.js"

/** Why there is no body: it is longer than it may be, there is no room for it now, or it has taken too long to come. */
export type BodyFault = "too_long" | "no_room" | "too_slow"

/** So much of each body needs no room, so that what is short is never refused for what others send. */
export const SHORT_BYTES = 4 * 1024
// What a refused body may still bring before we hang up: a client that is not heard out often never reads the answer.
const DRAINED_BYTES_MAX = 16 * 1024 * 1024

/** Room for the bodies that are on their way, of all requests together. */
export class BodyRoom {
  readonly bodyMillis: number
  #left: number

  constructor(bytes: number, bodyMillis: number) {
    this.#left = bytes
    this.bodyMillis = bodyMillis
  }

  take(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#left += bytes
  }
}

/** A body that is being read. */
export interface BodyReading {
  /** Nobody wants it any more: it is given up with its room. */
  readonly end: () => void
}

/**
 * Reads a body as far as `limit` bytes. Calls back once; what comes of a body after it was refused is thrown away. Of a response that is
 * `answered` the library must not be asked anything any more: that would end the process.
 */
export const readBody = (
  res: HttpResponse,
  room: BodyRoom,
  limit: number,
  answered: () => boolean,
  done: (body: Buffer | BodyFault) => void
): BodyReading => {
  const startedAt = performance.now()
  let chunks: Array<Buffer> = []
  let [size, taken, over] = [0, 0, false]
  const finish = (body: Buffer | BodyFault | undefined): void => {
    if (over) return
    over = true
    chunks = []
    room.giveBack(taken)
    if (body !== undefined) done(body)
  }
  res.onData((chunk, isLast) => {
    size += chunk.byteLength
    if (size > DRAINED_BYTES_MAX) {
      finish("too_long")
      if (!answered()) res.close()
      return
    }
    if (over) return
    if (size > limit) {
      // Who sends it all hears why at its end; in between nothing is kept.
      chunks = []
      room.giveBack(taken)
      taken = 0
      if (isLast) finish("too_long")
      return
    }
    if (performance.now() - startedAt > room.bodyMillis) return finish("too_slow")
    const needed = Math.max(0, size - SHORT_BYTES) - taken
    if (!room.take(needed)) return finish("no_room")
    taken += needed
    // The chunk's memory is taken back when this returns.
    chunks.push(Buffer.from(new Uint8Array(chunk)))
    if (isLast) finish(Buffer.concat(chunks))
  })
  return { end: () => finish(undefined) }
}
