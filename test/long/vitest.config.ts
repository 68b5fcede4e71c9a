import { join } from "node:path"
import { defineConfig } from "vitest/config"

const MINUTE = 60_000

/** `npm run long`: what takes too long for `npm test`. Each test says what it saw. */
export default defineConfig({
  root: join(import.meta.dirname, "..", ".."),
  test: {
    include: ["test/long/*.test.ts"],
    testTimeout: 10 * MINUTE,
    hookTimeout: MINUTE,
    pool: "forks",
    // Most of them wait, and those that do not would be in each other's way.
    maxWorkers: 2,
    // Real servers and processes are killed in real time: a busy machine may be late once.
    retry: 1,
    disableConsoleIntercept: true
  }
})
