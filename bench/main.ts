// `npm run bench`: what durability costs here, beside what it costs bare on the same server in the same run.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, References } from "effect"
import { natsServer } from "../test/support/nats.ts"
import { analysis } from "./analysis.ts"
import { asks } from "./asks.ts"
import { backtest } from "./backtest.ts"
import { consensus } from "./consensus.ts"
import { door } from "./door.ts"
import { gateway } from "./gateway.ts"
import { memory } from "./memory.ts"
import type { Part } from "./part.ts"
import { recovery } from "./recovery.ts"
import { type Aim, printTable, ROUNDS } from "./report.ts"
import { rounds } from "./rounds.ts"
import { takeover } from "./takeover.ts"
import { tells } from "./tells.ts"
import { tracing } from "./tracing.ts"

const PARTS: ReadonlyArray<Part> = [
  tells,
  asks,
  door,
  rounds,
  consensus,
  analysis,
  tracing,
  recovery,
  memory,
  takeover,
  gateway,
  backtest
]

const SYNC = [
  { fsync: true, interval: "always", says: "sync_interval: always (every confirmed write is on the disk)" },
  { fsync: false, interval: "2m", says: "sync_interval: 2m (the server's default: the disk follows later)" }
] as const

const wanted = process.argv.slice(2)
const parts = wanted.length === 0 ? PARTS : PARTS.filter(({ name }) => wanted.includes(name))

const runAll = Effect.forEach(SYNC, ({ fsync, interval, says }) =>
  Effect.gen(function* () {
    const here = parts.filter(({ once }) => fsync || once !== true)
    if (here.length === 0) return []
    const { url } = yield* natsServer({ syncInterval: interval })
    yield* Console.log(`\n${says}`)
    return (yield* Effect.forEach(here, (part) => part.run({ url, fsync }))).flat()
  }).pipe(Effect.scoped)
).pipe(Effect.map((aims) => aims.flat()))

const printAims = (aims: ReadonlyArray<Aim>) =>
  aims.length === 0
    ? Effect.void
    : printTable(
        "Aims, with fsync, on two cores with server and load on them",
        ["", "here", ""],
        aims.map(({ says, value, met }) => [says, value, met ? "met" : "missed"])
      )

const main = Effect.gen(function* () {
  const known = PARTS.map(({ name }) => name)
  const unknown = wanted.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    process.exitCode = 1
    return yield* Console.error(`there is no part ${unknown.join(", ")}; there are ${known.join(", ")}`)
  }
  yield* Console.log(
    `Medians of ${ROUNDS} rounds, ours and bare in turn; nodes, client and nats-server share this machine.\n` +
      "Bare: a loop that consumes messages and publishes one guarded record for each key, in atomic groups, with nothing else.\n" +
      "Ratio: how fast it is beside bare, 1.00 is as fast; the median of the ratios of the rounds."
  )
  yield* printAims(yield* runAll)
})

NodeRuntime.runMain(main.pipe(Effect.provideService(References.MinimumLogLevel, "Warn")))
