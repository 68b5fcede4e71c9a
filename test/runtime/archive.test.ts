import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Schedule } from "effect"
import { ActorLog, type Address, Archive, type Entry, formatAddress, Operators } from "../../runtime/index.ts"
import { layerOperators } from "../../runtime/nats/index.ts"
import { NatsServer } from "../support/nats.ts"
import { operatorsOf } from "../support/operators.ts"

const record = (owner: Address, expected: number, payload = "{}", snapshot = false): Entry => ({
  kind: "journal",
  owner,
  payload,
  expected,
  snapshot,
  truncate: false
})
const mail = (to: Address, payload = "{}"): Entry => ({ kind: "mail", to, payload })
const dead = (owner: Address, payload: string): Entry => ({ kind: "dead", owner, payload })
const a = { type: "a", id: "1" }

layer(NatsServer.layer, { excludeTestServices: true })("the archive", (it) => {
  it.effect("gives an actor's whole history, page by page, with what lies before a snapshot", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const archive = yield* Archive
      let last = 0
      for (let index = 0; index < 7; index++) {
        last = yield* log.append([record(a, last, `${index}`, index === 5)])
        yield* log.append([mail(a), mail({ ...a, id: "12" })])
      }
      const whole = yield* archive.history(a, 0, 100)
      assert.deepStrictEqual(
        whole.map(({ payload }) => payload),
        ["0", "1", "2", "3", "4", "5", "6"]
      )
      const part = yield* archive.history(a, whole[1]!.sequence, 3)
      assert.deepStrictEqual(part, whole.slice(2, 5))
      assert.deepStrictEqual(yield* archive.history(a, last, 3), [])
      assert.deepStrictEqual(yield* archive.history({ type: "a", id: "none" }, 0, 3), [])
    }).pipe(Effect.provide(operatorsOf("history")))
  )

  it.effect("lists actors with a journal in order, of all types, of one, or of one id", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const archive = yield* Archive
      const owners = ["b/1", "a/2", "a_b/x", "a/漢字", "a/a/b", "a/10", "ab/1"].map(parse)
      for (const owner of owners) yield* log.append([record(owner, 0)])
      yield* log.append([record(parse("a/2"), yield* sequenceOf(parse("a/2")))])
      const names = (found: ReadonlyArray<{ readonly address: Address }>) =>
        found.map(({ address }) => formatAddress(address))
      const all = ["a/10", "a/2", "a/a/b", "a/漢字", "a_b/x", "ab/1", "b/1"]
      const listed = yield* archive.journals({}, undefined, 100)
      assert.deepStrictEqual(names(listed), all)
      assert.deepStrictEqual(
        listed.map(({ records }) => records),
        [1, 2, 1, 1, 1, 1, 1]
      )
      assert.deepStrictEqual(names(yield* archive.journals({ type: "a" }, undefined, 100)), all.slice(0, 4))
      assert.deepStrictEqual(names(yield* archive.journals({ id: "1" }, undefined, 100)), ["ab/1", "b/1"])
      assert.deepStrictEqual(names(yield* archive.journals({}, "a/2", 3)), all.slice(2, 5))
      assert.deepStrictEqual(names(yield* archive.journals({}, "a/3", 1)), ["a/a/b"])
      assert.deepStrictEqual(yield* archive.journals({ type: "none" }, undefined, 100), [])
    }).pipe(Effect.provide(operatorsOf("listing")))
  )

  it.effect("lists more actors than the server names in one answer", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const archive = yield* Archive
      const MANY = 100_500
      const GROUP = 750
      const idOf = (index: number) => String(index).padStart(6, "0")
      for (let from = 0; from < MANY; from += GROUP) {
        const ids = Array.from({ length: GROUP }, (_, index) => idOf(from + index))
        yield* log.append(ids.map((id) => mail({ type: "m", id })))
      }
      const after = `m/${idOf(99_990)}`
      const found = yield* archive.mailboxes({ type: "m" }, after, 100)
      assert.deepStrictEqual(
        found.map(({ address }) => address.id),
        Array.from({ length: 100 }, (_, index) => idOf(99_991 + index))
      )
    }).pipe(Effect.provide(operatorsOf("many")))
  )

  it.effect("counts what waits, of actors with a role too, and says since when", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const archive = yield* Archive
      const gpu = { type: "g", id: "1", role: "gpu" }
      const before = yield* Clock.currentTimeMillis
      const first = yield* log.append([mail(a)])
      yield* log.append([mail({ type: "a", id: "11" }), mail(gpu), mail(a), mail(gpu), mail(a)])
      const whole = yield* archive.backlog(a, 0)
      assert.strictEqual(whole.waiting, 3)
      assert.isTrue(whole.oldest !== undefined && Math.abs(whole.oldest - before) < 2_000)
      assert.strictEqual((yield* archive.backlog(a, first)).waiting, 2)
      assert.deepStrictEqual(yield* archive.backlog(a, first + 100), { waiting: 0, oldest: undefined })
      assert.strictEqual((yield* archive.backlog(gpu, 0)).waiting, 2)
      assert.strictEqual(
        (yield* archive.backlog({ type: "g", id: "1" }, 0)).waiting,
        2,
        "the role is no part of the name"
      )
      const boxes = yield* archive.mailboxes({}, undefined, 10)
      assert.deepStrictEqual(
        boxes.map(({ address, messages }) => [address, messages]),
        [
          [a, 3],
          [{ type: "a", id: "11" }, 1],
          [gpu, 2]
        ]
      )
    }).pipe(Effect.provide(operatorsOf("backlog")))
  )

  it.effect("knows when timers fire, and nothing of those that have fired or were cancelled", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const archive = yield* Archive
      const now = yield* Clock.currentTimeMillis
      const timer = (name: string, at: number): Entry => ({ kind: "timer", owner: a, name, at, payload: "{}" })
      yield* log.append([timer("later", now + 60_000), timer("with.dots", now + 90_000.5), timer("gone", now + 60_000)])
      yield* log.append([{ kind: "untimer", owner: a, name: "gone" }, timer("fired", now - 1_000)])
      const timers = yield* archive
        .timers(a)
        .pipe(
          Effect.repeat({ until: (all) => !all.has("fired"), schedule: Schedule.spaced("20 millis") }),
          Effect.timeout("5 seconds")
        )
      assert.deepStrictEqual(
        new Map(timers),
        new Map([
          ["later", now + 60_000],
          ["with.dots", now + 90_000]
        ])
      )
      assert.strictEqual((yield* archive.timers({ type: "a", id: "2" })).size, 0)
    }).pipe(Effect.provide(operatorsOf("timers")))
  )

  it.effect("gives dead letters page by page, and takes nothing else for one", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const archive = yield* Archive
      const owners = [a, { type: "a", id: "2" }, { type: "b", id: "1" }]
      const letters: Array<number> = []
      for (let index = 0; index < 9; index++) {
        letters.push(yield* log.append([dead(owners[index % 3]!, `${index}`)]))
        yield* log.append([mail(a, "mail")])
      }
      const payloads = (found: ReadonlyArray<{ readonly payload: string }>) =>
        found.map(({ payload }) => payload).join()
      assert.strictEqual(payloads(yield* archive.letters({}, 0, 100)), "0,1,2,3,4,5,6,7,8")
      assert.strictEqual(payloads(yield* archive.letters({}, letters[2]!, 3)), "3,4,5")
      assert.strictEqual(payloads(yield* archive.letters({ type: "a" }, 0, 3)), "0,1,3")
      assert.strictEqual(payloads(yield* archive.letters(owners[1]!, letters[1]!, 100)), "4,7")
      assert.strictEqual(payloads(yield* archive.letters({ id: "1" }, 0, 4)), "0,2,3,5")
      assert.deepStrictEqual((yield* archive.letter(letters[4]!))?.owner, owners[1])
      assert.isFalse(yield* archive.drop(letters[0]! + 1), "that is mail")
      assert.strictEqual((yield* log.readMail(a, 0, 100)).length, 9)
      for (const none of [letters[0]! + 1, 0, -1, 1.5, 1e9, Number.NaN]) assert.isUndefined(yield* archive.letter(none))
      const dropped = yield* Effect.all([archive.drop(letters[0]!), archive.drop(letters[0]!)], { concurrency: 2 })
      assert.deepStrictEqual(dropped.toSorted(), [false, true])
      assert.isFalse(yield* archive.drop(letters[0]!))
      assert.strictEqual(payloads(yield* archive.letters({ type: "a" }, 0, 2)), "1,3")
      assert.strictEqual(yield* archive.newest, letters[8]! + 1)
    }).pipe(Effect.provide(operatorsOf("letters")))
  )

  it.effect("makes no namespace of a misspelt name", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const operators = layerOperators({ url, namespace: "misspelt", name: "test" })
      const error = yield* Effect.flip(Operators.use((all) => all.nodes).pipe(Effect.provide(operators)))
      assert.strictEqual(error.message, `the NATS server at ${url} has no namespace misspelt`)
      const again = yield* Effect.flip(Operators.use((all) => all.nodes).pipe(Effect.provide(operators)))
      assert.strictEqual(again.message, error.message)
    })
  )
})

layer(NatsServer.layer, { excludeTestServices: true })("readMail", (it) => {
  it.effect("finds nothing where there is nothing", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* ActorLog.use((log) => log.readMail(a, 0, 10)), [])
    }).pipe(Effect.provide(operatorsOf("empty")))
  )
})

const parse = (name: string): Address => ({
  type: name.slice(0, name.indexOf("/")),
  id: name.slice(name.indexOf("/") + 1)
})

const sequenceOf = (owner: Address) =>
  ActorLog.use((log) => Effect.map(log.readJournal(owner), (records) => records.at(-1)?.sequence ?? 0))
