// `npm run chaos -- --minutes 10 [--seed N] [--outside]`: the chaos test for as long as is wanted. Exit code 1 if anything is wrong.
import { parseArgs } from "node:util"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import { runChaos } from "./chaos.ts"
import { exitWith, tellFailed } from "./exit-code.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string" },
    outside: { type: "boolean", default: false }
  }
})
const { outside } = values
const minutes = Number(values.minutes)
const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed)

const main = Effect.gen(function* () {
  if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
    yield* Console.error("usage: npm run chaos -- [--minutes NUMBER] [--seed WHOLE NUMBER] [--outside]")
    return 2
  }
  const { complaints, totals } = yield* runChaos({ seed, seconds: minutes * 60, say: Console.log, outside })
  if (complaints.length === 0) {
    yield* Console.log(
      `passed: each of ${totals.accepted} accepted messages had exactly one effect, in order (seed ${seed})`
    )
    return 0
  }
  yield* tellFailed(complaints, `npm run chaos -- --minutes ${minutes} --seed ${seed}${outside ? " --outside" : ""}`)
  return 1
})

NodeRuntime.runMain(exitWith(seed, main))
