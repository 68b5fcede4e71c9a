import { Effect, Option } from "effect"
import { Argument, Flag } from "effect/cli"
import { MarketSymbol } from "../protocols/index.ts"
import { type Configuration, checkSetting, InvalidSetting, type SettingSpec, settings } from "./config.ts"

/** A market symbol as a person types it: lower case is fine. */
const upperCase = (text: string) => text.trim().toUpperCase()

export const symbolArgument = Argument.String("symbol").pipe(
  Argument.withDescription("What is traded, such as GOOG or EURUSD"),
  Argument.map(upperCase),
  Argument.withSchema(MarketSymbol)
)

export const symbolFlag = Flag.String("symbol").pipe(
  Flag.withDescription("The symbol of the prices in the CSV file, which --csv needs"),
  Flag.map(upperCase),
  Flag.withSchema(MarketSymbol),
  Flag.optional
)

export const symbolsFlag = Flag.String("symbols").pipe(
  Flag.withDescription("Symbols of the simulated market, separated by commas (default: ACME,GLOBEX,INITECH)"),
  Flag.withDefault("ACME,GLOBEX,INITECH")
)

export const natsFlag = Flag.String("nats").pipe(
  Flag.withDescription("The NATS servers to connect to (default: NATS_URL)"),
  Flag.withMetavar("URL"),
  Flag.optional
)

export const portFlag = Flag.String("port").pipe(
  Flag.withDescription("The port of the gateway, 0 for a free one (default: PORT, or 8080)"),
  Flag.withMetavar("PORT"),
  Flag.optional
)

export const dataFlag = Flag.String("data").pipe(
  Flag.withDescription("The folder of everything durable (default: CONCLAVE_DATA, or ./data)"),
  Flag.withMetavar("DIR"),
  Flag.optional
)

/** What an option says, checked by the rule of the variable it stands in for; the variable's value where it is absent. */
export const optionOr = <A, B>(
  option: Option.Option<string>,
  flag: string,
  spec: SettingSpec<A>,
  otherwise: B
): Effect.Effect<A | B, InvalidSetting> =>
  Option.match(option, {
    onNone: () => Effect.succeed(otherwise),
    onSome: (text) => checkSetting({ ...spec, variable: flag }, text)
  })

/** The server that is named by option or environment, if any is. */
export const natsUrl = (option: Option.Option<string>, config: Configuration) =>
  optionOr(option, "--nats", settings.natsUrl, config.natsUrl)

/** The server that is named; a command that has none of its own needs one. */
export const requiredUrl = (option: Option.Option<string>, config: Configuration) =>
  Effect.flatMap(natsUrl(option, config), (url) =>
    url === undefined
      ? Effect.fail(new InvalidSetting({ variable: "NATS_URL", value: "", rule: "must be set, or --nats given" }))
      : Effect.succeed(url)
  )

const UNIT_MILLIS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of a duration as people write it: `500ms`, `30s`, `5 minutes`, `1.5 h`, `7 days`. */
export const parseDuration = (text: string): number | undefined => {
  const match = /^(\d{1,9}(?:\.\d{1,3})?) *(ms|millis|milliseconds?|s|seconds?|m|minutes?|h|hours?|d|days?)$/.exec(
    text.trim()
  )
  if (match === null) return undefined
  const unit = match[2]!.startsWith("mi") && !match[2]!.startsWith("minute") ? "ms" : match[2]!
  return Number(match[1]) * (UNIT_MILLIS[unit === "ms" ? unit : unit.charAt(0)] ?? 0)
}

export const forFlag = Flag.String("for").pipe(
  Flag.withDescription("Stop after this long, such as 30s or 5m; without it, on Ctrl-C"),
  Flag.withMetavar("DURATION"),
  Flag.filterMap(
    (text) => Option.fromNullishOr(parseDuration(text)),
    () => "must be a duration such as 30s, 5m or 1h"
  ),
  Flag.optional
)
