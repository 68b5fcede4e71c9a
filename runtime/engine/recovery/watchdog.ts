import { Worker } from "node:worker_threads"
import { type Address, formatAddress } from "../../address.ts"
import type { Mail } from "../../log.ts"
import { ACTIVE, type Limits, NAME_BYTES, SHARED_BYTES, TURN, views } from "./watchdog-memory.ts"

/** Watches, from a thread of its own, how long the event loop is at one decision. */
export interface Watchdog {
  /** Runs what an author wrote under its eyes: a decision of an actor's message, or what reads its journal. */
  readonly deciding: <A>(actor: Address, mail: Mail | undefined, run: () => A) => A
}

const shared = new SharedArrayBuffer(SHARED_BYTES)
const { flags, sequences, names } = views(shared)
const text = Buffer.from(names.buffer, names.byteOffset, NAME_BYTES)

/** Of this process: it has one event loop, however many nodes. */
const watchdog: Watchdog = {
  deciding: (actor, mail, run) => {
    flags[TURN] = (flags[TURN]! + 1) | 0
    flags[ACTIVE] = text.write(formatAddress(actor)) + 1
    sequences[0] = mail?.sequence ?? 0
    try {
      return run()
    } finally {
      flags[ACTIVE] = 0
    }
  }
}

let thread: Worker | undefined

/**
 * Watches this process's decisions from now on. One that takes 2 seconds is told of on standard error while it runs, with
 * actor and message; one that takes longer than the limit ends the process, so that others take over.
 *
 * @param limitMillis in milliseconds; that of the first caller holds. Infinite where nothing is to be watched.
 */
export const watchDecisions = (limitMillis: number): Watchdog => {
  if (thread === undefined && Number.isFinite(limitMillis)) {
    // At a breakpoint a decision may take as long as it likes.
    const debugged = process.execArgv.some((flag) => flag.startsWith("--inspect"))
    thread = startThread({ shared, limitMillis: debugged ? Number.POSITIVE_INFINITY : limitMillis })
  }
  return watchdog
}

const startThread = (workerData: Limits): Worker => {
  const worker = new Worker(new URL("./watchdog-thread.ts", import.meta.url), { workerData })
  worker.unref()
  // It is only a help: without it decisions are as long as they are. In a bundle the module may not lie beside the program.
  worker.on("error", ({ message }) => process.emitWarning(`long decisions are not watched: ${message}`))
  return worker
}
