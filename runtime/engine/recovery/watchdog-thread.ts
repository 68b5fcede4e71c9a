// Runs beside the event loop, which cannot tell of itself while it is at a decision that takes long.
import { writeSync } from "node:fs"
import { workerData } from "node:worker_threads"
import { ACTIVE, type Limits, TURN, views } from "./watchdog-memory.ts"

const LOOK_MILLIS = 250
const SLOW_MILLIS = 2_000
const STANDARD_ERROR = 2

const { shared, limitMillis } = workerData as Limits
const { flags, sequences, names } = views(shared)

let turn = -1
let millis = 0
let told = false

const say = (what: string) => {
  const actor = Buffer.from(names.slice(0, flags[ACTIVE]! - 1)).toString()
  // Nothing in a name can steer a terminal.
  const text = `decision of ${actor.replaceAll(/[^ -~]/g, "?")}, message ${sequences[0]}: ${what}\n`
  try {
    writeSync(STANDARD_ERROR, text)
  } catch {
    // Nobody reads it.
  }
}

const look = () => {
  if (flags[ACTIVE] === 0 || flags[TURN] !== turn) {
    turn = flags[TURN]!
    millis = 0
    told = false
    return
  }
  millis += LOOK_MILLIS
  if (millis >= SLOW_MILLIS && !told) {
    told = true
    say(`it takes more than ${SLOW_MILLIS / 1_000} seconds, and this process does nothing else`)
  }
  if (millis < limitMillis) return
  say(`it has taken ${millis / 1_000} seconds: this process ends, and others take over`)
  process.kill(process.pid, "SIGKILL")
}

const pause = new Int32Array(new SharedArrayBuffer(4))
for (;;) {
  Atomics.wait(pause, 0, 0, LOOK_MILLIS)
  look()
}
