import { Clock, Effect } from "effect"
import { isHouseType } from "../../protocols/index.ts"
import { omitUndefined } from "../../runtime/index.ts"
import { PolicyError, type PolicyRequest } from "../policy.ts"
import { quantOpinion } from "./opinion.ts"

/**
 * The policy that is always there: fixed rules on what tools say, the same answer for the same bars, past and scores of news.
 * Fails of agent types alone that do not come with the system: it has no rules for them.
 *
 * The rules' constants are round numbers from how the indicators are usually read. One bound of the `regime` tool, on which they build, was chosen
 * on real prices (Google, October 2008), and so were, with Apple's and the euro's beside them, the numbers of the base rate and of how far the
 * rules move it, by which probabilities are made of strengths (docs/BACKTEST.md has all of them). The rules were mended while looking at
 * simulated markets (docs/AGENT-TESTS.md).
 * Everything is measured in the market's own volatility, so that minutes of a currency and days of a stock compare.
 */
export const quantPolicy = ({
  agentType,
  bars,
  past,
  context,
  outcome,
  outcomes,
  unavailable,
  consensusId
}: PolicyRequest) =>
  Effect.flatMap(Clock.Clock, (clock) => {
    if (!isHouseType(agentType)) {
      return Effect.fail(new PolicyError({ detail: `there are no rules for the agent type ${agentType}` }))
    }
    const opinion = quantOpinion(
      agentType,
      omitUndefined({ bars, past, context, outcome, outcomes }),
      omitUndefined({
        executionPrefix: `${consensusId}.${agentType}`,
        now: () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
        unavailable
      })
    )
    return Effect.succeed(opinion)
  })
