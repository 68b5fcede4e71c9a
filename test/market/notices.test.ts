import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { KINDS, WARNINGS } from "../../market/notices.ts"

const FILES = readFileSync(join(import.meta.dirname, "..", "..", "docs", "FILES.md"), "utf8")

/** The codes of a table of the guide. */
const listed = (title: string): ReadonlyArray<string> => {
  const table = FILES.split(`| ${title} |`)[1]?.split("\n\n")[0] ?? ""
  return [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, code = ""]) => code).toSorted()
}

describe("what is noticed of a file", () => {
  it("is listed in the guide, warnings and what was done apart", () => {
    assert.deepStrictEqual(listed("warning"), [...WARNINGS].toSorted())
    assert.deepStrictEqual(
      listed("done"),
      Object.keys(KINDS)
        .filter((kind) => !new Set<string>(WARNINGS).has(kind))
        .toSorted()
    )
  })
})
