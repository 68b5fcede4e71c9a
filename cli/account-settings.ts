import { Schema, SchemaTransformation } from "effect"
import { AccountId, Instrument, MarketSymbol } from "../protocols/index.ts"
import { listOf, setting } from "./setting.ts"

type Instruments = { readonly [symbol: string]: Instrument }

const FIELD = /^(lot|minimum|tick)=(\d+(?:\.\d+)?)$/
const isSymbol = Schema.is(MarketSymbol)

/** What no instrument is: it breaks the rule for a lot. */
const NONE: Instrument = { lot: 0 }

/** `lot=0.001 tick=0.01` */
const fieldsOf = (words: ReadonlyArray<string>): Instrument => {
  const found = words.map((word) => FIELD.exec(word))
  if (found.length === 0 || new Set(found.map((field) => field?.[1])).size < found.length) return NONE
  if (found.includes(null)) return NONE
  return Object.fromEntries(found.map((field) => [field?.[1], Number(field?.[2])]))
}

/** `BTC/USDT lot=0.001 tick=0.01; AAPL lot=1` */
const parse = (text: string): Instruments => {
  const parts = text.split(";").filter((part) => part.trim() !== "")
  const named = parts.map((part) => part.trim().split(/\s+/))
  const symbols = new Set(named.map(([symbol]) => symbol))
  // A name that is none would be left out without a word.
  if (symbols.size < named.length || ![...symbols].every(isSymbol)) return { NONE }
  return Object.fromEntries(named.map(([symbol, ...words]) => [symbol, fieldsOf(words)]))
}

const write = (instruments: Instruments): string =>
  Object.entries(instruments)
    .map(([symbol, fields]) => [symbol, ...Object.entries(fields).map(([name, value]) => `${name}=${value}`)].join(" "))
    .join("; ")

/** Trading accounts, and what may be ordered. */
export const accountSettings = {
  accounts: setting({
    variable: "CONCLAVE_ACCOUNTS",
    default: "main",
    about: "The paper accounts that trade by the final decisions, separated by commas; `none` for none.",
    rule: "must be names of accounts separated by commas, or none",
    schema: listOf(AccountId, (names) => new Set(names).size === names.length && names.length <= 16)
  }),
  instruments: setting({
    variable: "CONCLAVE_INSTRUMENTS",
    default: "",
    about:
      "What can be ordered of a symbol, such as `BTC/USDT lot=0.001 minimum=0.002 tick=0.01; AAPL lot=1`: multiples of what quantity, the smallest one, and multiples of what price. Without it whole units, and such fractions of them as cost no more than a thousandth of the deposit.",
    rule: "must be symbols separated by semicolons, each once, with lot=, minimum= or tick= and a number above 0",
    schema: Schema.String.pipe(
      Schema.decodeTo(
        Schema.Record(MarketSymbol, Instrument),
        SchemaTransformation.transform({ decode: parse, encode: write })
      )
    )
  })
} as const
