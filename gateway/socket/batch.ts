/** What a batch writes to. */
export interface Sink {
  /** Runs writes that go to the network in one go. */
  readonly cork: (write: () => void) => void
  readonly write: (text: string) => void
  /** Bytes that were written and that the network has not taken. */
  readonly bufferedBytes: () => number
  /** Called after a write, if bytes waited before it and fewer than `fullBytes` do now. */
  readonly roomAgain: () => void
}

/** Frames of one client that are written together. */
export interface Batch {
  readonly send: (text: string) => void
  /** What was not taken by the network, and what is not written yet; of that, characters. */
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
export const makeBatch = (sink: Sink, fullBytes: number): Batch => {
  let gathered: Array<string> = []
  let size = 0
  const flush = (): void => {
    if (gathered.length === 0) return
    const texts = gathered
    gathered = []
    size = 0
    const waited = sink.bufferedBytes() > 0
    sink.cork(() => {
      for (const text of texts) sink.write(text)
    })
    // The network may take what waited together with this, and then says nothing later.
    if (waited && sink.bufferedBytes() < fullBytes) sink.roomAgain()
  }
  return {
    send: (text) => {
      if (gathered.length === 0) queueMicrotask(flush)
      gathered.push(text)
      size += text.length
      if (size >= fullBytes) flush()
    },
    pendingBytes: () => sink.bufferedBytes() + size,
    flush
  }
}
