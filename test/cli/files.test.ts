import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect } from "effect"
import { conclaveFor } from "../../cli/commands.ts"
import { failureText } from "../../cli/failure.ts"
import { commandHelps, runInProcess } from "../support/in-process.ts"
import { temporaryFolder } from "../support/nats.ts"

const DEVICE = "it is a device or pipe, not a file"

describe("what a command cannot read or reach", () => {
  it.live("is told in one sentence", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      mkdirSync(join(folder, "dir"))
      writeFileSync(join(folder, "bad.json"), "x")
      const at = (name: string) => join(folder, name)
      const gateway = "no gateway answers there: see that one runs, or name another with --gateway"
      const cases = [
        [["up", "--experiment", at("none.json")], `${at("none.json")}: there is no such file`],
        [["up", "--experiment", at("dir")], `${at("dir")}: it is a folder`],
        [["up", "--experiment", at("bad.json")], `${at("bad.json")}: it is not JSON`],
        [["up", "--experiment", "/dev/zero"], `/dev/zero: ${DEVICE}`],
        [["analyze", "A", "--csv", "/dev/zero"], `/dev/zero: ${DEVICE}`],
        [["analyze", "A", "--csv", at("bad.json/x")], `${at("bad.json/x")}: a part of its path is not a folder`],
        [["clients", "--gateway", "http://127.0.0.1:1"], `http://127.0.0.1:1: ${gateway}`],
        [["clients", "--gateway", "x"], "x: must be an address such as http://127.0.0.1:8080"]
      ] as const
      for (const [words, sentence] of cases) {
        const { succeeded, error } = yield* runInProcess(words, { CONCLAVE_DATA: folder, PORT: "0" })
        assert.deepStrictEqual({ succeeded, error }, { succeeded: false, error: sentence })
      }
    })
  )
})

describe("what looks wrong in a file of prices", () => {
  const FILE = "test/market/files/a20-hole-of-months.csv"
  const TOLD = /a20-hole-of-months\.csv: warning: long stretches of time have no bars \(1 in all, line 122/

  it.live("is told before its bars are given to a system", () =>
    Effect.gen(function* () {
      const env = { CONCLAVE_DATA: yield* temporaryFolder, PORT: "0" }
      const fed = ["--csv", FILE, "--symbol", "XYZ"]
      for (const words of [
        ["up", ...fed],
        ["feed", ...fed, "--nats", "nats://127.0.0.1:1"]
      ]) {
        assert.match((yield* runInProcess(words, env, TOLD)).printed, TOLD, words[0])
      }
    })
  )

  it.live("is in what a backtest gives to programs, and on its page", () =>
    Effect.gen(function* () {
      const page = join(yield* temporaryFolder, "page.html")
      const words = ["backtest", "--csv", FILE, "--panel", "risk_advisor", "--json", "--html", page]
      const { printed } = yield* runInProcess(words, {})
      assert.match(printed, TOLD)
      assert.include(printed, '"name": "a20-hole-of-months.csv"')
      assert.match(printed, /"warnings": \[\s*"long stretches of time have no bars/)
      assert.match(readFileSync(page, "utf8"), /Warning: long stretches of time have no bars/)
    })
  )
})

describe("what nobody foresaw", () => {
  it("is told in one sentence too, without a stack", () => {
    const defect = Cause.die(new TypeError("a is undefined\n    at b.ts:1"))
    assert.strictEqual(
      failureText(defect),
      "a defect of conclave: a is undefined at b.ts:1 (LOG_LEVEL=Debug shows where)"
    )
    assert.strictEqual(failureText(Cause.fail(new Error("no"))), "no")
  })
})

describe("the help", () => {
  it.live("says of each flag what is taken without it, and which must be given", () =>
    Effect.gen(function* () {
      for (const { path, lines } of yield* commandHelps) {
        for (const line of lines) {
          // A switch is off, and a filter or limit is none, unless given.
          const told = /\(default: .+\)|\(required\)/.test(line)
          const takesValue = /^ {2}--\S+ \S+ {2,}/.test(line)
          assert.isTrue(told || !takesValue || OPTIONAL.test(line), `${path}: ${line.trim()}`)
        }
      }
      const analyze = (yield* commandHelps).find(({ path }) => path === "analyze")
      assert.include(analyze?.usage, "conclave analyze --csv FILE [flags] <symbol>")
      assert.include(analyze?.lines.join("\n"), "The file of prices (required)")
    })
  )

  it.live("lists commands with the words that they have of themselves", () =>
    Effect.gen(function* () {
      const listed = (yield* conclaveFor([])).subcommands.flatMap(({ commands }) => commands)
      for (const { name, description } of listed) {
        const [whole] = (yield* conclaveFor([name])).subcommands
          .flatMap(({ commands }) => commands)
          .filter((command) => command.name === name)
        assert.strictEqual(whole?.description, description, name)
      }
    })
  )
})

/** What changes nothing where it is not given: there is no value to tell. */
const OPTIONAL =
  /unless given|without it|Only |Begin after|Take the market|Hold analyses|The symbol of|The first day|The last day|A file of prices|Go no further|Replay what|Instead|a page to look at|Write|a second|per second/
