// What a node's memory does while its actors are slower than who sends to them.
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule } from "effect"
import { Actors } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { HungryProtocol } from "../support/hungry-main.ts"
import { natsServer } from "../support/nats.ts"

const MAIN = fileURLToPath(new URL("../support/hungry-main.ts", import.meta.url))
const MEBIBYTE = 1024 * 1024
const MESSAGES = 100_000
const KEYS = 40
const TEXT = "x".repeat(1_000)

/** The sizes of a node's heap, as it says them. */
const heaps = (url: string, namespace: string) =>
  Effect.gen(function* () {
    const sizes: Array<number> = []
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const child = spawn(process.execPath, ["--expose-gc", MAIN, url, namespace], {
          stdio: ["ignore", "pipe", "ignore"]
        })
        child.stdout.on("data", (chunk: Buffer) => {
          for (const [, size] of chunk.toString().matchAll(/heap (\d+)/g)) sizes.push(Number(size))
        })
        return child
      }),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    yield* Effect.sync(() => sizes.length).pipe(
      Effect.repeat({ until: (count) => count > 0, schedule: Schedule.spaced("50 millis") })
    )
    return sizes
  })

describe("a node whose actors are slower than who sends to them", () => {
  it.live(
    "keeps its memory, however much is sent",
    () =>
      Effect.gen(function* () {
        const { url } = yield* natsServer()
        const options = { url, namespace: "hungry", name: "client", ttlSeconds: 2 }
        const client = yield* Layer.build(layerNats(options))
        yield* Effect.gen(function* () {
          const all = yield* Actors
          const sizes = yield* heaps(url, "hungry")
          const [empty = 0] = sizes
          const numbers = Array.from({ length: MESSAGES }, (_, index) => index)
          const eat = (index: number) => all.tell(HungryProtocol, `k${index % KEYS}`, "Eat", { text: TEXT })
          yield* Effect.forEach(numbers, eat, { concurrency: 4_000, discard: true })
          yield* Effect.sleep("1500 millis")
          const most = (Math.max(...sizes) - empty) / MEBIBYTE
          const last = (sizes.at(-1)! - empty) / MEBIBYTE
          console.log(
            `${MESSAGES} messages of 1 KB waiting: at most ${most.toFixed(0)} MiB, in the end ${last.toFixed(0)}`
          )
          assert.isBelow(most, 75, "100 MiB wait")
        }).pipe(Effect.provide(client))
      }).pipe(Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    60_000
  )
})
