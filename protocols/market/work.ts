// What takes a while and stands beside the market: simulated markets, and tests of the agents.
import { Schema } from "effect"
import { HOUSE_TYPES, MarketSymbol, Timestamp } from "../vocabulary/names.ts"

/** What a simulated market can be in. */
export const SimulatedRegime = Schema.Literals([
  "trending_bullish",
  "trending_bearish",
  "sideways",
  "high_volatility",
  "low_volatility",
  "breakout_bullish",
  "breakout_bearish",
  "mean_reversion"
])

const distinct = Schema.makeFilter(
  (names: ReadonlyArray<string>) => new Set(names).size === names.length || "each is named once"
)
const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 }))

/** The longest bar is that of a month, in milliseconds. */
const INTERVAL_MILLIS_MAX = 31 * 24 * 3_600_000

/** A simulated market to decide on, and how fast it goes. */
export const MarketSimulationBody = Schema.Struct({
  /** ACME, GLOBEX and INITECH unless given. */
  symbols: Schema.optionalKey(
    Schema.Array(MarketSymbol).check(Schema.isMinLength(1), Schema.isMaxLength(16), distinct)
  ),
  /** What it is in all the time, or `martingale`; it goes from one to the next unless given. */
  regime: Schema.optionalKey(Schema.Literals([...SimulatedRegime.literals, "martingale"])),
  /** The same number gives the same market; 1 unless given. */
  seed: Schema.optionalKey(Seed),
  /** The length of a bar in milliseconds; a day unless given. */
  interval_ms: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1_000, maximum: INTERVAL_MILLIS_MAX }))),
  /** Bars per second of each symbol, above 0 and at most 1000; 1 unless given. */
  speed: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1_000))),
  /** How many bars of the past are sent at once before the others; 60 unless given, of which every agent has a view. */
  past_bars: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))),
  /** After how many bars of each symbol, newer than those of the past and those known already, it ends; never unless given. */
  bars: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })))
})
export type MarketSimulationBody = typeof MarketSimulationBody.Type

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** How far a simulated market is. */
export const MarketSimulationReport = Schema.Struct({
  symbols: Schema.Array(
    Schema.Struct({
      symbol: MarketSymbol,
      /** Bars that its coordinator took, those of the past with them. */
      bars: Count,
      /** Of the last of them, in milliseconds since 1970. */
      last_bar_time: Schema.NullOr(Schema.Int),
      last_price: Schema.NullOr(Schema.Finite)
    })
  ),
  /** `ended` where it came to its last bar. */
  state: Schema.Literals(["running", "ended", "stopped"])
})
export type MarketSimulationReport = typeof MarketSimulationReport.Type

/** Which tests of the agents are run. */
export const AgentTestsBody = Schema.Struct({
  /** All unless given. */
  regimes: Schema.optionalKey(Schema.Array(SimulatedRegime).check(Schema.isMinLength(1), distinct)),
  /** Agents by type, and `joint` for the panel's decision; all unless given. */
  agents: Schema.optionalKey(
    Schema.Array(Schema.Literals([...HOUSE_TYPES, "joint"])).check(Schema.isMinLength(1), distinct)
  ),
  /** How many seeds, each the one before and 1; 20 unless given. */
  runs: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))),
  /** The first seed; 1 unless given. */
  seed: Schema.optionalKey(Seed)
})
export type AgentTestsBody = typeof AgentTestsBody.Type

/** So much of a task is done, of how much; null where it has no end of its own. */
export const TaskProgress = Schema.Struct({ done: Count, total: Schema.NullOr(Count) })
export type TaskProgress = typeof TaskProgress.Type

/** Something that takes a while, as it is now. `result` is what it came to: also of one that was cancelled, as far as it came. */
export const TaskStatus = Schema.Struct({
  task_id: Schema.String,
  kind: Schema.Literals(["agent_tests", "market_simulation"]),
  state: Schema.Literals(["running", "done", "failed", "cancelled"]),
  progress: TaskProgress,
  started_at: Timestamp,
  ended_at: Schema.NullOr(Timestamp),
  result: Schema.NullOr(Schema.Unknown),
  /** Why it failed. */
  detail: Schema.optionalKey(Schema.String)
})
export type TaskStatus = typeof TaskStatus.Type
