import type { AgentType, MarketSymbol } from "./names.ts"

/** A symbol as one token of subjects and patterns: its dots are written `%2E`, as in `market.BRK%2EB`. */
export const symbolToken = (symbol: MarketSymbol): string => symbol.replaceAll(".", "%2E")

/** The subjects of events, as clients subscribe to them; the only place where they are built. */
export const subjects = {
  decision: (symbol: MarketSymbol, type: AgentType) => `decision.${symbolToken(symbol)}.${type}`,
  tool: (type: AgentType, tool: string) => `tool.${type}.${tool}`,
  model: (type: AgentType, symbol: MarketSymbol) => `model.${type}.${symbolToken(symbol)}`,
  coordination: (messageType: string, symbol: MarketSymbol) => `coordination.${messageType}.${symbolToken(symbol)}`,
  status: (type: AgentType, symbol: MarketSymbol) => `status.${type}.${symbolToken(symbol)}`,
  market: (symbol: MarketSymbol) => `market.${symbolToken(symbol)}`,
  order: (account: string, symbol: MarketSymbol) => `order.${account}.${symbolToken(symbol)}`,
  portfolio: (account: string) => `portfolio.${account}`,
  alert: (severity: "info" | "warning" | "critical") => `alert.${severity}`
} as const

/** The longest subject or pattern a client may name, in characters. */
export const PATTERN_LENGTH_MAX = 256

/**
 * Says why a text is not a NATS subject pattern, or nothing when it is one.
 *
 * Tokens are separated by dots and not empty; `*` stands for one token, `>` for one or more at the end.
 */
export const patternFault = (pattern: string): string | undefined => {
  if (pattern.length === 0) return "a pattern must not be empty"
  if (pattern.length > PATTERN_LENGTH_MAX) return `a pattern has at most ${PATTERN_LENGTH_MAX} characters`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\s\u0000-\u001f\u007f]/.test(pattern)) return "a pattern must not hold spaces or control characters"
  const tokens = pattern.split(".")
  for (const [index, token] of tokens.entries()) {
    if (token === "") return "a pattern must not have empty tokens"
    if (token === ">" && index < tokens.length - 1) return "`>` must be the last token"
    if (token.length > 1 && /[*>]/.test(token)) return "`*` and `>` must stand alone in their token"
  }
  return undefined
}
