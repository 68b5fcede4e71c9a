import { Schema } from "effect"

const matching = (pattern: RegExp, rule: string) =>
  Schema.String.check(Schema.makeFilter((text: string) => pattern.test(text) || rule))

/** The rule that a symbol keeps. */
export const SYMBOL_RULE =
  "a symbol is 1 to 32 of A-Z 0-9 . _ / : = & ^ - and has a letter or digit first, or after ^ or a dot"

/**
 * What is traded, as exchanges write it: `AAPL`, `EURUSD`, `BRK.B`, `7203.T`, `^GSPC`, `BTC/USDT`.
 *
 * In subjects it is one token: see `symbolToken`.
 */
export const MarketSymbol = matching(/^(?=.{1,32}$)[.^]?[A-Z0-9][A-Z0-9._/:=&^-]*$/, SYMBOL_RULE)
export type MarketSymbol = typeof MarketSymbol.Type

/** The agents that come with the system; others are added by who runs it. */
export const HOUSE_TYPES = [
  "market_analyst",
  "risk_advisor",
  "strategy_optimizer",
  "performance_coach",
  "comprehensive"
] as const
export type HouseType = (typeof HOUSE_TYPES)[number]

/** What an agent type cannot be called: other actors, and others that speak, vote or are counted, have these names. */
export const NOT_AGENT_TYPES: ReadonlyArray<string> = [
  ...["coordinator", "consensus", "performance", "allocation", "experiment", "feedback", "portfolio", "model_limits"],
  ...["human", "client", "joint", "traffic", "buy_and_hold", "learned_weights", "equal_weights"]
]

/** The rule that an agent type keeps. */
export const AGENT_TYPE_RULE =
  "an agent type is 1 to 64 of a-z 0-9 _, words that begin with a letter or digit and the first with a letter, joined by single _, and not the name of another kind of actor"

/** A kind of agent: those that come with the system, or any other name. It is an actor type and a token of subjects. */
export const AgentType = Schema.String.check(
  Schema.makeFilter(
    (text: string) =>
      (/^(?=.{1,64}$)[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(text) && !NOT_AGENT_TYPES.includes(text)) || AGENT_TYPE_RULE
  )
)
export type AgentType = typeof AgentType.Type

export const isHouseType: (type: unknown) => type is HouseType = Schema.is(Schema.Literals(HOUSE_TYPES))

/** The agents that form the panel unless an option says otherwise. */
export const PANEL = [
  "market_analyst",
  "risk_advisor",
  "strategy_optimizer"
] as const satisfies ReadonlyArray<HouseType>

/** One agent: its type and symbol joined, `market_analyst_AAPL`. */
export const AgentId = Schema.NonEmptyString.check(Schema.isMaxLength(128))

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:/=&^@-]{0,127}$/

/**
 * A name as somebody may give it to a voter, in one alphabet, so that no two names look alike that are not. Those that are stored
 * already are read whatever they hold.
 */
export const GivenAgentId = matching(
  NAME,
  "an agent's name is 1 to 128 characters: letters A-Z a-z, digits, _ . : / = & ^ @ -, the first a letter, digit or _"
)
export const isGivenAgentId = (text: string): boolean => NAME.test(text)

/** Under what else than an agent's name something of ours speaks, for whatever symbol; `client` is before who only says something. */
const SPEAKERS = ["allocation", "performance", "client"]
/** What a name that would pass for one of ours begins with, beside the agent types. */
const OURS = ["consensus", "coordinator"]

/**
 * Whether a name would pass for one of our own, of whatever symbol: in whatever case, with whatever between its words, and with digits
 * that are read as letters. `types` are the agent types there are: those that come with the system unless given.
 */
export const looksLikeOurs = (name: string, types: ReadonlyArray<AgentType> = HOUSE_TYPES): boolean => {
  const words = name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "")
  const letters = lettersOf(words.join(""))
  return (
    SPEAKERS.some((speaker) => lettersOf(speaker) === lettersOf(words[0] ?? "")) ||
    [...types, ...OURS].some((ours) => letters.startsWith(lettersOf(ours.replaceAll("_", ""))))
  )
}

/** Whether a name would pass for that of a person who is asked where nobody is named. */
export const looksLikePerson = (name: string): boolean =>
  lettersOf(name.toLowerCase().replaceAll(/[^a-z0-9]/g, "")).startsWith("human")

const READ_AS: Readonly<Record<string, string>> = { "0": "o", "1": "l", i: "l", "3": "e", "4": "a", "5": "s", "7": "t" }

/** One spelling for characters that are taken for each other. */
const lettersOf = (text: string): string =>
  text.replaceAll("rn", "m").replace(/[0134i57]/g, (each) => READ_AS[each] ?? each)

export const agentId = (type: AgentType, symbol: MarketSymbol): string => `${type}_${symbol}`

/** The id of a consensus round: a ULID, so that ids sort by the time they were opened. */
export const ConsensusId = matching(/^[0-9A-Z]{26}$/, "a consensus id is a ULID: 26 of 0-9 A-Z")

/** Follows one request through every message, event and log line it causes. */
export const CorrelationId = matching(
  /^[A-Za-z0-9_-]{1,64}$/,
  "a correlation id is 1 to 64 letters, digits, dashes or underscores"
)

/** The id of an allocation: one decision over several symbols. */
export const AllocationId = matching(
  /^[A-Za-z0-9_-]{1,64}$/,
  "an allocation's id is 1 to 64 letters, digits, dashes or underscores"
)

/** The name of a trading account. */
export const AccountId = matching(
  /^[A-Za-z0-9_-]{1,64}$/,
  "an account is 1 to 64 letters, digits, dashes or underscores"
)

/** The name of a tool, or `model` for the requests to language models. */
export const ToolName = matching(
  /^[A-Za-z0-9_-]{1,64}$/,
  "a tool is 1 to 64 letters, digits, dashes or underscores, and `model` the requests to models"
)

/** An instant as clients see it: ISO 8601 in UTC with milliseconds. */
export const Timestamp = Schema.String

/** The latest instant that a date can be, in milliseconds since 1970. */
export const TIME_MAX = 8.64e15

/** Of a time that no date can be it gives the nearest that one can: who tells of it must not fail for that. */
export const toTimestamp = (millis: number): string =>
  new Date(Math.min(TIME_MAX, Math.max(-TIME_MAX, Number.isNaN(millis) ? 0 : millis))).toISOString()
