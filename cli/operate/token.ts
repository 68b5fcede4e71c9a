// `conclave token`: a token with which a client comes in at a gateway.
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Claims, privateKey, Subject, secretKey, signToken } from "../../gateway/index.ts"
import { type Configuration, configuration, InvalidSetting } from "../config.ts"
import { parseDuration } from "../options.ts"

const DAY_SECONDS = 86_400
const LIFETIME_SECONDS_MAX = 366 * DAY_SECONDS

const wordsOf = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "")

const list = (name: "patterns" | "operations", about: string, otherwise: string, rule: string) =>
  Flag.String(name).pipe(
    Flag.withDescription(about),
    Flag.withMetavar("LIST"),
    Flag.withDefault(otherwise),
    Flag.map(wordsOf),
    Flag.filterMap(
      (words) => Schema.decodeUnknownOption(Claims)({ [name]: words }),
      () => rule
    )
  )

const flags = {
  subject: Argument.String("subject").pipe(
    Argument.withDescription("Who the holder is: its name in events, in the list of clients and in limits"),
    Argument.withSchema(Subject)
  ),
  patterns: list(
    "patterns",
    "The events that it may see, as subject patterns with commas between; none where empty (default: >, all)",
    ">",
    "must be subject patterns such as decision.> with commas between"
  ),
  operations: list(
    "operations",
    "What it may do, with commas between; nothing where empty (default: analyze,cancel,status)",
    "analyze,cancel,status",
    "must be of analyze, request_consensus, vote, cancel, message, status, feed, trade and clients, with commas between"
  ),
  lifetime: Flag.String("lifetime").pipe(
    Flag.withDescription("How long it is good for, such as 15m, 12h or 30d (default: 1h)"),
    Flag.withMetavar("DURATION"),
    Flag.withDefault("1h"),
    Flag.filterMap(
      (text) => {
        const seconds = Math.floor((parseDuration(text) ?? 0) / 1_000)
        return seconds >= 1 && seconds <= LIFETIME_SECONDS_MAX ? Option.some(seconds) : Option.none()
      },
      () => "must be a duration from 1s to 366d, such as 15m, 12h or 30d"
    )
  ),
  key: Flag.String("key").pipe(
    Flag.withDescription("Sign with the private key in this file, in PEM (default: the secret GATEWAY_JWT_SECRET)"),
    Flag.withMetavar("FILE"),
    Flag.optional
  ),
  kid: Flag.String("kid").pipe(
    Flag.withDescription("The name of that key, where the gateway has a set of keys, GATEWAY_JWKS (default: none)"),
    Flag.withMetavar("NAME"),
    Flag.optional
  )
}

const signingKey = (file: Option.Option<string>, { gatewaySecret }: Configuration) => {
  if (Option.isSome(file)) return privateKey(file.value)
  const rule = "must be set to the secret of the gateway, or --key given with a private key"
  return gatewaySecret === undefined
    ? Effect.fail(new InvalidSetting({ variable: "GATEWAY_JWT_SECRET", value: "", rule }))
    : secretKey(gatewaySecret)
}

/** `conclave token`: prints a token, and nothing else. */
export const token = Command.make("token", flags, ({ subject, patterns, operations, lifetime, key, kid }) =>
  Effect.gen(function* () {
    const config = yield* configuration
    const signed = yield* signToken(yield* signingKey(key, config), {
      ...patterns,
      ...operations,
      subject,
      seconds: lifetime,
      issuer: config.gatewayIssuer,
      audience: config.gatewayAudience,
      keyId: Option.getOrUndefined(kid)
    })
    yield* Console.log(signed)
  })
).pipe(
  Command.withDescription("Make a token with which a client comes in at a gateway that has the same secret"),
  Command.withExamples([
    { command: "npx conclave token ada", description: "Sees all events and may analyze, for an hour" },
    {
      command: "npx conclave token desk --patterns 'decision.>,alert.*' --operations '' --lifetime 30d",
      description: "Sees some events, and may do nothing, for a month"
    },
    {
      command: "npx conclave token feed --patterns '' --operations feed",
      description: "May give bars, and nothing else"
    }
  ])
)
