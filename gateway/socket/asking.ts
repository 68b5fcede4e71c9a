import { Effect } from "effect"
import type { Actors } from "../../runtime/index.ts"
import { type ConsensusFailure, castVote, openConsensus } from "../consensus.ts"
import { REFUSALS } from "../http/consensus-routes.ts"
import type { Asked, AskOperation } from "./session.ts"

/** Does what a WebSocket client asks of actors. What goes wrong is an answer too. */
export const askActors = (operation: AskOperation): Effect.Effect<Asked, never, Actors> =>
  ask(operation).pipe(
    Effect.map((data): Asked => ({ ok: true, data })),
    Effect.catch((failure: ConsensusFailure) => {
      const fault = faultOf(failure)
      if (fault.code !== "internal") return Effect.succeed(fault)
      return Effect.as(Effect.logError("operation failed", failure), fault)
    }),
    Effect.catchDefect((defect) => Effect.as(Effect.logError("operation failed", defect), INTERNAL))
  )

type Answer = { readonly [key: string]: unknown }

const ask = (operation: AskOperation): Effect.Effect<Answer, ConsensusFailure, Actors> =>
  operation.op === "vote"
    ? Effect.as(castVote(operation.consensus_id, operation.vote), { accepted: true })
    : openConsensus(operation.request)

const INTERNAL = { ok: false, code: "internal", message: "something failed inside" } as const

const faultOf = (failure: ConsensusFailure): Extract<Asked, { ok: false }> => {
  const refused = (message: string) => ({ ok: false, code: "refused", reason: failure._tag, message }) as const
  switch (failure._tag) {
    case "UnknownRound":
    case "RoundClosed":
    case "NotInvited":
    case "DuplicateVote":
      return refused(REFUSALS[failure._tag].detail)
    case "InvalidRound":
      return refused(`\`${failure.field}\`: ${failure.rule}`)
    case "NoMarketData":
      return refused("no bars of this symbol are known, and the agents that are invited have nothing to look at")
    case "AskTimeout":
    case "MailboxFull":
    case "Overloaded":
    case "LogFull":
    case "LogUnavailable":
      return { ok: false, code: "unavailable", message: "no answer can be had now: try again later" }
    default:
      return INTERNAL
  }
}
