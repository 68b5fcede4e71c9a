import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { dataFolder, start } from "../support/command.ts"
import { temporaryFolder } from "../support/nats.ts"

const csv = (days: number) =>
  ["Date,Open,High,Low,Close", ...Array.from({ length: days }, (_, day) => `2020-01-0${day + 1},1,2,0.5,1`)].join("\n")

describe("conclave up on a data folder that has bars of the symbol", () => {
  it.live("says that a file has been read, and does not stand still on one that ends before what is known", () =>
    Effect.gen(function* () {
      const data = yield* dataFolder
      const folder = yield* temporaryFolder
      const [whole, short] = [join(folder, "whole.csv"), join(folder, "short.csv")]
      writeFileSync(whole, csv(5))
      writeFileSync(short, csv(3))
      const fed = (file: string) => ["--csv", file, "--symbol", "ACME", "--port", "0"]
      const up = (file: string) => start(["up", ...fed(file), "--speed", "100", "--data", data])
      const run = (says: RegExp) =>
        Effect.scoped(Effect.flatMap(up(whole), (system) => Effect.asVoid(system.says(says))))
      yield* run(/ACME: the market data has ended/)
      yield* run(/ACME: all of .*whole\.csv has been read; another --data folder starts afresh/)
      const longer = join(folder, "longer.csv")
      writeFileSync(longer, csv(9))
      const end = yield* Effect.scoped(
        Effect.flatMap(
          start(["up", ...fed(longer), "--speed", "1000", "--until-end", "--data", data]),
          ({ ended }) => ended
        )
      )
      assert.strictEqual(end.code, 0, end.stderr)
      assert.match(end.stdout, /ACME: 4 bars taken, \d joint decisions?[\s\S]*stopping\nstopped\n$/)
      const { ended } = yield* up(short)
      const { code, stderr } = yield* ended
      const known = "the data folder has bars of ACME up to 2020-01-09, of another market"
      const remedy = "use another folder with --data, or another name with --symbol"
      const sentence = `conclave: ${short} ends on 2020-01-03, and ${known}: ${remedy}\n`
      assert.deepStrictEqual({ code, stderr }, { code: 1, stderr: sentence })
    }).pipe(Effect.scoped)
  )
})
