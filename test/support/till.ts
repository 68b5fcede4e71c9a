// A till: an actor that does a little of everything, and journals of it.
import { Effect, Schema } from "effect"
import {
  type Actor,
  activity,
  cancelTimer,
  define,
  persist,
  publish,
  type Recording,
  type ReplayedStep,
  refuse,
  replay,
  reply,
  send,
  setTimer,
  start,
  stop,
  stopActor
} from "../../runtime/index.ts"
import { Scribe } from "./scribe.ts"

const Nothing = Schema.Struct({})
export const Amount = Schema.Struct({ n: Schema.Int })

const protocol = {
  type: "till",
  messages: {
    Add: { payload: Amount, reply: Schema.Int, error: Schema.String },
    Draw: { payload: Nothing },
    Remind: { payload: Nothing },
    Forget: { payload: Nothing },
    Work: { payload: Nothing },
    Fail: { payload: Nothing },
    Close: { payload: Nothing }
  }
} as const

export interface Changes {
  readonly history?: "snapshots" | "complete"
  readonly factor?: number
  readonly reminds?: boolean
  readonly fails?: string
  readonly snapshotEvery?: number
}

/** Does a little of everything. */
export const till = ({
  history = "complete",
  factor = 1,
  reminds = true,
  fails = "no",
  snapshotEvery = 3
}: Changes = {}) =>
  define({
    protocol,
    history,
    snapshotEvery,
    state: Schema.Struct({ sum: Schema.Int, drawn: Schema.Array(Schema.Finite), note: Schema.String }),
    initial: () => ({ sum: 0, drawn: [], note: "x".repeat(2_000) }),
    events: { Added: { n: Schema.Int }, Drawn: { number: Schema.Finite } },
    activities: { work: activity({ input: Amount, output: Schema.Int, timeout: 1_000, run: () => Effect.succeed(1) }) },
    completed: { work: (_, outcome) => [persist({ _tag: "Added", n: outcome._tag === "Succeeded" ? 100 : 200 })] },
    supervision: { evolve: stopActor },
    decide: {
      Add: ({ sum }, { n }) =>
        n > 10
          ? [refuse("too much")]
          : [
              persist({ _tag: "Added", n: n * factor }),
              publish({ type: "sum", data: Schema.Int }, "sum.till", sum + n),
              reply(sum + n)
            ],
      Draw: (_, __, { random, time }) => [persist({ _tag: "Drawn", number: random() + time })],
      Remind: (_, __, { time }) => [
        ...(reminds ? [setTimer("later", time + 5_000, "Draw", {})] : []),
        send(protocol, "b", "Draw", {})
      ],
      Forget: () => [cancelTimer("later")],
      Work: () => [start("work", "key", { n: 1 })],
      Fail: () => {
        throw new Error(fails)
      },
      Close: () => [stop]
    },
    evolve: {
      Added: (state, { n }) => ({ ...state, sum: state.sum + n }),
      Drawn: (state, { number }) => ({ ...state, drawn: [...state.drawn, number] })
    }
  })

const timer = (generation: number) => ({ kind: "timer", name: "later", generation, message: "Draw" })
const outcome = (generation: number) => ({
  kind: "outcome",
  activity: "work",
  key: "key",
  generation,
  result: { _tag: "Succeeded", value: 1 }
})

/** A till that was told a little of everything, also in one record. */
export const busy = (changes: Changes = {}): Scribe => {
  const scribe = new Scribe(till(changes))
  scribe.take({ message: "Add", body: { n: 1 }, id: "m1", reply: "inbox" }, { message: "Draw", from: "till/b" })
  const [reminded] = scribe.take({ message: "Remind" })
  const [worked] = scribe.take({ message: "Work" })
  scribe.take({ message: "Fail" }, timer(reminded!), outcome(worked!), "rubbish")
  scribe.take({ message: "Add", body: { n: 11 }, id: "m2", reply: "inbox", keep: true })
  scribe.take({ kind: "watch", from: "till/c", message: "Draw" })
  scribe.take({ message: "Forget" }, { message: "Close" })
  scribe.take({ kind: "watch", from: "till/d", message: "Draw" }, { message: "Draw" })
  return scribe
}

export const stepsOf = (actor: Actor, recording: Recording, until?: number): ReadonlyArray<ReplayedStep> =>
  [...replay(actor, recording, { until })].filter((each) => each.kind === "step")

/** What came of deciding each step again, in a word. */
export const verdicts = (steps: ReadonlyArray<ReplayedStep>) =>
  steps.map(({ message, verdict }) => {
    if (verdict.verdict !== "differs") return `${message.name}: ${verdict.verdict}`
    return `${message.name}: ${verdict.deviations.map(({ what }) => what).join(", ")}`
  })
