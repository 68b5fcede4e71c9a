// `npm run rounds -- [--rounds 1000] [--seed N]`: rounds in flight while nodes are killed, each verified. Exit code 1 if anything is wrong.
import { parseArgs } from "node:util"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Clock, Console, Effect } from "effect"
import { exitWith, tellFailed } from "./exit-code.ts"
import { runRounds } from "./rounds-chaos.ts"

const { values } = parseArgs({ options: { rounds: { type: "string", default: "1000" }, seed: { type: "string" } } })
const rounds = Number(values.rounds)
const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed)

const main = Effect.gen(function* () {
  if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) {
    yield* Console.error("usage: npm run rounds -- [--rounds WHOLE NUMBER] [--seed WHOLE NUMBER]")
    return 2
  }
  const begin = yield* Clock.currentTimeMillis
  const { complaints, results, kills, closedBy } = yield* runRounds({ rounds, seed, say: Console.log })
  const seconds = (((yield* Clock.currentTimeMillis) - begin) / 1_000).toFixed(1)
  const by = Object.entries(closedBy).map(([name, count]) => `${name} ${count}`)
  yield* Console.log(
    `${results} of ${rounds} rounds have a result, ${kills} kills, ${seconds} s; closed by ${by.join(", ")}`
  )
  if (complaints.length === 0 && results === rounds) {
    yield* Console.log(`passed: each round verified equal (seed ${seed})`)
    return 0
  }
  yield* tellFailed(complaints, `npm run rounds -- --rounds ${rounds} --seed ${seed}`)
  return 1
})

NodeRuntime.runMain(exitWith(seed, main))
