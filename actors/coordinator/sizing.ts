import { Schema } from "effect"
import type { BarWindow, Decision, PositionSizing } from "../../protocols/index.ts"
import { open, SizedAccount } from "../../protocols/index.ts"
import { omitUndefined } from "../../runtime/index.ts"
import { positionSize } from "../tools/risk.ts"
import { tryTool } from "../tools/use.ts"

/** How large a position may be for an account, before it is known what is decided. */
export const Sizing = open({
  account: SizedAccount,
  fraction: Schema.NullOr(Schema.Finite),
  stop_fraction: Schema.NullOr(Schema.Finite),
  /** Why there is no size. */
  reason: Schema.optionalKey(Schema.String)
})
export type Sizing = typeof Sizing.Type

/** By the tool `position_size`, on the bars that an analysis looks at. */
export const sizingOf = (account: SizedAccount, bars: BarWindow): Sizing => {
  const { risk_fraction } = account
  const attempt = tryTool(positionSize, omitUndefined({ risk_fraction }), { bars, past: [] })
  if (attempt._tag === "Failure") return { account, fraction: null, stop_fraction: null, reason: attempt.message }
  return { account, fraction: attempt.value.fraction, stop_fraction: attempt.value.stop_fraction }
}

/** What an account should hold by a decision at a price: up to the size where it is BUY, nothing where it is SELL. */
export const positionSizing = (
  { account: { equity, held }, fraction, stop_fraction, reason }: Sizing,
  decision: Decision,
  price: number
): PositionSizing => {
  const largest = fraction === null ? null : (fraction * equity) / price
  const target = decision === "HOLD" ? held : decision === "SELL" ? 0 : largest
  const change = target === null ? null : target - held
  return omitUndefined({ equity, price, fraction, stop_fraction, held, target, change, reason })
}
