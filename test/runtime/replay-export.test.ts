import { isDeepStrictEqual } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { differenceOf, formatExport, parseExport } from "../../runtime/index.ts"
import { busy } from "../support/till.ts"

const exported = { namespace: "conclave", recording: busy().unpurged }
const text = formatExport(exported)
const lines = text.trimEnd().split("\n")

const faultOf = (changed: string): string =>
  Effect.runSync(
    parseExport(changed).pipe(
      Effect.as("none"),
      Effect.catch((error) => Effect.succeed(error.message))
    )
  )

const joined = (changed: ReadonlyArray<string>) => `${changed.join("\n")}\n`

describe("an exported journal", () => {
  it("is read as it was written", () => {
    assert.deepStrictEqual(Effect.runSync(parseExport(text)), exported)
    const role = { ...exported.recording, address: { ...exported.recording.address, role: "gpu" } }
    assert.deepStrictEqual(
      Effect.runSync(parseExport(formatExport({ ...exported, recording: role }))).recording.address.role,
      "gpu"
    )
  })

  it("says of a wrong file which line breaks which rule", () => {
    const [header = "", first = "", second = "", ...rest] = lines
    const end = lines.length
    const last = lines.at(-1)!
    const cases: ReadonlyArray<readonly [string, string]> = [
      ["", "line 1: it is no exported journal of Conclave"],
      ["rubbish\n", "line 1: it is no exported journal of Conclave"],
      [joined(lines.slice(1)), "line 1: it is no exported journal of Conclave"],
      [
        joined([header.replace('"version":1', '"version":2'), first]),
        "line 1: it is of version 2 of the format, and this program reads 1"
      ],
      [joined([header.replace('"id"', '"name"'), first]), "line 1: it does not say whose journal it is"],
      [
        joined([header.replace('"till"', '"Till"'), first]),
        'line 1: actor type "Till": 1 to 64 of a-z 0-9 _, starting with a letter'
      ],
      [joined([header, "{}"]), "line 2: it is no record, mail or end of an exported journal"],
      [joined([header, first, "", second]), "line 3: it is no record, mail or end of an exported journal"],
      [joined([header, second, first, ...rest]), "line 3: record 3 cannot follow record 5"],
      [joined([...lines, last]), `line ${end + 1}: nothing may follow the end`],
      [joined(lines.slice(0, -1)), `line ${end}: the end is missing: the file was cut`],
      [
        joined([header, second, ...rest]),
        `line ${end - 1}: it counts 8 records and 14 messages, and before it are 7 records and 14 messages`
      ]
    ]
    for (const [changed, sentence] of cases) assert.strictEqual(faultOf(changed), sentence)
  })

  it("that was cut anywhere is never taken for a whole one", () => {
    fc.assert(
      fc.property(fc.nat(text.length - 2), (length) => {
        assert.match(faultOf(text.slice(0, length)), /^line \d+: /)
      })
    )
  })
})

const NOTHING = Symbol("nothing")

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** What lies at a path of a JSON value. */
const at = (value: unknown, path: string): unknown => {
  let found: unknown = value
  for (const [, name, index, quoted] of path.matchAll(/\.?([A-Za-z_$][\w$-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)) {
    const key: string = name ?? index ?? JSON.parse(quoted ?? '""')
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return NOTHING
    found = Object.entries(found).find(([each]) => each === key)?.[1]
  }
  return found
}

describe("the difference of two states", () => {
  it("is nothing where they are equal, and else tells what lies where", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
        const found = differenceOf(before, after)
        assert.strictEqual(found.length === 0, isDeepStrictEqual(asJson(before), asJson(after)))
        for (const each of found) {
          if ("before" in each) assert.deepStrictEqual(at(before, each.path), each.before)
          if ("after" in each) assert.deepStrictEqual(at(after, each.path), each.after)
        }
        assert.deepStrictEqual(differenceOf(before, before), [])
      }),
      { examples: [[{ a: [1, 2] }, { a: [1, 3] }]] }
    )
  })

  it("is short where a list moves on", () => {
    const cases = [
      [[], [1], [{ path: "[0]", after: 1 }]],
      [
        [1, 2, 3],
        [2, 3, 4],
        [
          { path: "[0]", before: 1 },
          { path: "[2]", after: 4 }
        ]
      ],
      [[1, 2], [1, 5], [{ path: "[1]", before: 2, after: 5 }]],
      [[1, 2], [1], [{ path: "[1]", before: 2 }]],
      [{ a: { "b c": 1 } }, { a: {} }, [{ path: 'a["b c"]', before: 1 }]],
      [null, { a: 1 }, [{ path: "", before: null, after: { a: 1 } }]]
    ] as const
    for (const [before, after, found] of cases) assert.deepStrictEqual<unknown>(differenceOf(before, after), found)
  })
})
