// Runs programs of the packages and counts what they found; what `npm test` and `npm run long` have in common.
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join, relative } from "node:path"
import { ROOT } from "./nats-server.mjs"
import { SetupError } from "./say.mjs"

const bin = join(ROOT, "node_modules", ".bin")
const env = { ...process.env, PATH: [bin, process.env.PATH ?? ""].join(delimiter) }

/** Runs a program of the packages in this terminal: whether it succeeded. */
const succeeds = (name, args) =>
  new Promise((resolve, reject) => {
    const child = spawn(join(bin, name), args, { cwd: ROOT, env, stdio: "inherit" })
    child.on("error", (error) => reject(new SetupError(`${name} could not be started: ${error.message}.`)))
    child.on("exit", (code) => resolve(code === 0))
  })

/** One check of a program that succeeds or not. */
export const check = async (title, name, args) => {
  console.log(`\n--- ${title}\n`)
  const succeeded = await succeeds(name, args)
  return succeeded ? { title, passed: 1, failed: 0, failures: [] } : { title, passed: 0, failed: 1, failures: [title] }
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
    skipped: report.numPendingTests + report.numTodoTests,
    failures: [...report.testResults.flatMap(failedTests), ...broken.map(({ name }) => relative(ROOT, name))]
  }
}

/** File, name, and the first line of what went wrong. */
const failedTests = ({ name: file, assertionResults }) =>
  assertionResults
    .filter(({ status }) => status === "failed")
    .map(({ fullName, failureMessages: [message] }) => {
      // What is thrown need not have a message.
      const [cause] = (message ?? "no message").split("\n")
      return `${relative(ROOT, file)}: ${fullName}: ${cause}`
    })

/** The tests of vitest with these arguments. */
export const runTests = async (title, args) => {
  console.log(`\n--- ${title}\n`)
  const folder = mkdtempSync(join(tmpdir(), "conclave-checks-"))
  const file = join(folder, "report.json")
  try {
    const reporters = ["default", "json", join(ROOT, "setup", "repeated.mjs")].map((name) => `--reporter=${name}`)
    const output = `--outputFile.json=${file}`
    const succeeded = await succeeds("vitest", ["run", ...reporters, output, ...args])
    const counts = countTests(file)
    // Something that is in no test, such as an error after the last one, or no test at all.
    const elsewhere = (!succeeded && counts.failed === 0) || counts.passed + counts.failed === 0
    if (!elsewhere) return { title, ...counts }
    return {
      title,
      ...counts,
      failed: counts.failed + 1,
      failures: [...counts.failures, `${title}: outside of the tests`]
    }
  } catch (error) {
    if (error.code !== "ENOENT") throw error
    return { title, passed: 0, failed: 1, skipped: 0, failures: [`${title}: no report`] }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const summaryLine = ({ title, passed, failed, skipped }) => {
  const verdict = failed > 0 ? "FAILED" : "passed"
  const counts = skipped === undefined ? "" : `  ${passed} passed, ${failed} failed, ${skipped} skipped`
  return `${title.padEnd(16)} ${verdict}${counts}`
}

/** Prints what was found, and ends with exit code 1 if anything failed. */
export const summarize = (results) => {
  const sum = (key) => results.reduce((total, result) => total + result[key], 0)
  const failures = results.flatMap((result) => result.failures.map((failure) => `failed: ${failure}\n`))
  console.log(`\n--- summary\n\n${results.map(summaryLine).join("\n")}\n${failures.join("")}`)
  // The place where .ci/run wants the counts, for it prints the last line.
  if (process.env.CONCLAVE_COUNTS) {
    writeFileSync(process.env.CONCLAVE_COUNTS, `${sum("passed")} passed, ${sum("failed")} failed\n${failures.join("")}`)
  }
  process.exitCode = sum("failed") > 0 ? 1 : 0
}
