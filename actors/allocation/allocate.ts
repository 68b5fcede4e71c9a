// From decisions on single symbols to positions that together keep every limit. Pure, in whole millionths of equity.
import type { Binding, Decision, Holding, RiskLimits, Target } from "../../protocols/index.ts"

/** A symbol with what was decided on it. */
export interface AllocationView extends Holding {
  readonly decision: Decision
  /** 0 to 1. */
  readonly strength: number
}

export interface Portfolio {
  readonly views: ReadonlyArray<AllocationView>
  readonly limits: RiskLimits
  /** How far equity is below its highest, 0 to 1. */
  readonly drawdown: number
  readonly vetoed: ReadonlyArray<string>
}

export interface Allocation {
  /** In the order of the symbols' names. */
  readonly targets: ReadonlyArray<Target>
  /** Parts of equity. */
  readonly budget: number
  readonly gross: number
  readonly net: number
}

const UNITS = 1_000_000

/** Whole millionths, towards 0. What is within rounding of a whole one is that one. */
export const toUnits = (fraction: number): number =>
  Math.sign(fraction) * Math.floor(Math.abs(fraction) * UNITS + 1e-6) + 0

/** The part of the budget that a drawdown leaves, 0 to 1. */
export const drawdownScale = (drawdown: number, { from, to }: RiskLimits["drawdown"]): number =>
  Math.min(1, Math.max(0, (to - drawdown) / (to - from)))

interface WeighedSymbol {
  readonly view: AllocationView
  /** Wanted, or to be kept, in units; then cut by limit after limit. */
  readonly units: number
  readonly limitedBy: ReadonlyArray<Binding>
}

/**
 * Targets for all symbols: HOLD keeps its position; BUY wants the greatest position times its strength, SELL the same
 * short (none where shorts are not allowed). Vetoes and limits then only ever make positions smaller:
 *
 * 1. A vetoed symbol's position is between 0 and what it is. No symbol is above its own limit.
 * 2. Kept positions come first. Only if they break a limit by themselves are they cut: each group in proportion, then the
 *    side the net limit is broken on, then all in proportion to the budget.
 * 3. What is wanted gets the rest: each group in proportion, then all in proportion to the budget, then the side that
 *    would break the net limit.
 *
 * Every limit is kept exactly. The order of the symbols does not matter. With a greater budget no position is smaller (by
 * more than one unit for each symbol, where the net limit binds). A limit is not always used up: what is cut for the net
 * limit is given to nobody.
 */
export const allocate = ({ views, limits, drawdown, vetoed }: Portfolio): Allocation => {
  const budget = Math.floor(toUnits(limits.gross) * drawdownScale(drawdown, limits.drawdown))
  const [perGroup, net] = [toUnits(limits.per_group), toUnits(limits.net)]
  const desired = views.map((view) => wanted(view, limits, vetoed.includes(view.symbol)))
  const held = desired.filter(({ view }) => view.decision === "HOLD")
  // Cutting to whole units can move the net by a few of them, hence once more at the end.
  const kept = cutNet(cutGross(cutNet(cutGroups(held, [], perGroup), [], net), [], budget), [], net)
  const active = desired.filter(({ view }) => view.decision !== "HOLD")
  const opened = cutNet(cutGross(cutGroups(active, kept, perGroup), kept, budget), kept, net)
  const all = [...kept, ...opened].toSorted((a, b) => (a.view.symbol < b.view.symbol ? -1 : 1))
  return {
    targets: all.map(({ view, units, limitedBy }) => ({
      symbol: view.symbol,
      decision: view.decision,
      current: view.current,
      target: units / UNITS,
      limited_by: limitedBy
    })),
    budget: budget / UNITS,
    gross: grossOf(all) / UNITS,
    net: netOf(all) / UNITS
  }
}

