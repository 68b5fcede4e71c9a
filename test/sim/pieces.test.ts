import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import fc from "fast-check"
import { Prng, Process, Timeline } from "../../sim/index.ts"

const makeProcess = () => {
  const timeline = new Timeline()
  const process = new Process({ name: "p", timeline, random: new Prng(1), skewMillis: 0 })
  const pass = (millis: number) => {
    let over = false
    timeline.after(millis, () => {
      over = true
    })
    while (!over) timeline.step()
  }
  return { timeline, process, pass }
}

describe("a timeline", () => {
  it("lets things happen in the order of their times, and of equal ones in the order of their making", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (delays) => {
        const timeline = new Timeline()
        const happened: Array<readonly [number, number]> = []
        for (const [index, delay] of delays.entries()) timeline.after(delay, () => happened.push([delay, index]))
        while (timeline.step());
        assert.deepStrictEqual(
          happened,
          delays.map((delay, index) => [delay, index] as const).toSorted(([a, i], [b, j]) => a - b || i - j)
        )
      })
    )
  })
})

describe("numbers of a seed", () => {
  it("are the same again, and those of a purpose do not depend on what else is drawn", () => {
    const draw = (random: Prng) => Array.from({ length: 5 }, () => random.below(1_000))
    assert.deepStrictEqual(draw(new Prng(5)), draw(new Prng(5)))
    assert.notDeepEqual(draw(new Prng(5)), draw(new Prng(6)))
    assert.notDeepEqual(draw(new Prng(5)), draw(new Prng(5 + 2 ** 32)))
    assert.notDeepEqual(draw(new Prng(5).split("a")), draw(new Prng(5).split("b")))
  })
})

describe("a process", () => {
  it("runs nothing while it is frozen, and all of it in order afterwards", () => {
    const { process, pass, timeline } = makeProcess()
    const ran: Array<string> = []
    const work = Effect.gen(function* () {
      for (let index = 0; index < 5; index++) {
        yield* Effect.sleep(100)
        ran.push(`slept ${index}`)
      }
    })
    process.start(work, () => ran.push("ended"))
    pass(250)
    process.freezeUntil(timeline.now())
    process.post(() => ran.push("came"))
    pass(1_000)
    assert.deepStrictEqual(ran, ["slept 0", "slept 1"])
    process.thaw()
    pass(1)
    assert.deepStrictEqual(ran, ["slept 0", "slept 1", "came", "slept 2"])
    pass(1_000)
    assert.strictEqual(ran.at(-1), "ended")
  })

  it("runs no finalizer when it is killed", () => {
    const { process, pass } = makeProcess()
    const ran: Array<string> = []
    const work = Effect.never.pipe(Effect.ensuring(Effect.sync(() => ran.push("finalizer"))))
    const fiber = process.start(work, () => ran.push("ended"))
    pass(10)
    process.kill()
    process.post(() => fiber.interruptUnsafe())
    pass(1_000)
    assert.deepStrictEqual(ran, [])
  })

  it("has a clock of its own, and ends its fibers' sleep by the world's", () => {
    const timeline = new Timeline()
    const process = new Process({ name: "p", timeline, random: new Prng(1), skewMillis: 5_000 })
    const before = timeline.now()
    const times: Array<number> = []
    const work = Effect.clockWith((clock) =>
      Effect.sleep(1_000).pipe(Effect.andThen(Effect.sync(() => times.push(clock.currentTimeMillisUnsafe()))))
    )
    let exit: Exit.Exit<number> | undefined
    process.start(work, (fiber) => {
      exit = fiber.pollUnsafe()
    })
    while (timeline.step());
    assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
    assert.approximately(times[0]!, before + 6_000, 2)
    assert.approximately(timeline.elapsed, 1_000, 2)
  })
})
