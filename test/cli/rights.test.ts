import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { allActors, quantPolicy } from "../../actors/index.ts"
import { CoordinatorProtocol, PortfolioProtocol } from "../../protocols/index.ts"
import { Actors, layerNode, Operators } from "../../runtime/index.ts"
import { layerNats, layerOperatorsOutside } from "../../runtime/nats/index.ts"
import { Protocol, troubleWith } from "../runtime/trouble.ts"
import { dailyBars } from "../support/bars.ts"
import { commandPaths, runInProcess } from "../support/in-process.ts"
import { temporaryFolder } from "../support/nats.ts"
import { asUser, serverWithUsers } from "../support/nats-users.ts"

const USERS = ["node", "gateway", "viewer", "operator"] as const
type User = (typeof USERS)[number]

/** Who may do what. What is not said here is refused. */
const LOOK: ReadonlyArray<User> = ["node", "viewer", "operator"]
const ACT: ReadonlyArray<User> = ["node", "operator"]
const ASK: ReadonlyArray<User> = ["node", "gateway", "operator"]

const COMMANDS: ReadonlyArray<readonly [path: string, words: string, users: ReadonlyArray<User>]> = [
  ["nodes", "", LOOK],
  ["actors list", "coordinator", LOOK],
  ["actors waiting", "", LOOK],
  ["actors inspect", "coordinator/ACME", LOOK],
  ["actors paused", "", LOOK],
  ["actors drop", "nosuch --yes", ACT],
  ["dead list", "", LOOK],
  ["dead show", "LETTER", LOOK],
  ["doctor", "", LOOK],
  ["feedback", "", LOOK],
  ["experiments", "", LOOK],
  ["portfolio list", "", LOOK],
  ["portfolio show", "main", LOOK],
  ["verify", "ROUND", LOOK],
  ["replay", "coordinator/ACME", LOOK],
  ["export", "coordinator/ACME --to FILE", LOOK],
  ["actors pause", "coordinator/NOBODY", ACT],
  ["actors resume", "coordinator/NOBODY", ACT],
  ["dead retry", "trouble", ACT],
  ["dead drop", "trouble", ACT],
  ["portfolio stop", "main", ASK],
  ["portfolio resume", "main", ASK],
  ["portfolio flatten", "main", ASK],
  ["analyze", "ACME --csv samples/ACME.csv --at 2023-05-10", ASK],
  ["feed", "--symbols ACME --for 1s", ASK],
  ["gateway", "--port 0", ["node", "gateway"]],
  ["node", "--name second", ["node"]],
  ["up", "--port 0 --for 1s", ["node"]]
]

/** They use no NATS server. */
const WITHOUT_NATS = [
  ...["clients", "token", "tools", "market simulate", "market facts", "market check", "models check", "status"],
  ...["init", "run"],
  ...["test-agents", "backtest"]
]

const PATIENCE_SECONDS = 5

describe("the users of nats.conf and the commands", () => {
  it.live("each command works for who may use it, and tells others at once which right is missing", () =>
    Effect.gen(function* () {
      const url = yield* serverWithUsers
      const folder = yield* temporaryFolder
      const actors = [
        ...allActors({ policy: quantPolicy, accounts: ["main"] }),
        troubleWith(() => Effect.succeed("done"))
      ]
      const node = Layer.provideMerge(
        layerNode({ name: "first", actors }),
        layerNats({ ...asUser(url, "node"), ttlSeconds: 5 })
      )
      yield* Effect.gen(function* () {
        const { round, park } = yield* prepare(url)
        for (const [path, words, users] of COMMANDS) {
          for (const user of USERS) {
            const letter = path.startsWith("dead ") ? yield* park : ""
            const file = join(folder, `${user}.jsonl`)
            const given = words.replace("ROUND", round).replace("LETTER", letter).replace("FILE", file)
            const env = { NATS_URL: asUser(url, user).url, PORT: "0", LOG_LEVEL: "Error" }
            const all = `${path} ${given}`.trim().split(" ")
            const { succeeded, error, printed, seconds } = yield* runInProcess(all, env, /Ctrl-C/)
            const told = `${path} as ${user}: ${error}`
            assert.strictEqual(succeeded, users.includes(user), `${told} ${printed}`)
            if (succeeded) continue
            assert.match(`${printed} ${error}`, /Permissions Violation for (Publish|Subscription) to "[^"]+"/, told)
            assert.notInclude(error, "\n", told)
            assert.isBelow(seconds, PATIENCE_SECONDS, told)
          }
        }
      }).pipe(Effect.provide(node))
    }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))
  )

  it.live("no command is forgotten here", () =>
    Effect.gen(function* () {
      const known = [...COMMANDS.map(([path]) => path), ...WITHOUT_NATS]
      assert.deepStrictEqual((yield* commandPaths).toSorted(), known.toSorted())
    })
  )

  it.live("an operator hears that no node is there, and who is to be asked then", () =>
    Effect.gen(function* () {
      const url = yield* serverWithUsers
      yield* Effect.scoped(Layer.build(layerNats(asUser(url, "node"))))
      const run = (user: string, words: string) =>
        runInProcess(words.split(" "), { NATS_URL: asUser(url, user).url, LOG_LEVEL: "Error" })
      for (const words of ["actors pause coordinator/A", "actors paused", "nodes"]) {
        const { succeeded, error } = yield* run("operator", words)
        assert.isFalse(succeeded)
        assert.match(
          error,
          /^no node is alive, and only nodes may do this: start one, or name the servers with the user of nodes/
        )
        assert.notInclude(error, "\n")
      }
      const { printed } = yield* run("node", "actors pause coordinator/A")
      assert.match(printed, /is paused/)
      assert.match((yield* run("node", "nodes")).printed, /no node is alive/)
    }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))
  )

  it.live("a switch that may not hear its answer is not turned", () =>
    Effect.gen(function* () {
      const url = yield* serverWithUsers
      const actors = allActors({ policy: quantPolicy, accounts: ["main"] })
      const node = Layer.provideMerge(layerNode({ name: "only", actors }), layerNats(asUser(url, "node")))
      yield* Effect.gen(function* () {
        yield* fill
        const env = { NATS_URL: asUser(url, "viewer").url }
        const refused = yield* runInProcess(["portfolio", "flatten", "main"], env)
        assert.match(refused.error, /Permissions Violation for Subscription to "conclave\.reply\./)
        const { ask } = yield* Actors
        const view = yield* ask(PortfolioProtocol, "main", "GetPortfolio", {})
        assert.isFalse(view.entries.stopped)
      }).pipe(Effect.provide(node))
    }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))
  )
})

const BARS = 60

const fill = Effect.gen(function* () {
  const { ask } = yield* Actors
  for (const bar of dailyBars(Array.from({ length: BARS }, (_, day) => 100 + Math.sin(day)))) {
    yield* ask(CoordinatorProtocol, "ACME", "Bar", { bar })
  }
})

/** A market, a round that is closed, and a way to get a dead letter, of which it gives the number. */
const prepare = Effect.fnUntraced(function* (url: string) {
  const { ask } = yield* Actors
  yield* fill
  const { consensus_id } = yield* ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: "rights" })
  const park = Effect.gen(function* () {
    yield* Effect.ignore(ask(Protocol, "a", "Fail", { text: "on purpose" }))
    const letters = yield* Effect.flatMap(Operators, (operators) => operators.letters({}, 0, 1)).pipe(
      Effect.provide(layerOperatorsOutside(asUser(url, "viewer")))
    )
    return String(letters[0]?.sequence)
  })
  return { round: consensus_id, park }
})
