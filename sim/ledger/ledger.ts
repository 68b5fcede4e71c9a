import { Effect, Schedule, Schema } from "effect"
import {
  type Address,
  activity,
  cancelActivity,
  cancelTimer,
  define,
  escalate,
  type Limits,
  persist,
  publish,
  reply,
  restart,
  type Supervision,
  send,
  setTimer,
  start,
  stop,
  stopActor,
  watch
} from "../../runtime/index.ts"
import { FaultInjection } from "../world/scenario.ts"

/** Every message that has an effect carries a token: by it the effect is known. */
const Token = { token: Schema.String }
/** How many events there are after the message. */
const Count = Schema.Int

const messages = {
  Put: { payload: Schema.Struct(Token), reply: Count },
  Move: { payload: Schema.Struct({ ...Token, to: Schema.String, amount: Schema.Int }), reply: Count },
  Receive: { payload: Schema.Struct({ ...Token, amount: Schema.Int }) },
  Arm: { payload: Schema.Struct({ ...Token, name: Schema.String, millis: Schema.Int }), reply: Count },
  Disarm: { payload: Schema.Struct({ ...Token, name: Schema.String }), reply: Count },
  Ring: { payload: Schema.Struct(Token) },
  Work: { payload: Schema.Struct({ ...Token, key: Schema.String }), reply: Count },
  Drop: { payload: Schema.Struct({ ...Token, key: Schema.String }), reply: Count },
  Look: { payload: Schema.Struct({}), reply: Count },
  Follow: { payload: Schema.Struct({ ...Token, target: Schema.String }), reply: Count },
  Told: { payload: Schema.Struct(Token) },
  Halt: { payload: Schema.Struct(Token), reply: Count },
  Fail: { payload: Schema.Struct(Token), reply: Count }
} as const

/** Goes whole into most of its records; `mortal` ones stop. */
export const LEDGER = { type: "ledger", messages } as const
export const MORTAL = { type: "mortal", messages } as const
/** Keeps its complete history, and few snapshots. */
export const BOOK = { type: "book", messages } as const
export type LedgerProtocol = typeof LEDGER | typeof MORTAL | typeof BOOK

const State = Schema.Struct({
  count: Schema.Int,
  balance: Schema.Int,
  taken: Schema.Array(Schema.String),
  /** So that the actor does not fit into each of its records. */
  ballast: Schema.String
})
type State = typeof State.Type

const FACT = { type: "fact", data: Schema.Struct(Token) }
const Took = { what: Schema.String, token: Schema.String, amount: Schema.Int }
const OUTPUT = Schema.Struct(Token)

const took = (what: string, token: string, amount = 0) => persist({ _tag: "Took", what, token, amount } as const)

const work = activity({
  input: Schema.Struct(Token),
  output: OUTPUT,
  timeout: "3 seconds",
  retry: Schedule.spaced("500 millis").pipe(Schedule.upTo({ times: 1 })),
  concurrency: 3,
  run: ({ token }, { publish: tellFact }) =>
    Effect.gen(function* () {
      const { strikes } = yield* FaultInjection
      if (strikes()) yield* Effect.ignore(tellFact(FACT, "fact.under-way", { token }))
      if (strikes()) yield* Effect.sleep("2 seconds")
      if (strikes()) return yield* Effect.fail("it went wrong")
      if (strikes()) return yield* Effect.never
      yield* Effect.sleep("50 millis")
      return { token }
    })
})

interface Options {
  readonly protocol: LedgerProtocol
  readonly ballast: number
  readonly snapshotEvery: number
  readonly history: "snapshots" | "complete"
  readonly supervision: Supervision
  readonly limits: Limits
  /** How many message ids it remembers. */
  readonly rememberCount: number
}

/** Who is told of the failures that are escalated. */
export const SUPERVISOR = "a"

/** By what the supervisor knows a failure. */
export const failureToken = (actor: string, sequence: number): string => `failure-${actor}-${sequence}`

