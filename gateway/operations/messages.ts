import { Effect } from "effect"
import {
  CoordinatorProtocol,
  type CoordinatorStatus,
  type MessageBody,
  subjects,
  symbolToken
} from "../../protocols/index.ts"
import { Actors, type AskError } from "../../runtime/index.ts"
import type { Probe } from "../serving.ts"
import type { OverBudget } from "./budget.ts"
import { type Caller, mustSee, type NotSeen, once, stored } from "./caller.ts"
import type { TooManySymbols } from "./quota.ts"

/**
 * What is known of a symbol: its bars, and the analyses of it. What only answers is stored by nobody, and so needs no quota.
 */
export const symbolStatus = (
  symbol: string,
  caller: Caller
): Effect.Effect<typeof CoordinatorStatus.Type, AskError | NotSeen, Actors> =>
  Effect.gen(function* () {
    yield* mustSee(
      caller,
      subjects.coordination("*", symbol),
      subjects.market(symbol),
      `decision.${symbolToken(symbol)}.*`
    )
    return yield* (yield* Actors).ask(CoordinatorProtocol, symbol, "GetStatus", {})
  })

/** Symbols that nobody trades, whose coordinators are asked whether anybody answers; several, as their shards may be on several nodes. */
const PROBED = 8

/** Asks a coordinator for its status, which changes nothing. */
export const statusProbe: Probe = (attempt, timeout) =>
  Actors.use(({ ask }) => ask(CoordinatorProtocol, `PROBE:${attempt % PROBED}`, "GetStatus", {}, { timeout }))

/** What a client's name begins with where it speaks among agents, so that it passes for none of them. */
const CLIENT = "client:"

/** Says something to an agent, or to all who watch a symbol. It is stored, and published as `coordination.message.<symbol>`. */
export const sendMessage = (
  { symbol, recipient_agent_id = null, text }: MessageBody,
  caller: Caller
): Effect.Effect<void, AskError | TooManySymbols | OverBudget, Actors> =>
  Effect.gen(function* () {
    const { first, again } = stored(caller, text)
    const counted = { first: Effect.andThen(caller.quota.name([symbol]), first), again }
    const message = { sender_agent_id: `${CLIENT}${caller.subject}`.slice(0, 128), recipient_agent_id, text }
    const { ask } = yield* Actors
    const wanted = { operation: "message", target: symbol, body: { recipient_agent_id, text } }
    yield* once(caller, wanted, counted, (sent) => ask(CoordinatorProtocol, symbol, "Message", { message }, sent))
  })
