import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { Kind } from "../support/model.ts"
import { type Fate, OWNERS, type Owner, ShardWorld } from "../support/shard-world.ts"

type Command = readonly [name: string, run: (world: ShardWorld) => void]

const owner = fc.constantFrom<Owner>(...OWNERS)
const few = fc.integer({ min: 1, max: 6 })
const of = (name: string, run: (world: ShardWorld) => void) => fc.constant<Command>([name, run])

const telling = fc.tuple(owner, fc.constantFrom<Kind>("Add", "Add", "Add", "Read", "Read", "Flaky", "Poison"), few).map(
  ([id, kind, count]): Command => [
    `tell ${id} ${kind} ${count} times`,
    (world) => {
      for (let time = 0; time < count; time++) world.tell(id, kind)
    }
  ]
)
const settling = fc
  .constantFrom<Fate>("stored", "stored", "stored", "lost", "refused", "refused", "stored, and the answer lost")
  .map((fate): Command => [`settle: ${fate}`, (world) => world.settle(fate)])

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: telling },
  { weight: 4, arbitrary: few.map((count): Command => [`deliver ${count}`, (world) => world.deliver(count)]) },
  { weight: 3, arbitrary: of("load", (world) => world.load()) },
  { weight: 3, arbitrary: few.map((count): Command => [`find ${count}`, (world) => world.find(count)]) },
  { weight: 3, arbitrary: of("give", (world) => world.give()) },
  { weight: 4, arbitrary: of("gather", (world) => world.gather()) },
  { weight: 4, arbitrary: settling },
  { weight: 1, arbitrary: owner.map((id): Command => [`pause ${id}`, (world) => world.pause(id)]) },
  { weight: 2, arbitrary: owner.map((id): Command => [`resume ${id}`, (world) => world.resume(id)]) },
  { weight: 1, arbitrary: fc.boolean().map((on): Command => [`lease ${on}`, (world) => world.lease(on)]) },
  { weight: 2, arbitrary: of("wait", (world) => world.wait(1_000)) },
  { weight: 1, arbitrary: fc.boolean().map((on): Command => [`move ${on}`, (world) => world.move(on)]) },
  { weight: 1, arbitrary: of("rest, all paused", (world) => world.restPaused()) }
)

/** More by hand: RUNS in the environment. */
const RUNS = Number(process.env.RUNS ?? 400)

const story = (commands: ReadonlyArray<Command>) => commands.map(([name]) => name).join("; ")

const play = (commands: ReadonlyArray<Command>): ShardWorld => {
  const world = new ShardWorld()
  for (const [name, run] of commands) {
    try {
      run(world)
      world.check()
    } catch (cause) {
      throw new Error(`at "${name}" of: ${story(commands)}`, { cause })
    }
  }
  world.finish()
  world.check()
  return world
}

describe("the actors of a shard", () => {
  it("do each message once and in order, whatever is paused, refused, lost, read late or given away", () => {
    const stories = fc.array(command, { maxLength: 80, size: "max" })
    fc.assert(
      fc.property(stories, (commands) => {
        const world = play(commands)
        for (const id of OWNERS) assert.deepStrictEqual(world.seenBy(id), world.toldTo(id), story(commands))
        for (const n of world.poisonous) assert.isTrue(world.parked.has(n), story(commands))
        assert.strictEqual(world.open, 0, story(commands))
        if (process.env.ANSWERS)
          for (const n of world.asked) assert.isAtLeast(world.answered.get(n) ?? 0, 1, `${n}: ${story(commands)}`)
      }),
      { numRuns: RUNS }
    )
  })

  it("miss nothing where what is read of a backlog comes after a pause that has made it begin earlier", () => {
    const world = new ShardWorld()
    world.tell("a", "Add")
    world.tell("a", "Add")
    world.pause("a")
    world.deliver(2)
    world.lease(false)
    world.resume("a")
    world.load()
    world.find(1)
    world.give()
    world.find(1)
    world.pause("a")
    world.finish()
    assert.deepStrictEqual(world.seenBy("a"), [1, 2])
  })

  it("answer a question that stood behind a commit also where its actor is paused meanwhile", () => {
    const world = new ShardWorld()
    world.tell("a", "Add")
    world.deliver(1)
    world.load()
    world.gather()
    world.tell("a", "Read")
    world.deliver(1)
    world.pause("a")
    world.settle("stored")
    assert.strictEqual(world.answered.get(2), 1)
    assert.strictEqual(world.open, 0, "or the shard could not be given away")
  })

  it("take nobody's place while they are paused", () => {
    const world = new ShardWorld()
    world.tell("a", "Add")
    world.tell("b", "Add")
    world.deliver(2)
    world.load()
    world.load()
    world.gather()
    world.pause("a")
    world.settle("lost")
    world.rest()
    assert.deepStrictEqual(world.seenBy("a"), [])
    assert.deepStrictEqual(world.seenBy("b"), [2], "one of the type works at a time")
  })

  it("are counted once where one that cannot go on is given away in that moment", () => {
    const world = new ShardWorld()
    for (let time = 0; time < 600; time++) world.tell("a", "Add")
    world.deliver(600)
    world.load()
    for (let time = 0; time < 20; time++) {
      world.gather()
      world.settle("refused")
      world.load()
    }
    world.move(false)
    world.wait(0)
    world.check()
    assert.strictEqual(world.open, 0)
  })
})
