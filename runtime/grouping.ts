import { Effect, type Exit, Latch } from "effect"

/**
 * Work that goes in groups: what is asked for in the same turn of the event loop, or while an earlier group is under way, is
 * one group.
 */
export class GroupLoop {
  readonly #work = Latch.makeUnsafe(false)

  /** There is something to do. */
  wake(): void {
    this.#work.openUnsafe()
  }

  /** Does a group at a time with `next` while there is something to do, for ever. */
  run(isEmpty: () => boolean, next: () => Effect.Effect<void>): Effect.Effect<never> {
    return Effect.gen({ self: this }, function* () {
      while (true) {
        yield* this.#work.await
        this.#work.closeUnsafe()
        // What else is ready in this turn of the event loop belongs into the same group.
        yield* Effect.yieldNow
        while (!isEmpty()) yield* next()
      }
    })
  }
}

/** A request that waits for its group. */
export interface Queued<A, B, E> {
  readonly request: A
  readonly settle: (exit: Exit.Exit<B, E>) => void
}

/** Requests that are served in groups of no more than so many, in order. */
export class GroupQueue<A, B, E> {
  readonly #max: number
  readonly #loop = new GroupLoop()
  #waiting: Array<Queued<A, B, E>> = []

  constructor(max: number) {
    this.#max = max
  }

  /** What the request comes to, once its group is served. */
  ask(request: A): Effect.Effect<B, E> {
    return Effect.callback((resume) => {
      this.#waiting.push({ request, settle: resume })
      this.#loop.wake()
    })
  }

  /** Serves group after group with `serve`, which settles each request of it; for ever. */
  run(serve: (group: ReadonlyArray<Queued<A, B, E>>) => Effect.Effect<void>): Effect.Effect<never> {
    return this.#loop.run(
      () => this.#waiting.length === 0,
      () => {
        const group = this.#waiting.slice(0, this.#max)
        this.#waiting = this.#waiting.slice(this.#max)
        return serve(group)
      }
    )
  }
}
