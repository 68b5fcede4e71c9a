import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Fate, type Kind, OWNERS, type Owner, ShardWorld } from "../support/shard-world.ts"

type Command = readonly [name: string, run: (world: ShardWorld) => void]

const owner = fc.constantFrom<Owner>(...OWNERS)
const few = fc.integer({ min: 1, max: 6 })
const of = (name: string, run: (world: ShardWorld) => void) => fc.constant<Command>([name, run])

const telling = fc
  .tuple(owner, fc.constantFrom<Kind>("Add", "Add", "Add", "Read", "Read", "Flaky", "Poison", "Huge"), few)
  .map(
    ([id, kind, count]): Command => [
      `tell ${id} ${kind} ${count} times`,
      (world) => {
        for (let time = 0; time < count; time++) world.tell(id, kind)
      }
    ]
  )
const settling = fc
  .constantFrom<Fate>("stored", "stored", "stored", "lost", "stored, and the answer lost")
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
        assert.strictEqual(world.open, 0, story(commands))
        if (process.env.ANSWERS)
          for (const n of world.asked) assert.isAtLeast(world.answered.get(n) ?? 0, 1, `${n}: ${story(commands)}`)
      }),
      { numRuns: Number(process.env.RUNS ?? 400) }
    )
  })
})
