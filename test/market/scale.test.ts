import { assert, describe, it } from "@effect/vitest"
import { Quality } from "../../market/quality.ts"
import { Scale, type ScaleChange } from "../../market/scale.ts"

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000]

const changes = (gaps: ReadonlyArray<number>): ReadonlyArray<ScaleChange> => {
  const scale = new Scale()
  return gaps.flatMap((gap, index) => scale.add(gap, index + 1) ?? [])
}
const times = (count: number, ...gaps: ReadonlyArray<number>) => Array.from({ length: count }, () => gaps).flat()

describe("the time between bars", () => {
  it("is told where it changes for good, with the first line of it", () => {
    const days = times(52, DAY, DAY, DAY, DAY, 3 * DAY)
    const minutes = times(300, MINUTE)
    assert.deepStrictEqual(changes([...days, ...minutes]), [{ line: 261, from: DAY, to: MINUTE }])
    assert.deepStrictEqual(changes([...minutes, ...days]), [{ line: 301, from: MINUTE, to: DAY }])
    assert.deepStrictEqual(changes([...times(30, 7 * DAY), ...days]), [{ line: 31, from: 7 * DAY, to: DAY }])
    assert.lengthOf(changes([...days, ...minutes, ...days]), 2)
  })

  it("is not told of nights, weekends, summer time, months, holes, what is thinly traded, and the last few rows", () => {
    const night = 17.5 * HOUR
    assert.deepStrictEqual(changes(times(50, ...times(6, HOUR), night)), [])
    assert.deepStrictEqual(changes(times(50, 4 * HOUR, 20 * HOUR)), [])
    assert.deepStrictEqual(changes(times(40, DAY, 23 * HOUR, 25 * HOUR, DAY, 60 * DAY)), [])
    assert.deepStrictEqual(
      changes(times(9, ...[31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].map((n) => n * DAY))),
      []
    )
    assert.deepStrictEqual(
      changes([...times(60, MINUTE), ...times(40, 2 * MINUTE, 7 * MINUTE, 3 * MINUTE, MINUTE)]),
      []
    )
    assert.deepStrictEqual(changes([...times(60, DAY), ...times(19, MINUTE)]), [])
  })

  it("is said of a file of days that goes on in minutes", () => {
    const quality = new Quality()
    const start = Date.UTC(2023, 0, 2)
    const add = (time: number, index: number) =>
      quality.add({
        bar: { time, open: 10, high: 12, low: 9, close: 10 + (index % 2), volume: 5 },
        line: index + 2,
        local: time,
        split: 1
      })
    for (let index = 0; index < 260; index++) add(start + index * DAY, index)
    assert.deepStrictEqual(quality.notices, [])
    for (let index = 260; index < 560; index++) add(start + 259 * DAY + (index - 259) * MINUTE, index)
    const [told, ...others] = quality.notices
    assert.deepStrictEqual(others, [])
    assert.deepInclude(told, { kind: "mixed_intervals", warning: true, lines: [262] })
    assert.include(told?.text, "the first from 1 day to 1 minute")
  })
})
