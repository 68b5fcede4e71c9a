// What a conclave.config.ts holds, and the rules that it keeps.
import type { AnyTool, Panels } from "../actors/index.ts"
import type { Decision, HouseType, ModelName } from "../protocols/index.ts"
import type { Actor } from "../runtime/index.ts"
import type { Regime } from "../sim/index.ts"
import type { Agent, OwnAgent } from "./agent.ts"

/** What is right for an agent in each kind of market, for `conclave test-agents`; as for those who trade where a kind is not named. */
export type Expected = { readonly [R in Regime]?: ReadonlyArray<typeof Decision.Type> }

/** What a user adds to the system. Everything may be left out. */
export interface ConclaveConfig {
  /** Own agents. They are asked where a panel, a request or `CONCLAVE_PANEL` names them. */
  readonly agents?: ReadonlyArray<Agent<never> | Agent>
  /** More tools for agents that come with the system, by type. Their language models may use them; their rules do not. */
  readonly tools?: { readonly [T in HouseType]?: ReadonlyArray<AnyTool> }
  /** Who is asked, by symbol or by a pattern with one `*`, such as `BTC*` or `*`: what names a symbol alone goes before the longest pattern. */
  readonly panels?: Panels
  /** The language model of an agent type, `quant` for its rules; a variable of the environment for the type goes before. */
  readonly models?: Readonly<Record<string, ModelName | "quant">>
  /** Own actors, which run beside those of the system. */
  readonly actors?: ReadonlyArray<Actor>
  /** What is right for own agents, by type. */
  readonly expectations?: Readonly<Record<string, Expected>>
}

/** A configuration, with its types checked. Its rules are checked where it is read. */
export const defineConfig = (config: ConclaveConfig): ConclaveConfig => config

/** A configuration that keeps its rules, as commands take it. */
export interface Extension {
  /** The file that it was read from; none where there is no configuration. */
  readonly file: string | undefined
  readonly agents: ReadonlyArray<OwnAgent>
  readonly tools: { readonly [T in HouseType]?: ReadonlyArray<AnyTool> }
  readonly panels: Panels
  readonly models: ReadonlyMap<string, ModelName | "quant">
  readonly actors: ReadonlyArray<Actor>
  readonly expectations: ReadonlyMap<string, Expected>
}

export const NO_EXTENSION: Extension = {
  ...{ file: undefined, agents: [], tools: {}, panels: {}, actors: [] },
  ...{ models: new Map(), expectations: new Map() }
}