/** An actor made for checking: it does everything an actor can, and notes in its journal what it took. */
const makeLedger = ({ protocol, ballast, snapshotEvery, history, supervision, limits, rememberCount }: Options) =>
  define({
    protocol,
    state: State,
    initial: () => ({ count: 0, balance: 0, taken: [], ballast: "x".repeat(ballast) }),
    events: { Took },
    history,
    snapshotEvery,
    supervision,
    limits,
    remember: { count: rememberCount },
    evolve: {
      Took: (state: State, { what, token, amount }) => ({
        ...state,
        count: state.count + 1,
        balance: state.balance + amount,
        taken: [...state.taken, `${what} ${token}`]
      })
    },
    decide: {
      Put: ({ count }, { token }, { self }) => [
        took("put", token),
        publish(FACT, `fact.${self.type}.${self.id}`, { token }),
        reply(count + 1)
      ],
      Move: ({ count }, { token, to, amount }) => [
        took("move", token, -amount),
        send(LEDGER, to, "Receive", { token, amount }),
        reply(count + 1)
      ],
      Receive: (_, { token, amount }) => [took("receive", token, amount)],
      Arm: ({ count }, { token, name, millis }, { time }) => [
        took("arm", token),
        setTimer(name, time + millis, "Ring", { token }),
        reply(count + 1)
      ],
      Disarm: ({ count }, { token, name }) => [took("disarm", token), cancelTimer(name), reply(count + 1)],
      Ring: (_, { token }) => [took("ring", token)],
      Work: ({ count }, { token, key }) => [took("work", token), start("work", key, { token }), reply(count + 1)],
      Drop: ({ count }, { token, key }) => [took("drop", token), cancelActivity(key), reply(count + 1)],
      Look: ({ count }) => [reply(count)],
      Follow: ({ count }, { token, target }) => [
        took("follow", token),
        watch(MORTAL, target, "Told", { token }),
        reply(count + 1)
      ],
      Told: (_, { token }) => [took("told", token)],
      Halt: ({ count }, { token }) => [took("halt", token), reply(count + 1), stop],
      Fail: (_, { token }) => {
        throw new Error(`asked to fail by ${token}`)
      }
    },
    activities: { work },
    completed: {
      work: (_, outcome, { sequence }) => [
        outcome._tag === "Succeeded" ? took("done", outcome.value.token) : took("failed", `${outcome.key} ${sequence}`)
      ]
    }
  })

export const ledgerActors = [
  makeLedger({
    protocol: LEDGER,
    ballast: 0,
    snapshotEvery: 5,
    history: "snapshots",
    supervision: {
      decide: escalate,
      supervisor: (_, { actor, sequence }) => send(LEDGER, SUPERVISOR, "Told", { token: failureToken(actor, sequence) })
    },
    limits: {},
    rememberCount: 256
  }),
  makeLedger({
    protocol: MORTAL,
    ballast: 1_100,
    snapshotEvery: 3,
    history: "snapshots",
    supervision: { decide: stopActor },
    limits: { mailbox: 8, concurrency: 1 },
    // Nobody repeats a message to it on purpose; asks that are sent again have one effect also where it was forgotten.
    rememberCount: 2
  }),
  makeLedger({
    protocol: BOOK,
    ballast: 1_100,
    snapshotEvery: 7,
    history: "complete",
    supervision: { decide: restart({ attempts: 2, backoff: "50 millis" }) },
    limits: { concurrency: 2, rate: { messages: 6, per: "500 millis" } },
    rememberCount: 256
  })
]

/** What an actor took, as `what token`, in order. */
export const takenBy = (state: unknown): ReadonlyArray<string> =>
  typeof state === "object" && state !== null && "taken" in state && Array.isArray(state.taken) ? state.taken : []

export const balanceOf = (state: unknown): number =>
  typeof state === "object" && state !== null && "balance" in state ? Number(state.balance) : 0

export const isLedger = ({ type }: Address): boolean => type === "ledger" || type === "mortal" || type === "book"
