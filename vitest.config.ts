import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** Those that mostly wait, for leases to run out or servers to start: they begin first, so that nobody waits for them at the end. */
const LONG = ["cluster/chaos", "sim/world", "cluster/", "cli/command", "sim/mutants", "conformance/nats", "docs"]

const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = LONG.findIndex((part) => moduleId.includes(`/test/${part}`))
  return rank < 0 ? LONG.length : rank
}

class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other))
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Those of `npm run long` take minutes.
    exclude: ["test/long/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Real servers and processes live in real time: a busy machine may be late once. What had to be repeated is said at the end.
    retry: 1,
    pool: "forks",
    // A worker loads what tests share once, and not for each file again: that was a third of all their time.
    isolate: false,
    // One more than the usual two processors: most of the long ones wait for something.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst }
  }
})
