import { statfs } from "node:fs/promises"
import { Console, Effect, Option, Schedule } from "effect"
import type { ReadError } from "../runtime/index.ts"
import { sizeText } from "./data-size.ts"
import type { EmbeddedNats } from "./nats-server.ts"

const LOOK_EVERY = "1 second"
const CHECK_TIMEOUT = "2 seconds"
/** With less than this a disk is full: the server writes blocks of this size. */
const ROOM_BYTES_MIN = 16e6
/** A server that stores nothing though there is room may only be slow: so many looks before it is said, and before it is started again. */
const SLOW_LOOKS = 20
const PATIENCE_LOOKS = 60
/** And so many after a start. */
const REST_LOOKS = 15

/** How much room a folder's disk has for us, in bytes; nothing where the system does not tell. */
const roomIn = (folder: string): Effect.Effect<number | undefined> =>
  Effect.tryPromise(() => statfs(folder)).pipe(
    Effect.map(({ bavail, bsize }) => bavail * bsize),
    Effect.orElseSucceed(() => undefined)
  )

/**
 * The disk under a server of our own. A nats-server that could not write to its disk does not go on when there is room again: it is
 * started anew then.
 */
export class Storage {
  readonly #folder: string
  readonly #server: Pick<EmbeddedNats, "restart" | "logFile">
  readonly #room: Effect.Effect<number | undefined>
  #failed: string | undefined
  #full = false
  #looks = 0
  #restLooks = 0

  /** `room` says how much the folder's disk has, in bytes, if that is known. */
  constructor(folder: string, server: Pick<EmbeddedNats, "restart" | "logFile">, room = roomIn(folder)) {
    this.#folder = folder
    this.#server = server
    this.#room = room
  }

  /** Why nothing is stored, and what to do, for people; nothing if all is well. */
  get failed(): string | undefined {
    return this.#failed
  }

  /**
   * Looks after it for ever: says once that nothing is stored, and starts the server again once there is room. `log` fails while
   * the log is no use.
   */
  watch(log: Effect.Effect<void, ReadError>): Effect.Effect<never> {
    const check = log.pipe(
      Effect.timeoutOption(CHECK_TIMEOUT),
      Effect.map(Option.isSome),
      Effect.catchTag("LogUnavailable", () => Effect.succeed(false)),
      // Another log, or one with other limits, is no matter of the disk.
      Effect.orElseSucceed(() => true)
    )
    const look = Effect.flatMap(check, (stores) => (stores ? this.#well : this.#unwell))
    return Effect.repeat(look, Schedule.spaced(LOOK_EVERY)).pipe(Effect.andThen(Effect.never))
  }

  readonly #well: Effect.Effect<void> = Effect.suspend(() => {
    this.#looks = 0
    this.#full = false
    if (this.#failed === undefined) return Effect.void
    this.#failed = undefined
    return Console.error("what is decided is stored again")
  })

  readonly #unwell: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const room = yield* this.#room
    const full = room !== undefined && room < ROOM_BYTES_MIN
    this.#looks++
    this.#full ||= full
    yield* this.#say(full, room)
    if (full || this.#looks < this.#restLooks || !(this.#full || this.#looks >= PATIENCE_LOOKS)) return
    yield* Console.error("the NATS server is started again: there is room for what it could not store")
    // Where it does not start, it has ended, which is told elsewhere.
    yield* Effect.ignore(this.#server.restart)
    this.#looks = 0
    this.#restLooks = REST_LOOKS
  })

  #say(full: boolean, room: number | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      const before = this.#failed
      if (!full && (before !== undefined || this.#looks < SLOW_LOOKS)) return Effect.void
      const disk = `the disk of the data folder ${this.#folder}`
      this.#failed = full
        ? `nothing is stored: ${disk} is full (${sizeText(room ?? 0)} free). Make room there; then it goes on by itself`
        : `nothing is stored, though ${disk} has room; ${this.#server.logFile} may say why`
      // How much is free changes all the time.
      const told = before !== undefined && (before.includes("is full") || !full)
      return told ? Effect.void : Console.error(this.#failed)
    })
  }
}
