// `npm run long`: the tests that take minutes, each of one way in which a system goes wrong. Arguments go to vitest.
import { runTests, summarize } from "./counting.mjs"
import { ROOT } from "./nats-server.mjs"
import { ownNode } from "./packages.mjs"
import { giveUp } from "./say.mjs"

const main = async (args) => {
  ownNode(ROOT)
  summarize([await runTests("long tests", ["--config", "test/long/vitest.config.ts", ...args])])
}

await main(process.argv.slice(2)).catch(giveUp)
