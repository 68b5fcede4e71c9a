// `npm test`: format and lint, types, tests; all of them, also when one fails. Arguments go to vitest.
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { ROOT } from "./nats-server.mjs"
import { ownNode } from "./packages.mjs"
import { giveUp, SetupError } from "./say.mjs"

const bin = join(ROOT, "node_modules", ".bin")
const env = { ...process.env, PATH: [bin, process.env.PATH ?? ""].join(delimiter) }

/** Runs a program of the packages in this terminal: whether it succeeded. */
const succeeds = (name, args) =>
  new Promise((resolve, reject) => {
    const child = spawn(join(bin, name), args, { cwd: ROOT, env, stdio: "inherit" })
    child.on("error", (error) => reject(new SetupError(`${name} could not be started: ${error.message}.`)))
    child.on("exit", (code) => resolve(code === 0))
  })

const check = async (title, name, args) => {
  console.log(`\n--- ${title}\n`)
  return (await succeeds(name, args)) ? { title, passed: 1, failed: 0 } : { title, passed: 0, failed: 1 }
}

/** What vitest's report counts. A file that does not load has no failed test and is one failure all the same. */
const countTests = (file) => {
  const report = JSON.parse(readFileSync(file, "utf8"))
  const broken = report.testResults.filter(
    (result) => result.status === "failed" && result.assertionResults.every((test) => test.status !== "failed")
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests
  }
}

const runTests = async (args) => {
  console.log("\n--- tests\n")
  const folder = mkdtempSync(join(tmpdir(), "conclave-checks-"))
  const file = join(folder, "report.json")
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`]
    const succeeded = await succeeds("vitest", ["run", ...reporters, ...args])
    const counts = countTests(file)
    // Something that is in no test, such as an error after the last one, or no test at all.
    const elsewhere = (!succeeded && counts.failed === 0) || counts.passed + counts.failed === 0
    return { title: "tests", ...counts, failed: counts.failed + (elsewhere ? 1 : 0) }
  } catch (error) {
    if (error.code !== "ENOENT") throw error
    return { title: "tests", passed: 0, failed: 1, skipped: 0 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const summaryLine = ({ title, passed, failed, skipped }) => {
  const verdict = failed > 0 ? "FAILED" : "passed"
  const counts = skipped === undefined ? "" : `  ${passed} passed, ${failed} failed, ${skipped} skipped`
  return `${title.padEnd(16)} ${verdict}${counts}`
}

const main = async (args) => {
  ownNode(ROOT)
  const results = [
    await check("format and lint", "biome", ["check", "."]),
    await check("types", "tsc", ["-p", "."]),
    await runTests(args)
  ]
  const sum = (key) => results.reduce((total, result) => total + result[key], 0)
  console.log(`\n--- summary\n\n${results.map(summaryLine).join("\n")}\n`)
  // The place where .ci/run wants the counts, for it prints the last line.
  if (process.env.CONCLAVE_COUNTS) {
    writeFileSync(process.env.CONCLAVE_COUNTS, `${sum("passed")} passed, ${sum("failed")} failed\n`)
  }
  process.exitCode = sum("failed") > 0 ? 1 : 0
}

await main(process.argv.slice(2)).catch(giveUp)
