// The actors that are measured, besides the counter of the tests.
import { Schema } from "effect"
import { answer, define, persist, ReplyTo, reply, send } from "../runtime/index.ts"

export const VOTERS = 3

/** Opens rounds: sends to three voters, and answers when all three have. */
export const BoardProtocol = {
  type: "board",
  messages: {
    Open: { payload: Schema.Struct({ round: Schema.String }), reply: Schema.Int },
    Vote: { payload: Schema.Struct({ round: Schema.String }) },
    Get: { payload: Schema.Struct({}), reply: Schema.Int }
  }
} as const

export const VoterProtocol = {
  type: "voter",
  messages: {
    Work: { payload: Schema.Struct({ round: Schema.String, board: Schema.String }) },
    Get: { payload: Schema.Struct({}), reply: Schema.Int }
  }
} as const

const Open = Schema.Struct({ replyTo: ReplyTo, votes: Schema.Int })

export const board = define({
  protocol: BoardProtocol,
  state: Schema.Struct({ closed: Schema.Int, open: Schema.Record(Schema.String, Open) }),
  initial: () => ({ closed: 0, open: {} }),
  events: {
    Opened: { round: Schema.String, replyTo: ReplyTo },
    Voted: { round: Schema.String },
    Closed: { round: Schema.String }
  },
  decide: {
    Open: (_, { round }, { self, replyTo }) =>
      replyTo === undefined
        ? []
        : [
            persist({ _tag: "Opened", round, replyTo }),
            ...votersOf(self.id).map((voter) => send(VoterProtocol, voter, "Work", { round, board: self.id }))
          ],
    Vote: ({ open, closed }, { round }) => {
      const present = open[round]
      if (present === undefined) return []
      if (present.votes + 1 < VOTERS) return [persist({ _tag: "Voted", round })]
      return [persist({ _tag: "Closed", round }), answer(BoardProtocol, "Open", present.replyTo, closed + 1)]
    },
    Get: ({ closed }) => [reply(closed)]
  },
  evolve: {
    Opened: (state, { round, replyTo }) => ({ ...state, open: { ...state.open, [round]: { replyTo, votes: 0 } } }),
    Voted: (state, { round }) => {
      const present = state.open[round]
      if (present === undefined) return state
      return { ...state, open: { ...state.open, [round]: { ...present, votes: present.votes + 1 } } }
    },
    Closed: (state, { round }) => {
      const { [round]: _, ...open } = state.open
      return { closed: state.closed + 1, open }
    }
  }
})

export const voter = define({
  protocol: VoterProtocol,
  state: Schema.Struct({ votes: Schema.Int }),
  initial: () => ({ votes: 0 }),
  events: { Voted: {} },
  decide: {
    Work: (_, { round, board }) => [persist({ _tag: "Voted" }), send(BoardProtocol, board, "Vote", { round })],
    Get: ({ votes }) => [reply(votes)]
  },
  evolve: { Voted: (state) => ({ ...state, votes: state.votes + 1 }) }
})

export const votersOf = (board: string): ReadonlyArray<string> =>
  Array.from({ length: VOTERS }, (_, index) => `${board}v${index}`)

const LINES = 20
const LINE = "a line of the state, which is long enough to be worth something. ".repeat(16).slice(0, 1_000)

const pages = <const T extends string>(type: T) =>
  ({
    type,
    messages: {
      Write: { payload: Schema.Struct({ line: Schema.Int }) },
      Get: { payload: Schema.Struct({}), reply: Schema.Int }
    }
  }) as const

/** A state of 20,000 characters, of which each event changes little. */
const pageKeeping = <const T extends string>(protocol: ReturnType<typeof pages<T>>, snapshotEvery: number) =>
  define({
    protocol,
    snapshotEvery,
    state: Schema.Struct({ writes: Schema.Int, lines: Schema.Array(Schema.String) }),
    initial: () => ({ writes: 0, lines: Array.from({ length: LINES }, () => LINE) }),
    events: { Written: { line: Schema.Int } },
    decide: {
      Write: (_, { line }) => [persist({ _tag: "Written", line })],
      Get: ({ writes }) => [reply(writes)]
    },
    evolve: {
      Written: ({ writes, lines }, { line }) => ({
        writes: writes + 1,
        lines: lines.with(line % LINES, `${writes} ${LINE}`.slice(0, LINE.length))
      })
    }
  })

export const PageProtocol = pages("page")
export const LongPageProtocol = pages("long_page")

/** With a snapshot in every hundredth record, and practically never. */
export const page = pageKeeping(PageProtocol, 100)
export const longPage = pageKeeping(LongPageProtocol, 1_000_000)
