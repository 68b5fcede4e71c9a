import type { MicrotaskBatch } from "../microtask-batch.ts"

/** What a batch writes to. */
export interface Sink {
  /** Runs writes that go to the network in one go. */
  readonly cork: (write: () => void) => void
  readonly write: (frame: string | Uint8Array) => void
  /** Bytes that were written and that the network has not taken. */
  readonly bufferedBytes: () => number
  /** Called after a write, if bytes waited before it and fewer than `fullBytes` do now. */
  readonly roomAgain: () => void
  /** Called where a write at the end of the turn threw: nobody else is there to hear of it. */
  readonly broken: (cause: unknown) => void
}

/** Frames of one client that are written together. */
export interface Batch {
  readonly send: (frame: string | Uint8Array) => void
  /** What was not taken by the network, and what is not written yet; of texts that are not, characters. */
  readonly pendingBytes: () => number
  /** Writes what has gathered. */
  readonly flush: () => void
}

/**
 * Gathers the frames that are sent in one turn of the event loop, and writes them with one call to the system: events
 * come in groups, as they were stored, and a call costs more than a frame.
 *
 * No more than `fullBytes` gather: past that they are written at once, so that only what the network does not take waits.
 */
export const makeBatch = (sink: Sink, fullBytes: number, later: MicrotaskBatch): Batch => {
  // Of one client the array stays, as long as it once had to be: thousands of new ones each turn are work for the collector.
  const gathered: Array<string | Uint8Array> = []
  let count = 0
  let size = 0
  // Only what we write can begin to wait, so where nothing did the socket need not be asked again before each frame.
  let waits = false
  const buffered = (): number => {
    if (!waits) return 0
    const bytes = sink.bufferedBytes()
    waits = bytes > 0
    return bytes
  }
  const writeAll = (): void => {
    for (let index = 0; index < count; index++) {
      sink.write(gathered[index]!)
      gathered[index] = ""
    }
  }
  const flush = (): void => {
    if (count === 0) return
    const waited = buffered() > 0
    sink.cork(writeAll)
    count = 0
    size = 0
    waits = true
    // The network may take what waited together with this, and then says nothing later.
    if (buffered() < fullBytes && waited) sink.roomAgain()
  }
  const flushSafely = (): void => {
    try {
      flush()
    } catch (cause) {
      sink.broken(cause)
    }
  }
  return {
    send: (frame) => {
      if (count === 0) later(flushSafely)
      gathered[count++] = frame
      size += frame.length
      if (size >= fullBytes) flush()
    },
    pendingBytes: () => buffered() + size,
    flush
  }
}
