// Sends what nobody would, for so many seconds, from a seed: as a process of its own, so that nobody measures it with what it is sent to.
import { connect } from "node:net"
import { argv } from "node:process"
import { Effect } from "effect"
import * as fc from "fast-check"
import { frames, requests } from "./fuzz.ts"

const [port = 0, seconds = 0, seed = 0] = argv.slice(2).map(Number)
const DRAWN = 500
const counts = { frames: 0, requests: 0, connections: 0 }

/** Values of an arbitrary without end. */
function* drawn<A>(arbitrary: fc.Arbitrary<A>, first: number): Generator<A> {
  for (let round = first; ; round++) yield* fc.sample(arbitrary, { seed: round, numRuns: DRAWN })
}

const until = (socket: { readonly on: (event: "close", listener: () => void) => unknown }) =>
  Effect.callback<void>((resume) => void socket.on("close", () => resume(Effect.void)))

/** A client that sends frames until it is closed or has sent enough. */
const talk = (texts: Generator<string | Uint8Array>) =>
  Effect.gen(function* () {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    const state = { over: false }
    const opened = new Promise<void>((resolve) => {
      socket.onopen = () => resolve()
      socket.onerror = () => resolve()
      socket.onclose = () => {
        state.over = true
        resolve()
      }
    })
    yield* Effect.promise(() => opened)
    counts.connections++
    for (let sent = 0; sent < 300 && !state.over && socket.readyState === WebSocket.OPEN; sent++) {
      socket.send(texts.next().value)
      counts.frames++
      yield* Effect.sleep("10 millis")
    }
    socket.close()
    yield* Effect.sleep("50 millis")
  })

/** A request in two pieces, and the end of its connection. */
const ask = (texts: Generator<Buffer>) =>
  Effect.gen(function* () {
    const text: Buffer = texts.next().value
    const socket = connect(port, "127.0.0.1")
    socket.on("error", () => undefined)
    socket.resume()
    const half = text.length >> 1
    socket.write(text.subarray(0, half))
    yield* Effect.sleep("2 millis")
    socket.end(text.subarray(half))
    counts.requests++
    yield* Effect.timeoutOption(until(socket), "2 seconds")
    socket.destroy()
    yield* Effect.sleep("10 millis")
  })

const workers = Array.from({ length: 6 }, (_, index) => {
  const first = seed + index * 1_000_000
  if (index % 2 === 0) return Effect.forever(Effect.suspend(() => talk(drawn(frames, first + counts.connections))))
  const texts = drawn(requests, first)
  return Effect.forever(Effect.suspend(() => ask(texts)))
})

await Effect.runPromise(
  Effect.all(workers, { concurrency: "unbounded" }).pipe(Effect.timeoutOption(`${seconds} seconds`), Effect.asVoid)
)
console.log(JSON.stringify(counts))
process.exit(0)