/** What a view wants by itself, within its symbol's limit and veto. */
const wanted = (view: AllocationView, limits: RiskLimits, isVetoed: boolean): WeighedSymbol => {
  const current = toUnits(view.current)
  const most = toUnits(limits.per_symbol)
  const size = Math.floor(most * view.strength)
  const sell = limits.allow_short ? -size : 0
  const plain = view.decision === "HOLD" ? current : view.decision === "BUY" ? size : sell
  const [low, high] = isVetoed ? [Math.min(0, current), Math.max(0, current)] : [-Infinity, Infinity]
  const allowed = Math.min(high, Math.max(low, plain))
  const within = Math.min(most, Math.max(-most, allowed))
  const limitedBy: Array<Binding> = []
  if (allowed !== plain) limitedBy.push("veto")
  if (within !== allowed) limitedBy.push("per_symbol")
  return { view, units: within + 0, limitedBy }
}

const grossOf = (positions: ReadonlyArray<WeighedSymbol>) =>
  positions.reduce((sum, { units }) => sum + Math.abs(units), 0)
const netOf = (positions: ReadonlyArray<WeighedSymbol>) => positions.reduce((sum, { units }) => sum + units, 0)

const limited = (position: WeighedSymbol, units: number, by: Binding): WeighedSymbol => ({
  ...position,
  units,
  limitedBy: position.limitedBy.includes(by) ? position.limitedBy : [...position.limitedBy, by]
})

/** Positions cut in proportion to come to no more than `room` together. Whole numbers below 2⁵³ all along: exact. */
const cutTo = (positions: ReadonlyArray<WeighedSymbol>, room: number, by: Binding): ReadonlyArray<WeighedSymbol> => {
  const total = grossOf(positions)
  if (total <= room) return positions
  return positions.map((position) => {
    const units = Math.sign(position.units) * Math.floor((Math.abs(position.units) * Math.max(0, room)) / total) + 0
    return units === position.units ? position : limited(position, units, by)
  })
}

const cutGross = (positions: ReadonlyArray<WeighedSymbol>, beside: ReadonlyArray<WeighedSymbol>, budget: number) =>
  cutTo(positions, budget - grossOf(beside), "gross")

const cutGroups = (positions: ReadonlyArray<WeighedSymbol>, beside: ReadonlyArray<WeighedSymbol>, perGroup: number) => {
  const groups = new Set(positions.map(({ view }) => view.group))
  return [...groups].flatMap((group) => {
    const inGroup = ({ view }: WeighedSymbol) => view.group === group
    return cutTo(positions.filter(inGroup), perGroup - grossOf(beside.filter(inGroup)), "per_group")
  })
}

/** Cuts the side on which the net limit is broken; and then single units, which cutting in proportion may have left over. */
const cutNet = (
  positions: ReadonlyArray<WeighedSymbol>,
  beside: ReadonlyArray<WeighedSymbol>,
  limit: number
): ReadonlyArray<WeighedSymbol> => {
  const surplus = Math.abs(netOf(positions) + netOf(beside)) - limit
  if (surplus <= 0) return positions
  const side = Math.sign(netOf(positions) + netOf(beside))
  const onSide = positions.filter(({ units }) => Math.sign(units) === side)
  const others = positions.filter(({ units }) => Math.sign(units) !== side)
  const cut = [...others, ...cutTo(onSide, grossOf(onSide) - surplus, "net")]
  return cutUnits(cut, Math.abs(netOf(cut) + netOf(beside)) - limit, -side)
}

/** Takes so many single units from a side: from its greatest positions, in the order of names where they are equal. */
const cutUnits = (
  positions: ReadonlyArray<WeighedSymbol>,
  surplus: number,
  side: number
): ReadonlyArray<WeighedSymbol> => {
  let left = surplus
  return positions
    .toSorted((a, b) => Math.abs(b.units) - Math.abs(a.units) || (a.view.symbol < b.view.symbol ? -1 : 1))
    .map((position) => {
      const units = Math.min(Math.abs(position.units), Math.max(0, left))
      if (units === 0 || Math.sign(position.units) !== side) return position
      left -= units
      return limited(position, position.units - side * units + 0, "net")
    })
}
