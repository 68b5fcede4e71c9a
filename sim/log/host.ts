/** What time is to the simulated server. Whoever runs it gives this: a test clock, or a world's timeline. */
export interface Host {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Runs something at a time, never before this call has returned. */
  readonly at: (time: number, run: () => void) => void
}

/** Things that the server sends to one process, in order. */
export interface Channel<A> {
  /** False if the process is gone: nothing more has to be sent. */
  readonly send: (value: A) => boolean
}
