// Several symbols whose returns move together.
import { Prng } from "../world/prng.ts"
import { gaussian, tailFactor } from "./draws.ts"
import { Market, type MarketOptions, type SimulatedBar } from "./market.ts"
import { STOCK } from "./parameters.ts"

export interface CorrelatedOptions extends Omit<MarketOptions, "symbol"> {
  readonly symbols: ReadonlyArray<string>
  /** Of each pair of symbols, from -1 to 1; or of the symbols in their order, a symmetric matrix with ones. */
  readonly correlation: number | ReadonlyArray<ReadonlyArray<number>>
}

/**
 * Several markets, a bar of each at a time.
 *
 * Their shocks are multivariate Student's t: normal numbers with the correlations given (Cholesky), with one factor for the tails of all, so that
 * large moves come together. Each goes through regimes of its own. Throws a `RangeError` on correlations that no numbers can have.
 */
export class CorrelatedMarkets {
  readonly #markets: ReadonlyArray<readonly [symbol: string, market: Market]>
  readonly #prng: Prng
  readonly #mix: ReadonlyArray<ReadonlyArray<number>>
  readonly #degrees: number

  constructor({ symbols, correlation, ...options }: CorrelatedOptions) {
    this.#markets = symbols.map((symbol) => [symbol, new Market({ ...options, symbol })])
    this.#prng = new Prng(options.seed).split("together")
    this.#degrees = (options.instrument ?? STOCK).parameters.degreesOfFreedom
    this.#mix = cholesky(
      typeof correlation === "number"
        ? symbols.map((_, row) => symbols.map((_, column) => (row === column ? 1 : correlation)))
        : correlation
    )
  }

  next(): ReadonlyMap<string, SimulatedBar> {
    const tail = tailFactor(this.#degrees, this.#prng)
    const own = this.#markets.map(() => gaussian(this.#prng))
    return new Map(
      this.#markets.map(([symbol, market], row) => {
        const normal = this.#mix[row]!.reduce((sum, weight, column) => sum + weight * own[column]!, 0)
        return [symbol, market.next({ normal, tail })]
      })
    )
  }
}

/** The lower triangle L with L·Lᵀ the matrix. */
const cholesky = (matrix: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<ReadonlyArray<number>> => {
  const lower = matrix.map((row) => row.map(() => 0))
  for (const [i, row] of matrix.entries()) {
    for (let j = 0; j <= i; j++) {
      let left = row[j] ?? Number.NaN
      for (let k = 0; k < j; k++) left -= lower[i]![k]! * lower[j]![k]!
      if (i === j && !(left > 0)) throw new RangeError("correlations must be those of a positive definite matrix")
      lower[i]![j] = i === j ? Math.sqrt(left) : left / lower[j]![j]!
    }
  }
  return lower
}
