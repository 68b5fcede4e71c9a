// Actors that keep book of what reached them, so that afterwards it can be compared with what was sent.
import { Schema } from "effect"
import { cancelTimer, define, persist, reply, send, setTimer } from "../../runtime/index.ts"

/** What one sender's messages did to one actor. Numbers are the sender's own, from 1. */
export const Book = Schema.Struct({
  /** The largest number seen. */
  last: Schema.Int,
  /** Numbers below `last` that have not come. */
  missing: Schema.Array(Schema.Int),
  /** Numbers that came after a larger one, for the first time. */
  late: Schema.Array(Schema.Int),
  /** Numbers that came again. */
  twice: Schema.Array(Schema.Int)
})
export type Book = typeof Book.Type

const Books = Schema.Record(Schema.String, Book)
const EMPTY: Book = { last: 0, missing: [], late: [], twice: [] }

/** The book after a number came. */
export const enter = (book: Book | undefined, number: number): Book => {
  const { last, missing, late, twice } = book ?? EMPTY
  if (number > last) {
    const skipped = Array.from({ length: number - last - 1 }, (_, index) => last + 1 + index)
    return { last: number, missing: [...missing, ...skipped], late, twice }
  }
  return missing.includes(number)
    ? { last, missing: missing.filter((each) => each !== number), late: [...late, number], twice }
    : { last, missing, late, twice: [...twice, number] }
}

/** What a message makes its actor do besides counting it. */
export const Task = Schema.Literals(["nothing", "timer", "cancelled timer", "pass on"])
export type Task = typeof Task.Type

const Numbered = { sender: Schema.String, number: Schema.Int }

export const LedgerReport = Schema.Struct({
  books: Books,
  /** How many timers were set, fired and cancelled, and those that fired although they were not open. */
  set: Schema.Int,
  fired: Schema.Int,
  cancelled: Schema.Int,
  stray: Schema.Array(Schema.String),
  passed: Schema.Int
})
export type LedgerReport = typeof LedgerReport.Type

export const LedgerProtocol = {
  type: "ledger",
  messages: {
    Take: { payload: Schema.Struct({ ...Numbered, task: Task }), reply: Schema.Int },
    Cancel: { payload: Schema.Struct({ name: Schema.String }) },
    Fired: { payload: Schema.Struct({ name: Schema.String }) },
    Report: { payload: Schema.Struct({}), reply: LedgerReport }
  }
} as const

export const MirrorProtocol = {
  type: "mirror",
  messages: {
    Pass: { payload: Schema.Struct(Numbered) },
    Report: { payload: Schema.Struct({}), reply: Books }
  }
} as const

const TIMER_MILLIS = 1_500

const LedgerState = Schema.Struct({
  ...LedgerReport.fields,
  open: Schema.Array(Schema.String)
})

/** Counts what it takes, sets timers, cancels some, and passes some on to its mirror. */
export const ledger = define({
  protocol: LedgerProtocol,
  state: LedgerState,
  initial: () => ({ books: {}, set: 0, fired: 0, cancelled: 0, stray: [], passed: 0, open: [] }),
  events: {
    Taken: { ...Numbered, task: Task },
    Rung: { name: Schema.String },
    Dropped: { name: Schema.String }
  },
  decide: {
    Take: (state, { sender, number, task }, context) => {
      const taken = persist({ _tag: "Taken", sender, number, task })
      const answered = reply(number)
      const name = `${sender}-${number}`
      const timer = setTimer(name, context.time + TIMER_MILLIS, "Fired", { name })
      switch (task) {
        case "nothing":
          return [taken, answered]
        case "timer":
          return [taken, answered, timer]
        case "cancelled timer":
          return [taken, answered, timer, send(LedgerProtocol, context.self.id, "Cancel", { name })]
        case "pass on":
          return [
            taken,
            answered,
            send(MirrorProtocol, context.self.id, "Pass", { sender: "ledger", number: state.passed + 1 })
          ]
      }
    },
    // A timer that went off before it could be cancelled is not open any more.
    Cancel: (state, { name }) =>
      state.open.includes(name) ? [persist({ _tag: "Dropped", name }), cancelTimer(name)] : [],
    Fired: (_, { name }) => [persist({ _tag: "Rung", name })],
    Report: ({ open: _, ...report }) => [reply(report)]
  },
  evolve: {
    Taken: (state, { sender, number, task }) => {
      const timed = task === "timer" || task === "cancelled timer"
      return {
        ...state,
        books: { ...state.books, [sender]: enter(state.books[sender], number) },
        set: state.set + (timed ? 1 : 0),
        open: timed ? [...state.open, `${sender}-${number}`] : state.open,
        passed: state.passed + (task === "pass on" ? 1 : 0)
      }
    },
    Rung: (state, { name }) =>
      state.open.includes(name)
        ? { ...state, fired: state.fired + 1, open: state.open.filter((each) => each !== name) }
        : { ...state, stray: [...state.stray, name] },
    Dropped: (state, { name }) => ({
      ...state,
      cancelled: state.cancelled + 1,
      open: state.open.filter((each) => each !== name)
    })
  }
})

/** Counts what its ledger passes on. */
export const mirror = define({
  protocol: MirrorProtocol,
  state: Schema.Struct({ books: Books }),
  initial: () => ({ books: {} }),
  events: { Passed: Numbered },
  decide: {
    Pass: (_, { sender, number }) => [persist({ _tag: "Passed", sender, number })],
    Report: (state) => [reply(state.books)]
  },
  evolve: {
    Passed: (state, { sender, number }) => ({
      books: { ...state.books, [sender]: enter(state.books[sender], number) }
    })
  }
})
