// `npm test`: format and lint, types, tests; all of them, also when one fails. Arguments go to vitest.
import { check, runTests, summarize } from "./counting.mjs"
import { ROOT } from "./nats-server.mjs"
import { ownNode } from "./packages.mjs"
import { giveUp } from "./say.mjs"

const main = async (args) => {
  ownNode(ROOT)
  summarize([
    await check("format and lint", "biome", ["check", "."]),
    await check("types", "tsc", ["-p", "."]),
    await runTests("tests", args)
  ])
}

await main(process.argv.slice(2)).catch(giveUp)
