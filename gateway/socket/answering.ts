import { Effect } from "effect"
import type { Question, QuestionResult } from "./question.ts"
import { type Action, answered, progressed, type Session, type Transition } from "./session.ts"

export interface AnsweringOptions {
  /** Asks actors; what goes wrong is an answer too. */
  readonly ask: (question: Question) => Effect.Effect<QuestionResult>
  /** Where the client is. */
  readonly address: string
  readonly session: () => Session
  readonly perform: (transition: Transition) => void
}

/**
 * Asks actors what a client wants to know, and tells it how far that has come; nothing of it after the answer.
 *
 * What was asked is stored and goes its way, also where the client does not stay for the answer.
 */
export const answering = (
  { ask, address, session, perform }: AnsweringOptions,
  { operation, grant }: Extract<Action, { readonly do: "ask" }>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    let over = false
    const tell: Question["tell"] = (progress) => {
      if (!over) perform(progressed(session(), operation, progress))
    }
    return Effect.map(ask({ operation, grant, address, tell }), (asked) => {
      over = true
      perform(answered(session(), operation, asked))
    })
  })
