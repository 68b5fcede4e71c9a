import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Clock, Effect } from "effect"
import { conclaveWith } from "../support/command.ts"
import { runRounds } from "../support/rounds-chaos.ts"

/** `npm run rounds` does the same with 1,000. */
const ROUNDS = 150

/** Removes a record in the middle of the journal of one of some rounds, which nobody but the owner of the server can; says of which. */
const removeRecord = (url: string, ids: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const connection = await connect({ servers: url })
    const manager = await jetstreamManager(connection)
    const next = (id: string, seq: number) =>
      manager.direct.getMessage("ROUNDS", { next_by_subj: `rounds.journal.consensus.${id}`, seq })
    try {
      for (const id of ids) {
        const first = await next(id, 1)
        const second = first && (await next(id, first.seq + 1))
        // Steps that wait for one another share a record, and without its last record a journal is whole.
        if (!second || !(await next(id, second.seq + 1))) continue
        await manager.streams.deleteMessage("ROUNDS", second.seq, true)
        return id
      }
      return undefined
    } finally {
      await connection.close()
    }
  })

describe("rounds over three nodes, of which one after the other is killed", () => {
  it.live(
    `have each exactly one result, which its journal gives: ${ROUNDS} of them at once`,
    () =>
      Effect.gen(function* () {
        const seed = (yield* Clock.currentTimeMillis) % 1_000_000
        const report = yield* runRounds({ rounds: ROUNDS, seed, killEveryMillis: 1_500 })
        assert.deepStrictEqual(report.complaints, [], `npm run rounds -- --rounds ${ROUNDS} --seed ${seed}`)
        assert.strictEqual(report.results, ROUNDS)
        assert.isAtLeast(report.kills, 1, "a kill falls into the middle")

        const env = { NATS_URL: report.url, CONCLAVE_NAMESPACE: "rounds" }
        const [id = "", ...others] = report.consensusIds
        const equal = yield* conclaveWith(env, "verify", id)
        assert.deepStrictEqual([equal.code, equal.stderr], [0, ""])
        assert.match(equal.stdout, new RegExp(`^${id} is equal\n {2}\\d words? in the chain, head [0-9a-f]{64}\n`))
        const cut = yield* removeRecord(report.url, others)
        assert.isDefined(cut, "some round has three records")
        const broken = yield* conclaveWith(env, "verify", cut!)
        assert.strictEqual(broken.code, 1)
        assert.match(broken.stdout, / differs\n[\s\S]*journal: recorded "the record before \d+ is missing"/)
        assert.match(broken.stderr, /the journal of .* differs in \d+ places/)
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    150_000
  )
})
