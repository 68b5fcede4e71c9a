// How much of something can be bought and sold. Pure.
import { type Instrument, QUANTITY_DECIMALS } from "../../protocols/index.ts"

const UNIT = 10 ** QUANTITY_DECIMALS
/** Larger ones are whole: a number has no room for their decimals. */
const FRACTIONAL_MAX = Number.MAX_SAFE_INTEGER / UNIT

/** A part of the deposit: where one unit costs more, fractions of it are traded. */
const LOT_SHARE = 0.001

/** A quantity without what adding decimals leaves behind: 0.1 + 0.2 is 0.3. */
export const exact = (quantity: number): number =>
  Math.abs(quantity) >= FRACTIONAL_MAX ? Math.round(quantity) : Math.round(quantity * UNIT) / UNIT

/**
 * What is traded in multiples of: as given, or the largest power of ten up to one unit that costs no more than a thousandth of the
 * deposit: shares are whole, and coins at a hundred thousand are not.
 *
 * @param price of one unit, in the account's currency
 * @param deposit in the same
 */
export const lotOf = (price: number, deposit: number, { lot }: Instrument = {}): number => {
  if (lot !== undefined) return lot
  let decimals = 0
  while (decimals < QUANTITY_DECIMALS && price > deposit * LOT_SHARE * 10 ** decimals) decimals++
  return exact(10 ** -decimals)
}

/** The multiple of a lot that is nearest to a quantity, and no larger. */
export const inLots = (quantity: number, lot: number): number => {
  const lots = quantity / lot
  // What is a multiple already stays one, though the division says a little less.
  const whole = Math.abs(lots - Math.round(lots)) < 1e-6 ? Math.round(lots) : Math.trunc(lots)
  return exact(whole * lot)
}

/** A price as it can be paid, for who buys or sells so much. */
export const inTicks = (price: number, quantity: number, { tick }: Instrument = {}): number => {
  if (tick === undefined) return price
  const ticks = price / tick
  const near = Math.round(ticks)
  const whole = Math.abs(ticks - near) < 1e-6 ? near : quantity > 0 ? Math.ceil(ticks) : Math.floor(ticks)
  // Nothing is sold for nothing, and not for more than its price.
  if (whole === 0) return price
  return Number((whole * tick).toPrecision(12))
}
