// Hostile clients as a process of their own, each at the limits of one client: who has them in its own process measures itself.
import { argv } from "node:process"
import { Effect } from "effect"
import { bombFrame, flood, textFrame, welcomed } from "./hostile.ts"

const [port = 0, seconds = 0] = argv.slice(2).map(Number)
const OF_EACH_KIND = 4

const HISTORY = { pattern: ">", start: { seq: 1 } }

const say = (operation: object) => textFrame(JSON.stringify(operation))
/** So many frames a second, of a client that reads. */
const steadily = (perSecond: number, frameOf: (count: number) => Buffer) =>
  Effect.gen(function* () {
    const { socket } = yield* welcomed(port)
    let count = 0
    const send = Effect.sync(() => {
      for (let index = 0; index < perSecond / 20; index++) socket.write(frameOf(count++))
    })
    yield* Effect.forever(Effect.andThen(send, Effect.sleep("50 millis")))
  })
const flooding = (bytes: Buffer) => Effect.andThen(flood(port, bytes), Effect.never)
const silent = (onSlow: string) =>
  Effect.gen(function* () {
    const { socket } = yield* welcomed(port)
    for (const id of ["a", "b"])
      socket.write(say({ op: "subscribe", id, pattern: ">", on_slow: onSlow, start: { seq: 1 } }))
    yield* Effect.sleep("100 millis")
    socket.pause()
    yield* Effect.sleep("10 seconds")
    socket.destroy()
  }).pipe(Effect.scoped, Effect.forever)

const kinds = [
  steadily(190, (count) => say({ op: "ping", id: `p${count}`, filler: "f".repeat(1_200) })),
  steadily(190, (count) => say({ op: "status", id: `s${count}`, of: { symbol: "ACME" } })),
  steadily(40, (count) =>
    say({ op: "message", id: `m${count}`, message: { symbol: "ACME", text: "x".repeat(4_000) } })
  ),
  steadily(20, (count) =>
    say({ op: count % 2 === 0 ? "subscribe" : "unsubscribe", id: `h${count >> 1}`, ...(count % 2 === 0 && HISTORY) })
  ),
  flooding(textFrame(`${"[".repeat(30_000)}${"]".repeat(30_000)}`)),
  flooding(Buffer.concat(Array.from({ length: 50 }, () => bombFrame(60_000)))),
  flooding(Buffer.concat(Array.from({ length: 500 }, () => say({ op: "ping", id: "p" })))),
  silent("drop")
]

const clients = kinds.flatMap((kind) => Array.from({ length: OF_EACH_KIND }, () => Effect.scoped(kind)))
await Effect.runPromise(
  Effect.all(clients, { concurrency: "unbounded" }).pipe(Effect.timeoutOption(`${seconds} seconds`), Effect.asVoid)
)
console.log(clients.length)
process.exit(0)
